"""Accounts and their roles in the store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from ortoo_protocol.core.accounts.passwords import account_name, check_account_name
from ortoo_protocol.core.accounts.roles import Role, check_roles
from ortoo_protocol.core.catalog.names import is_among
from ortoo_protocol.core.errors import AccountPerson, AccountTaken, AccountUnknown
from ortoo_protocol.core.ids import check_department
from ortoo_protocol.station.accounts.people import Account
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.account_tables import account_roles, accounts

MAX_PERSON_CHARACTERS = 64


def create(tx: Tx, name: str, person: str, department: str, by: str) -> Account:
    """An account that nobody can use yet. Raises AccountName, AccountTaken, AccountPerson,
    TrustDepartment (at a station), CodecIdentifier (at the hub)."""
    account = check_account_name(name)
    if find(tx.conn, account) is not None:
        raise AccountTaken(name=account)
    check_person(tx.conn, person, account)
    if department and tx.party == tx.trust.hub:
        check_department(department)
    elif department:
        tx.trust.check_department(tx.party, department)
    row = {
        "account": account,
        "person": person.strip(),
        "department": department,
        "password": "",
        "password_ms": 0,
        "second_factor": b"",
        "factor_step": 0,
        "factor_next": b"",
        "subject": "",
        "disabled_ms": None,
        "created_ms": tx.now_ms,
        "created_by": by,
    }
    tx.conn.execute(insert(accounts).values(row))
    return need(tx.conn, account)


def check_person(conn: Connection, person: str, account: str) -> None:
    """One person, one account: what a person may not do twice, two accounts would do. Raises
    AccountPerson."""
    if not person.strip() or len(person) > MAX_PERSON_CHARACTERS or not person.isprintable():
        detail = "a name of 1 to 64 characters"
        raise AccountPerson(person=person[:MAX_PERSON_CHARACTERS], detail=detail)
    others = select(accounts.c.person).where(
        accounts.c.account != account, accounts.c.disabled_ms.is_(None)
    )
    if is_among(person, conn.execute(others).scalars()):
        detail = "somebody of this name has an account here"
        raise AccountPerson(person=person, detail=detail)


def give_roles(tx: Tx, name: str, roles: Iterable[str], by: str) -> Account:
    """Exactly these from now on. Raises AccountUnknown, AccountRole, AccountRolesApart."""
    account = need(tx.conn, name).account
    wanted = check_roles(roles, hub=tx.party == tx.trust.hub)
    tx.conn.execute(delete(account_roles).where(account_roles.c.account == account))
    for role in sorted(wanted):
        row = {"account": account, "role": role, "given_ms": tx.now_ms, "given_by": by}
        tx.conn.execute(insert(account_roles).values(row))
    return need(tx.conn, account)


def change(conn: Connection, account: str, **values: object) -> None:
    conn.execute(update(accounts).where(accounts.c.account == account).values(**values))


def bind(conn: Connection, account: str, subject: str) -> None:
    """Raises AccountTaken when another account has this subject."""
    if subject and (other := of_subject(conn, subject)) and other.account != account:
        raise AccountTaken(name=other.account)
    change(conn, account, subject=subject)


# --- reading ------------------------------------------------------------------------------------


def find(conn: Connection, name: str) -> Account | None:
    row = conn.execute(select(accounts).where(accounts.c.account == account_name(name))).first()
    return None if row is None else _account(row, _roles(conn, row.account))


def need(conn: Connection, name: str) -> Account:
    """Raises AccountUnknown."""
    found = find(conn, name)
    if found is None:
        raise AccountUnknown(name=name[:64])
    return found


def of_subject(conn: Connection, subject: str) -> Account | None:
    """Whose subject at the unified login this is."""
    query = select(accounts.c.account).where(accounts.c.subject == subject)
    name = conn.execute(query).scalar() if subject else None
    return None if name is None else find(conn, name)


def listed(conn: Connection) -> list[Account]:
    roles: dict[str, list[str]] = {}
    for row in conn.execute(select(account_roles)):
        roles.setdefault(row.account, []).append(row.role)
    rows = conn.execute(select(accounts).order_by(accounts.c.account)).all()
    return [_account(row, roles.get(row.account, ())) for row in rows]


def holders(conn: Connection, role: Role) -> list[str]:
    """Accounts with this role that are not disabled."""
    query = (
        select(accounts.c.account)
        .join(account_roles, account_roles.c.account == accounts.c.account)
        .where(account_roles.c.role == role, accounts.c.disabled_ms.is_(None))
    )
    return list(conn.execute(query.order_by(accounts.c.account)).scalars())


def _roles(conn: Connection, account: str) -> list[str]:
    query = select(account_roles.c.role).where(account_roles.c.account == account)
    return list(conn.execute(query).scalars())


def _account(row: Row[Any], roles: Iterable[str]) -> Account:
    return Account(**row._asdict(), roles=frozenset(map(Role, roles)))
