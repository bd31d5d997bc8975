"""Tokens of departments' programs (令牌): each opens what its scopes say, for a while, until it is
revoked, and can be changed for a new one while the old still opens (`rotate`).

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

PUSH, PULL, QUERY, FILE = "push", "pull", "query", "file"
CATALOG, REQUEST, GRANT = "catalog", "request", "grant"
SUBSCRIPTION, CORRECTION, JOURNAL = "subscription", "correction", "journal"
READ, WRITE, ALL = "read", "write", "*"
SECRET_BYTES, NAME_BYTES = 32, 6
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
MOST_DAYS, MOST_OVERLAP_HOURS, MOST_SCOPES, MOST_APPLICATION = 3_650, 24 * 30, 50, 80
USED_EVERY_MS = HOUR_MS
_TEXT = re.compile(r"ortoo_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_SCOPE = re.compile(
    r"((?:catalog|request|subscription|correction):(?:read|write)|(?:grant|journal):read)"
    r"|(push|pull|query|file):([!-~]{1,80})"
)


@dataclass(frozen=True)
class Bearer:
    """Who asks: a program of `department`, with what its token opens. `family` stays the same when
    the token is rotated."""

    token: str
    family: str
    department: str
    application: str
    scopes: frozenset[str]
    expires_ms: int

    def holds(self, kind: str, target: str) -> bool:
        return f"{kind}:{target}" in self.scopes or f"{kind}:{ALL}" in self.scopes

    def need(self, kind: str, target: str) -> None:
        """Raises ApiScope."""
        if not self.holds(kind, target):
            raise ApiScope(wanted=f"{kind}:{target}")

    def need_any(self, kind: str) -> None:
        """Some scope of `kind`, whatever its target: to be asked before anything is looked up.
        Raises ApiScope."""
        if not any(scope.startswith(f"{kind}:") for scope in self.scopes):
            raise ApiScope(wanted=f"{kind}:…")


def make(
    tx: Tx, department: str, scopes: Sequence[str], days: int, application: str = ""
) -> tuple[Row[Any], str]:
    """A new token and its text. Raises TrustDepartment, TokenScope."""
    tx.trust.check_department(tx.party, department)
    said = " ".join(scopes)[:200]
    if not 1 <= days <= MOST_DAYS:
        raise TokenScope(scope=said, department=department, detail=f"{days} days")
    if not 1 <= len(scopes) <= MOST_SCOPES:
        raise TokenScope(scope=said, department=department, detail=f"1 to {MOST_SCOPES}")
    if len(application) > MOST_APPLICATION or not application.isprintable():
        detail = f"application: {MOST_APPLICATION} characters at most"
        raise TokenScope(scope=said, department=department, detail=detail)
    for scope in scopes:
        _check_scope(tx, department, scope)
    values = {
        "department": department,
        "application": application,
        "scopes": " ".join(dict.fromkeys(scopes)),
        "expires_ms": tx.now_ms + days * DAY_MS,
    }
    return _insert(tx, values, "")


def rotate(tx: Tx, token: str, overlap_hours: int, days: int) -> tuple[Row[Any], str]:
    """A new token in place of `token`, which opens for `overlap_hours` more and no longer.

    Raises TokenUnknown (also of one that opens nothing any more), TokenScope.
    """
    row = _find(tx, token)
    if row.revoked_ms is not None or row.expires_ms <= tx.now_ms:
        raise TokenUnknown(token=token)
    if not 1 <= days <= MOST_DAYS or not 0 <= overlap_hours <= MOST_OVERLAP_HOURS:
        detail = f"{days} days, {overlap_hours} h"
        raise TokenScope(scope=row.scopes, department=row.department, detail=detail)
    ends_ms = min(row.expires_ms, tx.now_ms + overlap_hours * HOUR_MS)
    here = api_tokens.c.token == token
    tx.conn.execute(update(api_tokens).where(here).values(expires_ms=ends_ms))
    values = {
        "department": row.department,
        "application": row.application,
        "scopes": row.scopes,
        "expires_ms": tx.now_ms + days * DAY_MS,
    }
    return _insert(tx, values, row.family)


def _insert(tx: Tx, values: dict[str, Any], family: str) -> tuple[Row[Any], str]:
    name, secret = tx.parts.rand(NAME_BYTES).hex(), tx.parts.rand(SECRET_BYTES)
    text = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    row = {
        **values,
        "token": name,
        "family": family or name,
        "hash": _hash(text),
        "created_ms": tx.now_ms,
        "revoked_ms": None,
        "used_ms": None,
    }
    tx.conn.execute(insert(api_tokens).values(row))
    return _find(tx, name), f"ortoo_{name}_{text}"


def _check_scope(tx: Tx, department: str, scope: str) -> None:
    found = _SCOPE.fullmatch(scope)
    if found is None:
        raise TokenScope(scope=scope[:100], department=department, detail="-")
    kind, target = found.group(2), found.group(3)
    if kind is None or target == ALL:
        return
    if kind == PULL:
        query = select(subscriptions.c.department).where(subscriptions.c.subscription == target)
        mine = tx.conn.execute(query).scalar() == department
    else:
        try:
            entry = catalog.entry(tx.conn, target)
        except CatalogUnknown as error:
            raise TokenScope(scope=scope, department=department, detail=error.code) from None
        mine = kind != PUSH or (entry.provider, entry.department) == (tx.party, department)
    if not mine:
        raise TokenScope(scope=scope, department=department, detail=TokenScope.code)


def revoke(tx: Tx, token: str) -> None:
    """From now on it opens nothing. Raises TokenUnknown."""
    _find(tx, token)
    still = (api_tokens.c.token == token) & api_tokens.c.revoked_ms.is_(None)
    tx.conn.execute(update(api_tokens).where(still).values(revoked_ms=tx.now_ms))


def _find(tx: Tx, token: str) -> Row[Any]:
    row = tx.conn.execute(select(api_tokens).where(api_tokens.c.token == token)).first()
    if row is None:
        raise TokenUnknown(token=token)
    return row


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
    scopes = frozenset(row.scopes.split())
    return Bearer(name, row.family, row.department, row.application, scopes, row.expires_ms)


def _note_used(name: str, tx: Tx) -> None:
    here = api_tokens.c.token == name
    tx.conn.execute(update(api_tokens).where(here).values(used_ms=tx.now_ms))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(b"ortoo token " + secret.encode()).digest()
