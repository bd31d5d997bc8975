"""Tokens of departments' programs (令牌): each opens one thing, for a while, until it is revoked.

The text is shown once. The store has its hash: 32 random bytes need no slow one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from ortoo_node import catalog
from ortoo_node.store.tables import api_tokens, subscriptions
from ortoo_protocol.core.errors import (
    ApiScope,
    ApiToken,
    CatalogUnknown,
    TokenScope,
    TokenUnknown,
)
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station

PUSH, PULL = "push", "pull"
SECRET_BYTES, NAME_BYTES = 32, 6
DAY_MS = 86_400_000
MOST_DAYS = 3_650
USED_EVERY_MS = 3_600_000
_TEXT = re.compile(r"ortoo_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_SCOPE = re.compile(r"(push|pull):([!-~]{1,80})")


@dataclass(frozen=True)
class Bearer:
    """Who asks: a program of `department`, which may do `scope`."""

    token: str
    department: str
    scope: str

    def need(self, kind: str, target: str) -> None:
        """Raises ApiScope."""
        if self.scope != f"{kind}:{target}":
            raise ApiScope(wanted=f"{kind}:{target}")


def make(tx: Tx, department: str, scope: str, days: int) -> tuple[str, str, int]:
    """A new token: its name, its text, when it expires. Raises TrustDepartment, TokenScope."""
    tx.trust.check_department(tx.party, department)
    if not 1 <= days <= MOST_DAYS:
        raise TokenScope(scope=scope, department=department, detail=f"{days} days")
    _check_scope(tx, department, scope)
    name, secret = tx.parts.rand(NAME_BYTES).hex(), tx.parts.rand(SECRET_BYTES)
    text = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    expires_ms = tx.now_ms + days * DAY_MS
    values = {
        "token": name,
        "hash": _hash(text),
        "department": department,
        "scope": scope,
        "created_ms": tx.now_ms,
        "expires_ms": expires_ms,
        "revoked_ms": None,
        "used_ms": None,
    }
    tx.conn.execute(insert(api_tokens).values(values))
    return name, f"ortoo_{name}_{text}", expires_ms


def _check_scope(tx: Tx, department: str, scope: str) -> None:
    found = _SCOPE.fullmatch(scope)
    if found is None:
        raise TokenScope(scope=scope[:100], department=department, detail="-")
    kind, target = found.groups()
    if kind == PUSH:
        try:
            entry = catalog.entry(tx.conn, target)
        except CatalogUnknown as error:
            raise TokenScope(scope=scope, department=department, detail=error.code) from None
        mine = (entry.provider, entry.department) == (tx.party, department)
    else:
        query = select(subscriptions.c.department).where(subscriptions.c.subscription == target)
        mine = tx.conn.execute(query).scalar() == department
    if not mine:
        raise TokenScope(scope=scope, department=department, detail=TokenScope.code)


def revoke(tx: Tx, token: str) -> None:
    """From now on it opens nothing. Raises TokenUnknown."""
    here = api_tokens.c.token == token
    if tx.conn.execute(select(api_tokens).where(here)).first() is None:
        raise TokenUnknown(token=token)
    still = here & api_tokens.c.revoked_ms.is_(None)
    tx.conn.execute(update(api_tokens).where(still).values(revoked_ms=tx.now_ms))


def listed(conn: Connection) -> Sequence[Row[Any]]:
    return conn.execute(select(api_tokens).order_by(api_tokens.c.created_ms.desc())).all()


async def check(station: Station, authorization: str) -> Bearer:
    """Who bears this header. Raises ApiToken, whatever is wrong with it."""
    scheme, _, text = authorization.partition(" ")
    found = _TEXT.fullmatch(text.strip())
    if scheme.lower() != "bearer" or found is None:
        raise ApiToken()
    name, secret = found.groups()
    query = select(api_tokens).where(api_tokens.c.token == name)
    row = await station.read(lambda conn: conn.execute(query).first())
    known = row.hash if row is not None else bytes(32)
    right = hmac.compare_digest(known, _hash(secret))
    now_ms = station.parts.clock()
    if row is None or not right or row.revoked_ms is not None or row.expires_ms <= now_ms:
        raise ApiToken()
    if now_ms - (row.used_ms or 0) > USED_EVERY_MS:
        await station.write(partial(_note_used, name))
    return Bearer(name, row.department, row.scope)


def _note_used(name: str, tx: Tx) -> None:
    here = api_tokens.c.token == name
    tx.conn.execute(update(api_tokens).where(here).values(used_ms=tx.now_ms))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(b"ortoo token " + secret.encode()).digest()
