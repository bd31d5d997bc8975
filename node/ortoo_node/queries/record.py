"""The record of queries (R24): each one asked or answered here, with grant, purpose and people.

A row is written with the ask, in the transaction that journals it. What became of it, and the
journal's row on the answer, follow in the next group of notes: an answer leaves once it is durable
who asked for what, not later. A query that a crash left `open` may have been answered, and says so.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, select, update

from ortoo_node.store.tables import queries
from ortoo_protocol.core.codec import encode, unpack
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.core.queries import QueryAsk, parameters_digest
from ortoo_protocol.core.verify import Message
from ortoo_protocol.station import secrets
from ortoo_protocol.station.context import Signal, Tx
from ortoo_protocol.station.database import Database
from ortoo_protocol.station.store.prepared import Prepared

ASKED, ANSWERED = "asked", "answered"
OPEN, GIVEN, REFUSED, FAILED = "open", "answered", "refused", "failed"
LINGER_S = 0.05
Journalled = tuple[Direction, str, Message]


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


class Known(NamedTuple):
    grant: str
    query: str
    digest: bytes
    state: str


_FIND = Prepared(
    select(*(queries.c[name] for name in Known._fields)).where(
        queries.c.role == bindparam("r"),
        queries.c.peer == bindparam("p"),
        queries.c.ask == bindparam("a"),
    ),
    ("r", "p", "a"),
)
_PUT = Prepared(queries.insert(), tuple(queries.c.keys()))
_OUTCOME = ("state", "error", "rows", "pages", "cut", "took_us")
_FINISH = Prepared(
    update(queries)
    .where(
        queries.c.role == bindparam("r"),
        queries.c.peer == bindparam("p"),
        queries.c.ask == bindparam("a"),
        queries.c.state == bindparam("o"),
    )
    .values({name: bindparam(f"to_{name}") for name in _OUTCOME}),
    (*(f"to_{name}" for name in _OUTCOME), "r", "p", "a", "o"),
)


def find(tx: Tx, role: str, peer: str, ask: str) -> Known | None:
    for row in _FIND.rows(tx.conn, role, peer, ask):
        return Known(*row)
    return None


def begin(tx: Tx, role: str, peer: str, ask: QueryAsk, terms: GrantTerms, outcome: Outcome) -> None:
    sealed = secrets.seal(
        tx.parts.identity, tx.parts.rand, _use(role, ask.ask), encode([ask.salt, ask.parameters])
    )
    _PUT.one(
        tx.conn, role, peer, ask.ask, terms.grant, ask.query[:64], terms.resource,
        terms.reader_department, ask.purpose, ask.handler, digest(tx, ask), sealed, tx.now_ms,
        *_ordered(outcome),
    )  # fmt: skip


def _ordered(outcome: Outcome) -> tuple[str, str, int, int, str, int]:
    """As `_OUTCOME`, which is the end of the table."""
    return (
        outcome.state, outcome.error, outcome.rows, outcome.pages, outcome.cut, outcome.took_us,
    )  # fmt: skip


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
    _sent: list[Journalled] = field(default_factory=list)
    _outcomes: list[tuple[str, str, str, Outcome]] = field(default_factory=list)
    _some: Signal = field(default_factory=Signal)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def message(self, direction: Direction, grant: str, message: Message) -> None:
        """A page that was sent or came, for the journal."""
        self._sent.append((direction, grant, message))
        self._some.set()

    def outcome(self, role: str, peer: str, ask: str, outcome: Outcome) -> None:
        """What became of a query, unless that stands already: asking again counts nothing twice."""
        self._outcomes.append((role, peer, ask, outcome))
        self._some.set()

    async def run(self) -> None:
        while True:
            ticket = self._some.ticket()
            if not self._sent and not self._outcomes:
                await ticket.wait()
            await asyncio.sleep(LINGER_S)
            await self.flush()

    async def flush(self) -> None:
        """Those that cannot be kept now (StoreError) wait for the next time."""
        async with self._writing:
            sent, self._sent = self._sent, []
            outcomes, self._outcomes = self._outcomes, []
            if not sent and not outcomes:
                return

            def write(tx: Tx) -> None:
                for direction, grant, message in sent:
                    tx.journal(message, direction, State.QUERIED, flow=grant)
                _FINISH.many(
                    tx.conn,
                    [
                        (*_ordered(outcome), role, peer, ask, OPEN)
                        for role, peer, ask, outcome in outcomes
                    ],
                )

            try:
                await self.database.write(write)
            except BaseException:
                self._sent, self._outcomes = sent + self._sent, outcomes + self._outcomes
                raise
