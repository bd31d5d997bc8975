"""What administrators do with other people's accounts (三员分立).

The system administrator makes accounts, the security administrator gives them roles and links, the
auditor reads what both did. Nobody does any of it to the own account.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection

from ortoo_protocol.core.accounts.acts import DONE
from ortoo_protocol.core.accounts.passwords import account_name
from ortoo_protocol.core.accounts.roles import ADMINS, Right
from ortoo_protocol.core.errors import AccountOwn, OrtooError
from ortoo_protocol.station.accounts import acts, attempts, factor, keeping, links, sessions
from ortoo_protocol.station.accounts.acts import Wanted
from ortoo_protocol.station.accounts.people import Account, Actor, Link
from ortoo_protocol.station.accounts.settings import AccountsTable
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station

T = TypeVar("T")


class Administration:
    def __init__(self, station: Station, policy: AccountsTable) -> None:
        self._station, self._policy = station, policy

    # --- accounts ---

    async def listed(self, who: Actor) -> list[Account]:
        """All. Raises AccountForbidden to who is no administrator."""
        _need_any(who, (Right.DISABLE_ACCOUNTS, Right.AUDIT))
        return await self._station.read(keeping.listed)

    async def shown(self, who: Actor, name: str) -> dict[str, Any]:
        """One, as `Account.view`, with its `subject` at the unified login, `locked_until_ms` and
        `link_until_ms` (0: no lock, no waiting link). Raises AccountUnknown, AccountForbidden."""
        _need_any(who, (Right.DISABLE_ACCOUNTS, Right.AUDIT))
        now_ms = self._station.parts.clock()

        def read(conn: Connection) -> dict[str, Any]:
            account = keeping.need(conn, name)
            return {
                **account.view(),
                "subject": account.subject,
                "locked_until_ms": attempts.locked_until(conn, account.account, now_ms),
                "link_until_ms": links.waits_until(conn, account.account, now_ms),
            }

        return await self._station.read(read)

    async def create(self, who: Actor, name: str, person: str, department: str) -> Account:
        """An account without roles; the security administrator gives them, and a link. Raises
        AccountName, AccountTaken, AccountPerson, TrustDepartment, AccountForbidden."""

        def job(tx: Tx) -> Account:
            return keeping.create(tx, name, person, department, who.person)

        return await self._do(who, Right.CREATE_ACCOUNTS, "create", name, job)

    async def give_roles(self, who: Actor, name: str, roles: Collection[str]) -> Account:
        """Exactly these, at once. Raises AccountRole, AccountRolesApart, AccountUnknown,
        AccountOwn, AccountForbidden."""

        def job(tx: Tx) -> Account:
            return keeping.give_roles(tx, name, roles, who.person)

        subject = ",".join(sorted(roles))
        return await self._do(who, Right.SECURE_ACCOUNTS, "roles", name, job, detail=subject)

    async def invite(self, who: Actor, name: str, *, ends_factor: bool = False) -> Link:
        """A link by which the person sets a password: the first one, or another (then what is
        known stays in force until it is used). `ends_factor`: the device is lost. Raises
        AccountUnknown, AccountOwn, AccountForbidden."""

        def job(tx: Tx) -> Link:
            return links.for_account(tx, name, self._policy.link_s, ends_factor=ends_factor)

        return await self._do(who, Right.SECURE_ACCOUNTS, "invite", name, job)

    async def disable(self, who: Actor, name: str) -> Account:
        """Nobody uses it any more, at once; its acts stay. Raises AccountUnknown, AccountOwn,
        AccountForbidden."""

        def job(tx: Tx) -> Account:
            account = keeping.need(tx.conn, name).account
            keeping.change(tx.conn, account, disabled_ms=tx.now_ms)
            sessions.end_all(tx.conn, account)
            links.void(tx.conn, account)
            return keeping.need(tx.conn, account)

        return await self._do(who, Right.DISABLE_ACCOUNTS, "disable", name, job)

    async def enable(self, who: Actor, name: str) -> Account:
        """With its roles, and a new password by a link. Raises AccountPerson when the person has
        another account by now, AccountUnknown, AccountOwn, AccountForbidden."""

        def job(tx: Tx) -> Account:
            account = keeping.need(tx.conn, name)
            keeping.check_person(tx.conn, account.person, account.account)
            keeping.change(tx.conn, account.account, disabled_ms=None, password="")
            return keeping.need(tx.conn, account.account)

        return await self._do(who, Right.SECURE_ACCOUNTS, "enable", name, job)

    async def unlock(self, who: Actor, name: str) -> None:
        """Take the lock off that failures have put on. Raises AccountUnknown, AccountForbidden."""

        def job(tx: Tx) -> None:
            attempts.clear(tx.conn, keeping.need(tx.conn, name).account)

        await self._do(who, Right.SECURE_ACCOUNTS, "unlock", name, job)

    async def end_factor(self, who: Actor, name: str) -> Account:
        """The second factor is void; the account's sessions end. Raises AccountUnknown, AccountOwn,
        AccountForbidden."""

        def job(tx: Tx) -> Account:
            account = keeping.need(tx.conn, name).account
            factor.end(tx, account)
            sessions.end_all(tx.conn, account)
            return keeping.need(tx.conn, account)

        return await self._do(who, Right.SECURE_ACCOUNTS, "end-factor", name, job)

    async def bind(self, who: Actor, name: str, subject: str) -> Account:
        """Whom the unified login names so is this account from now on; "" unbinds. Raises
        AccountTaken when the subject is another's, AccountUnknown, AccountOwn, AccountForbidden."""

        def job(tx: Tx) -> Account:
            account = keeping.need(tx.conn, name).account
            keeping.bind(tx.conn, account, subject)
            return keeping.need(tx.conn, account)

        return await self._do(who, Right.SECURE_ACCOUNTS, "bind", name, job)

    # --- the first administrators ---

    async def first_links(self, who: Actor, *, only_if_empty: bool = False) -> list[Link]:
        """One for each of the three administrators that nobody is yet; those made before are void.
        `only_if_empty`: none where there is any account."""

        def job(tx: Tx) -> list[Link]:
            if only_if_empty and keeping.listed(tx.conn):
                return []
            vacant = [role for role in sorted(ADMINS) if not keeping.holders(tx.conn, role)]
            for role in vacant:
                _note(tx, who, "first-link", f"role:{role.value}")
            return [links.for_role(tx, role, self._policy.link_s) for role in vacant]

        who.need(Right.SECURE_ACCOUNTS)
        return await self._station.write(job)

    # --- acts ---

    async def acts(self, who: Actor, wanted: Wanted) -> list[dict[str, Any]]:
        """A page of acts, for the auditor; anybody sees the own ones. Raises AccountForbidden."""
        if not (who.account and wanted.account == who.account):
            who.need(Right.AUDIT)
        return await self._station.read(partial(_listed, wanted))

    async def verify_acts(self, who: Actor) -> int:
        """How many there are, each held against the journal. Raises AccountAct."""
        who.need(Right.AUDIT)
        suite = self._station.parts.identity.suite
        return await self._station.read_long(lambda conn: acts.verify(conn, suite))

    async def _do(
        self,
        who: Actor,
        right: Right,
        action: str,
        name: str,
        job: Callable[[Tx], T],
        *,
        detail: str = "",
    ) -> T:
        """`job` and its act in one transaction; a refusal is an act too."""
        subject = f"account:{account_name(name)[:64]}" + (f" {detail}" if detail else "")

        def both(tx: Tx) -> T:
            done = job(tx)
            _note(tx, who, action, subject)
            return done

        try:
            who.need(right)
            if who.account and account_name(name) == who.account:
                raise AccountOwn()
            return await self._station.write(both)
        except OrtooError as error:
            code = error.code
            await self._station.write(lambda tx: _note(tx, who, action, subject, code))
            raise


def _need_any(who: Actor, rights: Sequence[Right]) -> None:
    """Raises AccountForbidden for the first, if none is there."""
    held = [right for right in rights if right in getattr(who, "rights", rights)]
    who.need((held or rights)[0])


def _listed(wanted: Wanted, conn: Connection) -> list[dict[str, Any]]:
    return acts.listed(conn, wanted)


def _note(tx: Tx, who: Actor, action: str, subject: str, outcome: str = DONE) -> None:
    acts.note(
        tx,
        action,
        subject,
        outcome,
        account=who.account,
        person=who.person,
        address=who.address,
    )
