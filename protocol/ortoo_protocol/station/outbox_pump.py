"""Publishing letters until their recipient's receipt settles them: those that a commit hands over,
and all others when the store says that they are due."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from sqlalchemy import Connection, bindparam, delete, or_, select, update

from ortoo_protocol.bus.port import Link, Outcome
from ortoo_protocol.core.bundles import bundle, bundles
from ortoo_protocol.station.context import LOCAL, Parts, Post, Tx, wait
from ortoo_protocol.station.database import Database
from ortoo_protocol.station.fresh import Due
from ortoo_protocol.station.pumps import RETRY_S, WINDOW, Local, Wire, publish
from ortoo_protocol.station.sending import next_attempt_ms
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import outbox, outbox_envelopes

DUE_BYTES = 4 << 20
FRESH_TURNS = 4  # at once, each of as much as a bundle or two
FRESH_BYTES = 1 << 20
OPEN_STATES = ("waiting", "passing")
Done = tuple[Due, Outcome]


def _way(due: Due) -> tuple[str, str]:
    return due.exchange, due.routing_key


def _raw_bytes(due: Due) -> int:
    return len(due.raw)


@dataclass
class OutboxPump:
    """`done`: what became of letters that were handed over, until it is noted."""

    database: Database
    parts: Parts
    local: Local
    wire: Wire
    done: list[Done] = field(default_factory=list)

    async def run_fresh(self) -> None:
        """Some at a time, so that the broker writes these down while the next are made."""
        room = asyncio.Semaphore(FRESH_TURNS)
        async with asyncio.TaskGroup() as group:
            while True:
                await room.acquire()
                letters = await self.parts.fresh.get(WINDOW, FRESH_BYTES)
                task = group.create_task(self._send_fresh(letters))
                task.add_done_callback(lambda _: room.release())

    async def _send_fresh(self, letters: Sequence[Due]) -> None:
        sent = await self._send(self.wire.ready(), letters)
        self.done += sent  # only now: `run` may have taken the list that stood there before
        self.parts.signals.outbox.set()

    async def run(self) -> None:
        """Notes what became of some and looks for more in one job of the writer, as `FeedPump`.
        Without a link only letters to this station itself go."""
        sent: list[Done] = []
        while True:
            ticket = self.parts.signals.outbox.ticket()
            link = self.wire.ready()
            fresh, self.done = self.done, []
            turn = partial(self._note_and_look, [*sent, *fresh], remote=link is not None)
            try:
                due, wait_ms = await self.database.write(turn)
            finally:  # what could not be noted is due again by itself
                self.parts.fresh.forget(due.number for due, _ in fresh)
            sent = await self._send(link, due)
            if not due:
                await wait(ticket, self._until_next_s(wait_ms))

    def _note_and_look(
        self, done: Sequence[Done], tx: Tx, *, remote: bool
    ) -> tuple[list[Due], int | None]:
        """What is due, or in how many ms something will be."""
        self._note(done, tx)
        due = _due(tx.conn, self.parts.fresh.hand, now_ms=tx.now_ms, remote=remote)
        self.parts.fresh.taking = remote and not due
        next_ms = None if due else _next_due_ms(tx.conn, remote=remote)
        return due, None if next_ms is None else next_ms - tx.now_ms

    def _until_next_s(self, wait_ms: int | None) -> float:
        blocked = self.wire.link is not None and self.wire.link.blocked()
        most_s = RETRY_S if blocked else 60.0
        return most_s if wait_ms is None else max(0.01, min(most_s, wait_ms / 1000))

    async def _send(self, link: Link | None, letters: Sequence[Due]) -> list[Done]:
        groups = bundles(letters, _way, _raw_bytes)
        return list(chain(*await asyncio.gather(*(self._publish(link, each) for each in groups))))

    async def _publish(self, link: Link | None, group: Sequence[Due]) -> list[Done]:
        """Letters of one way."""
        exchange, routing_key = _way(group[0])
        if exchange == LOCAL:
            return [(due, self.local.put(due.raw)) for due in group]
        if link is None:  # it went after they had been handed over
            return [(due, Outcome.UNKNOWN) for due in group]
        post = Post(exchange, routing_key, bundle([due.raw for due in group]))
        timeout_s = self.parts.timing.publish_timeout_s
        outcome = await publish(link, post, timeout_s, mandatory=True)
        return [(due, outcome) for due in group]

    def _note(self, done: Sequence[Done], tx: Tx) -> None:
        first_ms = int(self.parts.timing.retry_first_s * 1000)
        passed, expired, tried = [], [], []
        for due, outcome in done:
            confirmed = outcome is Outcome.CONFIRMED
            if confirmed and due.state == "passing":
                passed.append((due.number,))
                continue
            if due.expires_ms < tx.now_ms:
                expired.append((tx.now_ms, due.number))
                continue
            attempts = 0 if confirmed else due.attempts + 1
            confirms = due.confirms + confirmed
            next_ms = next_attempt_ms(
                tx.now_ms, attempts=attempts, confirms=confirms, first_ms=first_ms
            )
            tried.append((attempts, confirms, next_ms, due.number))
        _PASSED.many(tx.conn, passed)
        _PASSED_ENVELOPE.many(tx.conn, passed)
        _EXPIRED.many(tx.conn, expired)
        _TRIED.many(tx.conn, tried)


_OPEN = (outbox.c.number == bindparam("n")) & or_(
    *(outbox.c.state == state for state in OPEN_STATES)
)
_PASSED = Prepared(delete(outbox).where(_OPEN), ("n",))
_PASSED_ENVELOPE = Prepared(
    delete(outbox_envelopes).where(outbox_envelopes.c.number == bindparam("n")), ("n",)
)
_EXPIRED = Prepared(
    update(outbox).where(_OPEN).values(state="expired", settled_ms=bindparam("t")), ("t", "n")
)
_TRIED = Prepared(
    update(outbox)
    .where(_OPEN)
    .values(attempts=bindparam("a"), confirms=bindparam("c"), next_ms=bindparam("x")),
    ("a", "c", "x", "n"),
)
_ENVELOPE = Prepared(
    select(outbox_envelopes.c.raw).where(outbox_envelopes.c.number == bindparam("n")), ("n",)
)


def _due(conn: Connection, hand: Collection[int], *, now_ms: int, remote: bool) -> list[Due]:
    """The first ones that are not in `hand`, as far as DUE_BYTES goes. Not in one query: SQLite
    would sort the envelopes with their rows, all that are due at each look, and write them to a
    file for it."""
    columns = [outbox.c[name] for name in Due._fields if name != "raw"]
    query = (
        select(*columns)
        .where(outbox.c.state.in_(OPEN_STATES), outbox.c.next_ms <= now_ms)
        .order_by(outbox.c.number)
        .limit(WINDOW + len(hand))
    )
    if not remote:
        query = query.where(outbox.c.exchange == LOCAL)
    due: list[Due] = []
    size_bytes = 0
    for row in conn.execute(query).all():
        if row.number in hand:
            continue
        ((raw,),) = _ENVELOPE.rows(conn, row.number)
        due.append(Due._make((*row, raw)))
        size_bytes += len(raw)
        if size_bytes >= DUE_BYTES:
            break
    return due


def _next_due_ms(conn: Connection, *, remote: bool) -> int | None:
    query = (
        select(outbox.c.next_ms)
        .where(outbox.c.state.in_(OPEN_STATES))
        .order_by(outbox.c.next_ms)
        .limit(1)
    )
    if not remote:
        query = query.where(outbox.c.exchange == LOCAL)
    return conn.execute(query).scalar()


def make_all_due(tx: Tx) -> None:
    """On a new link: perhaps a new broker that knows nothing of what the last one confirmed."""
    tx.conn.execute(
        update(outbox).where(outbox.c.state.in_(OPEN_STATES)).values(next_ms=tx.now_ms, attempts=0)
    )
    tx.after_commit(tx.parts.signals.outbox.set)
