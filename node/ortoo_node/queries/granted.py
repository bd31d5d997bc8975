"""Grants that queries are asked under: what the store holds, and whether it allows one now."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.errors import (
    CaseConditions,
    GrantEnded,
    GrantIsSuspended,
    GrantUnknown,
    QueryMode,
)
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.queries import allows_query
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import grants
from ortoo_protocol.station.use import suspensions

MOST_KNOWN = 10_000


class Found(NamedTuple):
    terms: GrantTerms
    from_ms: int
    until_ms: int
    ended_ms: int | None
    end_reason: str
    offered: bool
    rests: GrantIsSuspended | None


def granted(tx: Tx, grant: str, asker: str) -> GrantTerms:
    """The terms of a grant that lives now, of this provider to this asker, that may be queried.
    Raises GrantUnknown (whatever else is wrong with it is nobody's who does not hold it),
    GrantEnded, CaseConditions, GrantIsSuspended, QueryMode."""
    return allowed(find(tx.conn, grant), grant, tx.now_ms, provider=tx.party, reader=asker)


def held(tx: Tx, grant: str) -> GrantTerms:
    """As `granted`, by whoever it was given to this party."""
    return allowed(find(tx.conn, grant), grant, tx.now_ms, reader=tx.party)


def allowed(
    found: Found | None, grant: str, now_ms: int, *, reader: str, provider: str | None = None
) -> GrantTerms:
    if (
        found is None
        or found.terms.reader != reader
        or provider not in (None, found.terms.provider)
    ):
        raise GrantUnknown(grant=grant)
    over = found.until_ms and found.until_ms <= now_ms
    if found.ended_ms is not None or over or found.from_ms > now_ms:
        raise GrantEnded(grant=grant, reason=found.end_reason or "-")
    if found.offered:
        raise CaseConditions(grant=grant)
    if found.rests is not None:
        raise found.rests
    if not allows_query(found.terms.mode):
        raise QueryMode(detail=found.terms.mode[:100] or "-")
    return found.terms


def find(conn: Connection, grant: str) -> Found | None:
    for raw, from_ms, until_ms, ended_ms, reason, offered, suspension in _GRANT.rows(conn, grant):
        rests = suspensions.current(conn, grant) if suspension else None
        why = None if rests is None else suspensions.refusal(rests)
        return Found(_terms(raw), from_ms, until_ms, ended_ms, reason, offered, why)
    return None


_GRANT = Prepared(
    select(
        grants.c.terms,
        grants.c.from_ms,
        grants.c.until_ms,
        grants.c.ended_ms,
        grants.c.end_reason,
        grants.c.offered,
        grants.c.suspension,
    ).where(grants.c.grant == bindparam("g")),
    ("g",),
)


@lru_cache(maxsize=1_024)
def _terms(raw: bytes) -> GrantTerms:
    """Terms are immutable, and asked under again and again."""
    return decode(raw, GrantTerms)


@dataclass
class Known:
    """Grants as the store has them, without a way to the store each time: all are forgotten as soon
    as any changes. For the event loop."""

    station: Station
    _found: dict[str, Found] = field(default_factory=dict)
    _ticket: asyncio.Event | None = None

    async def held(self, grant: str) -> GrantTerms:
        """As `held`, a moment before whoever asks again in a transaction."""
        parts = self.station.parts
        if self._ticket is None or self._ticket.is_set():
            self._ticket = parts.signals.grants.ticket()
            self._found.clear()
        found, ticket = self._found.get(grant), self._ticket
        if found is None:
            found = await self.station.read(partial(find, grant=grant))
            if found is not None and not ticket.is_set() and len(self._found) < MOST_KNOWN:
                self._found[grant] = found
        return allowed(found, grant, parts.clock(), reader=parts.identity.party)
