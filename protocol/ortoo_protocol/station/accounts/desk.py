"""What pages and calls ask of accounts: log-in, sessions, links, passwords, second factors.

Nothing here tells whether a name exists: an unknown one is charged, hashed and refused as others.
What administrators do with other people's accounts stands in `administration.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from ortoo_protocol.core.accounts.acts import DONE
from ortoo_protocol.core.accounts.passwords import account_name, check_password
from ortoo_protocol.core.errors import (
    AccountBusy,
    AccountCodeNeeded,
    AccountLink,
    AccountRefused,
    OrtooError,
)
from ortoo_protocol.i18n import DEFAULT
from ortoo_protocol.station import deeds
from ortoo_protocol.station.accounts import acts, attempts, factor, keeping, links, sessions
from ortoo_protocol.station.accounts.administration import Administration
from ortoo_protocol.station.accounts.hashing import Hasher
from ortoo_protocol.station.accounts.people import (
    Account,
    LinkTarget,
    SecondFactor,
    SignedIn,
)
from ortoo_protocol.station.accounts.settings import AccountsTable
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station

__all__ = ["Accounts", "LinkTarget", "SecondFactor", "SignedIn"]
T = TypeVar("T")


class Accounts:
    """One for each station or hub that runs."""

    def __init__(
        self, station: Station, policy: AccountsTable, hasher: Hasher | None = None
    ) -> None:
        self.station, self.policy = station, policy
        self.hasher = hasher or Hasher()
        self.administration = Administration(station, policy)

    # --- sessions ---

    async def log_in(
        self, name: str, password: str, code: str, *, address: str, language: str
    ) -> SignedIn:
        """A new session. `code`: of the second factor or a recovery code, "" for none given.

        Raises AccountRefused (whatever was wrong), AccountLocked (`until_ms`), AccountCodeNeeded
        (ask for the code and call again with all three), AccountBusy.
        """
        name = account_name(name)
        write, now = self.station.write, self.station.parts.clock
        await write(lambda tx: attempts.charge(tx.conn, name, address, now()))
        account = await self.station.read(lambda conn: keeping.find(conn, name))
        kept = account.password if account is not None and account.is_usable else ""
        try:
            right = await self.hasher.verify(kept, password)
        except AccountBusy:
            await write(lambda tx: attempts.give_back(tx.conn, name, address))
            raise
        seen = kept if right else None
        opened = await write(partial(self._log_in, name, seen, code, address, language))
        if isinstance(opened, OrtooError):  # returned, not raised: what it wrote stays
            raise opened
        if kept and self.hasher.is_outdated(kept):
            await self._hash_anew(opened.account, kept, password)
        return opened

    def _log_in(
        self, name: str, seen: str | None, code: str, address: str, language: str, tx: Tx
    ) -> SignedIn | OrtooError:
        """`seen`: the hash that the password gave, None if it gave none."""
        account = keeping.find(tx.conn, name)
        if account is None or not account.is_usable or account.password != seen:
            return self._refuse(tx, account, name, address)
        if account.second_factor:
            if not code.strip():
                attempts.give_back(tx.conn, name, address)
                return AccountCodeNeeded()
            if not factor.accept(tx, account, code):
                return self._refuse(tx, account, name, address)
        attempts.succeeded(tx.conn, name, address)
        factored = bool(account.second_factor)
        return self.open(tx, account, address, language, "log-in", second_factor=factored)

    def _refuse(self, tx: Tx, account: Account | None, name: str, address: str) -> OrtooError:
        known = {} if account is None else {"account": account.account, "person": account.person}
        acts.note(tx, "log-in", "", AccountRefused.code, address=address, **known)
        if account is not None and attempts.is_locked(tx.conn, name):
            acts.note(tx, "lock", f"account:{name}", address=address, **known)
        return AccountRefused()

    def open(
        self,
        tx: Tx,
        account: Account,
        address: str,
        language: str,
        action: str,
        *,
        second_factor: bool,
    ) -> SignedIn:
        """A session for who has proven to be `account`, and the act of it."""
        sessions.sweep(tx.conn, self.policy.sessions, tx.now_ms)
        token = sessions.new_secret(tx.parts.rand)
        sessions.begin(
            tx.conn,
            token,
            account.account,
            tx.now_ms,
            address=address,
            language=language,
            second_factor=second_factor,
        )
        who = self._signed_in(tx.conn, token, tx.now_ms)
        if who is None:
            raise RuntimeError("a session that has just begun is not alive")
        _note(tx, who, action, f"account:{account.account}")
        return who

    async def signed_in(self, token: str) -> SignedIn | None:
        """Who has this token, with the roles of now; None when the session has ended. Its last use
        is written once a minute."""
        now_ms = self.station.parts.clock()

        def read(conn: Connection) -> tuple[SignedIn | None, bool]:
            row = sessions.find(conn, token, self.policy.sessions, now_ms)
            due = row is not None and sessions.is_due(row, now_ms)
            return self._signed_in(conn, token, now_ms), due

        who, due = await self.station.read(read)
        if who is not None and due:
            await self.station.write(lambda tx: sessions.change(tx.conn, token, used_ms=now_ms))
        return who

    def _signed_in(self, conn: Connection, token: str, now_ms: int) -> SignedIn | None:
        row = sessions.find(conn, token, self.policy.sessions, now_ms)
        account = None if row is None else keeping.find(conn, row.account)
        if row is None or account is None or account.disabled_ms is not None:
            return None
        demanded = self.policy.second_factor.demands(account.roles)
        old = bool(account.password) and self.policy.is_old(account.password_ms, now_ms)
        return SignedIn(
            token=token,
            account=account.account,
            person=account.person,
            department=account.department,
            roles=account.roles,
            csrf=sessions.csrf_of(token),
            language=row.language,
            second_factor=row.second_factor,
            must_set_second_factor=demanded and not (account.second_factor or row.second_factor),
            must_change_password=old,
            address=row.address,
        )

    async def log_out(self, token: str) -> None:
        """A session that has ended already is none to end."""
        now_ms = self.station.parts.clock()

        def job(tx: Tx) -> None:
            who = self._signed_in(tx.conn, token, now_ms)
            if sessions.end(tx.conn, token) and who is not None:
                _note(tx, who, "log-out", f"account:{who.account}")

        await self.station.write(job)

    # --- one-time links ---

    async def link(self, secret: str) -> LinkTarget:
        """What a one-time link is for; looking does not use it. Raises AccountLink."""
        now_ms = self.station.parts.clock()
        return await self.station.read(lambda conn: links.find(conn, secret, now_ms))

    async def set_up(
        self,
        secret: str,
        name: str,
        person: str,
        password: str,
        *,
        address: str,
        language: str = DEFAULT,
    ) -> SignedIn:
        """Use a link. `name` and `person` are chosen with a link of kind `first` alone; others have
        them already.

        Raises AccountLink, AccountName, AccountTaken, AccountPerson, AccountPassword, AccountBusy;
        AccountCodeNeeded when the password was set and the account has a second factor: log in.
        """
        target = await self.link(secret)
        name, person = target.account or name, target.person or person
        self._check_password(password, name, person)
        hashed = await self.hasher.make(password)

        def job(tx: Tx) -> SignedIn | OrtooError:
            account = self._use_link(tx, secret, name, person, hashed)
            if account.second_factor:
                _note_account(tx, account, "set-up", address)
                return AccountCodeNeeded()
            return self.open(tx, account, address, language, "set-up", second_factor=False)

        opened = await self.station.write(job)
        if isinstance(opened, OrtooError):
            raise opened
        return opened

    def _use_link(self, tx: Tx, secret: str, name: str, person: str, hashed: str) -> Account:
        target, ends_factor = links.use(tx, secret)
        if target.kind == links.FIRST:
            account = keeping.create(tx, name, person, "", "link").account
            keeping.give_roles(tx, account, target.roles, "link")
        elif target.account != name:
            raise AccountLink()
        else:
            account = target.account
        if ends_factor:
            factor.end(tx, account)
        self._set_password(tx, account, hashed)
        return keeping.need(tx.conn, account)

    # --- passwords and second factors ---

    async def change_password(self, who: SignedIn, old: str, new: str) -> None:
        """All other sessions of the account end. Raises AccountRefused (the old one is wrong),
        AccountLocked, AccountPassword, AccountBusy."""
        self._check_password(new, who.account, who.person)
        await self._prove_password(who, old)
        hashed = await self.hasher.make(new)

        def job(tx: Tx) -> None:
            self._set_password(tx, who.account, hashed, but=who.token)
            _note(tx, who, "password", f"account:{who.account}")

        await self.station.write(job)

    async def _prove_password(self, who: SignedIn, password: str) -> None:
        """Charged as a log-in: a session that was left open is no way to try passwords."""
        name, write, now = who.account, self.station.write, self.station.parts.clock
        await write(lambda tx: attempts.charge(tx.conn, name, who.address, now()))
        account = await self.station.read(lambda conn: keeping.need(conn, name))
        try:
            right = await self.hasher.verify(account.password, password)
        except AccountBusy:
            await write(lambda tx: attempts.give_back(tx.conn, name, who.address))
            raise
        if not right:
            code = AccountRefused.code
            await write(lambda tx: _note(tx, who, "password", f"account:{name}", code))
            raise AccountRefused()
        await write(lambda tx: attempts.give_back(tx.conn, name, who.address))

    def _check_password(self, password: str, name: str, person: str) -> None:
        party = self.station.parts.identity
        check_password(self.policy.passwords, password, (name, person, party.party, party.name))

    def _set_password(self, tx: Tx, account: str, hashed: str, *, but: str = "") -> None:
        keeping.change(tx.conn, account, password=hashed, password_ms=tx.now_ms)
        attempts.clear(tx.conn, account)
        links.void(tx.conn, account)
        sessions.end_all(tx.conn, account, but=but)

    async def _hash_anew(self, account: str, kept: str, password: str) -> None:
        """The parameters have grown since it was made."""
        hashed = await self.hasher.make(password)

        def job(tx: Tx) -> None:
            if keeping.need(tx.conn, account).password == kept:
                keeping.change(tx.conn, account, password=hashed)

        await self.station.write(job)

    async def begin_second_factor(self, who: SignedIn) -> SecondFactor:
        """A new secret; what was in force stays so until a code of the new one is confirmed."""
        issuer = self.policy.issuer or f"Ortoo {self.station.party}"

        def job(tx: Tx) -> SecondFactor:
            return factor.begin(tx, keeping.need(tx.conn, who.account), issuer)

        return await self.station.write(job)

    async def confirm_second_factor(self, who: SignedIn, code: str) -> tuple[str, ...]:
        """The recovery codes, shown once; from now on log-in asks for a code. Other sessions end.
        Raises AccountRefused: not the code of the secret last begun; AccountLocked."""
        now = self.station.parts.clock

        def job(tx: Tx) -> tuple[str, ...] | OrtooError:
            attempts.charge(tx.conn, who.account, who.address, now())
            codes = factor.confirm(tx, keeping.need(tx.conn, who.account), code)
            outcome = DONE if codes is not None else AccountRefused.code
            _note(tx, who, "second-factor", f"account:{who.account}", outcome)
            if codes is None:
                return AccountRefused()
            attempts.give_back(tx.conn, who.account, who.address)
            sessions.end_all(tx.conn, who.account, but=who.token)
            sessions.change(tx.conn, who.token, second_factor=True)
            return codes

        codes = await self.station.write(job)
        if isinstance(codes, OrtooError):
            raise codes
        return codes

    # --- acts ---

    async def recorded(
        self,
        who: SignedIn,
        action: str,
        subject: str,
        do: Callable[[], Awaitable[T]],
        *,
        correlation: str = "",
    ) -> T:
        """Do it, and record it with the first transaction that it writes: both or neither. What
        writes nothing is recorded when it is done. A refusal is recorded after it; where a part
        was done already, beside the record of that. Raises what `do` does."""

        def note(tx: Tx, outcome: str = DONE) -> None:
            _note(tx, who, action, subject, outcome, correlation=correlation)

        try:
            with deeds.doing(note) as deed:
                done = await do()
        except OrtooError as error:
            code = error.code
            await self.station.write(lambda tx: note(tx, code))
            raise
        if not deed.kept:
            await self.station.write(note)
        return done


def _note(
    tx: Tx,
    who: SignedIn,
    action: str,
    subject: str,
    outcome: str = DONE,
    *,
    correlation: str = "",
) -> None:
    acts.note(
        tx,
        action,
        subject,
        outcome,
        account=who.account,
        person=who.person,
        address=who.address,
        correlation=correlation,
    )


def _note_account(tx: Tx, account: Account, action: str, address: str) -> None:
    acts.note(
        tx,
        action,
        f"account:{account.account}",
        account=account.account,
        person=account.person,
        address=address,
    )
