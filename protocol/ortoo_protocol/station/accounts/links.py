"""One-time links (一次性链接): for the first administrators, invitations, new passwords.

A new link of an account, or for a first administrator's role, voids the one before.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from ortoo_protocol.core.accounts.roles import Role
from ortoo_protocol.core.errors import AccountLink
from ortoo_protocol.station.accounts import keeping
from ortoo_protocol.station.accounts.people import Link, LinkTarget
from ortoo_protocol.station.accounts.sessions import new_secret, secret_hash
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.account_tables import account_links

FIRST, INVITATION, RESET = "first", "invitation", "reset"


def for_role(tx: Tx, role: Role, link_s: int) -> Link:
    """Whoever opens it makes the account of the first holder of `role`."""
    return _make(tx, FIRST, "", role.value, link_s, ends_factor=False)


def for_account(tx: Tx, name: str, link_s: int, *, ends_factor: bool = False) -> Link:
    """Whoever opens it sets the password of this account. `ends_factor`: its second factor is lost
    and void from then on. Raises AccountUnknown."""
    account = keeping.need(tx.conn, name)
    kind = RESET if account.password else INVITATION
    return _make(tx, kind, account.account, "", link_s, ends_factor=ends_factor)


def _make(tx: Tx, kind: str, account: str, role: str, link_s: int, *, ends_factor: bool) -> Link:
    secret = new_secret(tx.parts.rand)
    before = (account_links.c.account == account) & (account_links.c.role == role)
    expired = account_links.c.expires_ms <= tx.now_ms
    tx.conn.execute(delete(account_links).where(before | expired))
    row = {
        "hash": secret_hash("link", secret),
        "kind": kind,
        "account": account,
        "role": role,
        "ends_factor": ends_factor,
        "made_ms": tx.now_ms,
        "expires_ms": tx.now_ms + link_s * 1_000,
    }
    tx.conn.execute(insert(account_links).values(row))
    return Link(secret, find(tx.conn, secret, tx.now_ms))


def find(conn: Connection, secret: str, now_ms: int) -> LinkTarget:
    """Raises AccountLink when it was used, has expired or never was, or when its account or role
    no longer waits for it."""
    row = conn.execute(select(account_links).where(_here(secret))).first()
    if row is None or not row.made_ms <= now_ms < row.expires_ms:
        raise AccountLink()
    if row.kind == FIRST:
        role = Role(row.role)
        if keeping.holders(conn, role):
            raise AccountLink()
        return LinkTarget(FIRST, "", "", "", frozenset((role,)), row.expires_ms)
    account = keeping.find(conn, row.account)
    if account is None or account.disabled_ms is not None:
        raise AccountLink()
    return LinkTarget(
        row.kind,
        account.account,
        account.person,
        account.department,
        account.roles,
        row.expires_ms,
    )


def use(tx: Tx, secret: str) -> tuple[LinkTarget, bool]:
    """Once: what it is for, and whether it ends the second factor. Raises AccountLink."""
    target = find(tx.conn, secret, tx.now_ms)
    ends = select(account_links.c.ends_factor).where(_here(secret))
    ends_factor = bool(tx.conn.execute(ends).scalar_one())
    tx.conn.execute(delete(account_links).where(_here(secret)))
    return target, ends_factor


def waits_until(conn: Connection, account: str, now_ms: int) -> int:
    """Until when a link of this account works; 0: there is none."""
    mine = (account_links.c.account == account) & (account_links.c.expires_ms > now_ms)
    return conn.execute(select(func.max(account_links.c.expires_ms)).where(mine)).scalar() or 0


def void(conn: Connection, account: str) -> None:
    conn.execute(delete(account_links).where(account_links.c.account == account))


def _here(secret: str) -> ColumnElement[bool]:
    return account_links.c.hash == secret_hash("link", secret)
