"""Failures of names and addresses in the store: charged before a password is looked at, given back
when it was none (core/accounts/lockout.py)."""

from __future__ import annotations

import hashlib
from dataclasses import asdict

from sqlalchemy import Connection, delete, select

from ortoo_protocol.core.accounts import lockout
from ortoo_protocol.core.accounts.lockout import ACCOUNT, ADDRESS, NONE, Attempts, Lockout
from ortoo_protocol.station.store.account_tables import account_attempts
from ortoo_protocol.station.store.dialect import upsert

MOST_NAME_CHARACTERS = 256


def charge(conn: Connection, name: str, address: str, now_ms: int) -> None:
    """One attempt more of `name` from `address`; both or neither. Raises AccountLocked."""
    charged = [
        (key, lockout.charge(table, _held(conn, key), now_ms))
        for key, table in _keys(name, address)
    ]
    for key, attempts in charged:
        _keep(conn, key, attempts)
    longest_ms = max(ACCOUNT.forget_ms, ADDRESS.forget_ms)
    old = account_attempts.c.last_ms < now_ms - longest_ms
    conn.execute(delete(account_attempts).where(old))


def give_back(conn: Connection, name: str, address: str) -> None:
    """The last attempt was no failure, and no success either."""
    for key, table in _keys(name, address):
        _keep(conn, key, lockout.give_back(table, _held(conn, key)))


def succeeded(conn: Connection, name: str, address: str) -> None:
    """The name begins anew; the address only gets its last attempt back."""
    give_back(conn, name, address)
    clear(conn, name)


def clear(conn: Connection, name: str) -> None:
    """Take the lock off a name."""
    conn.execute(delete(account_attempts).where(account_attempts.c.key == _name_key(name)))


def is_locked(conn: Connection, name: str) -> bool:
    """Whether the last attempt of `name` has begun a lock."""
    return ACCOUNT.locks(_held(conn, _name_key(name)).failures)


def locked_until(conn: Connection, name: str, now_ms: int) -> int:
    """When `name` may be tried again; 0: now."""
    return lockout.locked_until(ACCOUNT, _held(conn, _name_key(name)), now_ms)


def _keys(name: str, address: str) -> list[tuple[bytes, Lockout]]:
    found = [(_name_key(name), ACCOUNT)]
    return [*found, (_key("address", address), ADDRESS)] if address else found


def _name_key(name: str) -> bytes:
    return _key("name", name[:MOST_NAME_CHARACTERS])


def _key(kind: str, value: str) -> bytes:
    return hashlib.sha256(f"ortoo {kind} {value}".encode(errors="surrogatepass")).digest()


def _held(conn: Connection, key: bytes) -> Attempts:
    row = conn.execute(select(account_attempts).where(account_attempts.c.key == key)).first()
    return NONE if row is None else Attempts(row.failures, row.last_ms, row.until_ms)


def _keep(conn: Connection, key: bytes, attempts: Attempts) -> None:
    if attempts == NONE:
        conn.execute(delete(account_attempts).where(account_attempts.c.key == key))
    else:
        upsert(conn, account_attempts, [{"key": key, **asdict(attempts)}])
