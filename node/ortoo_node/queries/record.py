"""The record of queries (R24): each one asked or answered here, with grant, purpose and people.

A row is written with the ask, in the transaction that journals it. What became of it, and the
journal's row on the answer, follow in the next group of notes: an answer leaves once it is durable
who asked for what, not later. A query that a crash left `open` may have been answered, and says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, insert, select, update

from ortoo_node.store.tables import queries
from ortoo_protocol.core.codec import encode, unpack
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.queries import QueryAsk, parameters_digest
from ortoo_protocol.station import secrets
from ortoo_protocol.station.context import Signal, Tx
from ortoo_protocol.station.database import Database

ASKED, ANSWERED = "asked", "answered"
OPEN, GIVEN, REFUSED, FAILED = "open", "answered", "refused", "failed"
LINGER_S = 0.05
Note = Callable[[Tx], None]


@dataclass(frozen=True)
class Outcome:
    state: str
    error: str = ""
    rows: int = 0
    pages: int = 0
    cut: str = ""
    took_us: int = 0


def digest(tx: Tx, ask: QueryAsk) -> bytes:
    return parameters_digest(tx.suite, tx.plane, ask.salt, ask.parameters)


def find(tx: Tx, role: str, peer: str, ask: str) -> Row[Any] | None:
    query = select(queries).where(
        queries.c.role == role, queries.c.peer == peer, queries.c.ask == ask
    )
    return tx.conn.execute(query).first()


def begin(tx: Tx, role: str, peer: str, ask: QueryAsk, terms: GrantTerms, outcome: Outcome) -> None:
    sealed = secrets.seal(
        tx.parts.identity, tx.parts.rand, _use(role, ask.ask), encode([ask.salt, ask.parameters])
    )
    values = {
        "role": role,
        "peer": peer,
        "ask": ask.ask,
        "grant": terms.grant,
        "query": ask.query[:64],
        "resource": terms.resource,
        "department": terms.reader_department,
        "purpose": ask.purpose,
        "handler": ask.handler,
        "digest": digest(tx, ask),
        "parameters": sealed,
        "time_ms": tx.now_ms,
        **_values(outcome),
    }
    tx.conn.execute(insert(queries).values(values))


def finish(role: str, peer: str, ask: str, outcome: Outcome) -> Note:
    """What became of a query, unless that stands already: asking again counts nothing twice."""

    def note(tx: Tx) -> None:
        mine = (queries.c.role == role) & (queries.c.peer == peer) & (queries.c.ask == ask)
        tx.conn.execute(
            update(queries).where(mine, queries.c.state == OPEN).values(_values(outcome))
        )

    return note


def _values(outcome: Outcome) -> dict[str, Any]:
    return {
        "state": outcome.state,
        "error": outcome.error,
        "rows": outcome.rows,
        "pages": outcome.pages,
        "cut": outcome.cut,
        "took_us": outcome.took_us,
    }


def _use(role: str, ask: str) -> str:
    return f"query {role} {ask}"


def parameters(tx: Tx, row: Row[Any]) -> bytes:
    """The parameters of a query as they were asked: for whoever may audit this station."""
    opened = secrets.unseal(tx.parts.identity, _use(row.role, row.ask), row.parameters)
    packed: bytes = unpack(opened)[1]
    return packed


@dataclass
class Notes:
    """What may be written a moment later, many in one commit. For the event loop only."""

    database: Database
    _waiting: list[Note] = field(default_factory=list)
    _some: Signal = field(default_factory=Signal)

    def add(self, note: Note) -> None:
        self._waiting.append(note)
        if len(self._waiting) == 1:
            self._some.set()

    async def run(self) -> None:
        while True:
            ticket = self._some.ticket()
            if not self._waiting:
                await ticket.wait()
            await asyncio.sleep(LINGER_S)
            await self.flush()

    async def flush(self) -> None:
        """Those that cannot be kept now (StoreError) wait for the next time."""
        notes, self._waiting = self._waiting, []
        if not notes:
            return

        def write(tx: Tx) -> None:
            for note in notes:
                note(tx)

        try:
            await self.database.write(write)
        except BaseException:
            self._waiting = notes + self._waiting
            raise
