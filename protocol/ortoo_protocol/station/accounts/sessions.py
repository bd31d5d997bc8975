"""Sessions (会话): 32 random bytes at whoever signed in, their hash in the store."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from ortoo_protocol.core.accounts.sessions import TOUCH_MS, SessionRules
from ortoo_protocol.core.keys import Random
from ortoo_protocol.station.store.account_tables import account_sessions

TOKEN_BYTES = 32
MAX_ADDRESS, MAX_LANGUAGE = 64, 16


def new_secret(rand: Random) -> str:
    """256 random bits as text for a cookie or a link."""
    return base64.urlsafe_b64encode(rand(TOKEN_BYTES)).rstrip(b"=").decode()


def secret_hash(use: str, secret: str) -> bytes:
    """At rest; 256 random bits need no slow hash. `use` keeps one kind from serving as another."""
    return hashlib.sha256(f"ortoo {use} {secret}".encode(errors="surrogatepass")).digest()


def csrf_of(token: str) -> str:
    """What forms of this session carry; it tells nothing of the token."""
    digest = secret_hash("csrf", token)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def begin(
    conn: Connection,
    token: str,
    account: str,
    now_ms: int,
    *,
    address: str,
    language: str,
    second_factor: bool,
) -> None:
    row = {
        "hash": secret_hash("session", token),
        "account": account,
        "begun_ms": now_ms,
        "used_ms": now_ms,
        "language": language[:MAX_LANGUAGE],
        "second_factor": second_factor,
        "address": address[:MAX_ADDRESS],
    }
    conn.execute(insert(account_sessions).values(row))


def find(conn: Connection, token: str, rules: SessionRules, now_ms: int) -> Row[Any] | None:
    """The row of a live session."""
    here = account_sessions.c.hash == secret_hash("session", token)
    row = conn.execute(select(account_sessions).where(here)).first()
    alive = row is not None and rules.lives(row.begun_ms, row.used_ms, now_ms)
    return row if alive else None


def is_due(row: Row[Any], now_ms: int) -> bool:
    """Whether the moment of last use has to be written again."""
    return bool(now_ms - row.used_ms >= TOUCH_MS)


def change(conn: Connection, token: str, **values: object) -> None:
    here = account_sessions.c.hash == secret_hash("session", token)
    conn.execute(update(account_sessions).where(here).values(**values))


def end(conn: Connection, token: str) -> bool:
    """Whether there was one."""
    here = account_sessions.c.hash == secret_hash("session", token)
    return conn.execute(delete(account_sessions).where(here)).rowcount > 0


def end_all(conn: Connection, account: str, *, but: str = "") -> None:
    """All of an account, except that of the token `but`."""
    others = account_sessions.c.hash != secret_hash("session", but)
    mine = account_sessions.c.account == account
    conn.execute(delete(account_sessions).where(mine, others))


def sweep(conn: Connection, rules: SessionRules, now_ms: int) -> None:
    """Forget those that have expired."""
    idle = account_sessions.c.used_ms <= now_ms - rules.idle_ms
    old = account_sessions.c.begun_ms <= now_ms - rules.most_ms
    conn.execute(delete(account_sessions).where(or_(idle, old)))
