"""Applying: one worker a subscription hands rows to the department's sink.

Apart from accepting: a slow or broken sink holds only itself. The cursor lives in the sink's own
database, in the sink's transaction, and is the truth: whatever dies in between, a row is applied
once. What the store says about "applied" only follows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import delete

from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.errors import (
    CodecError,
    EnvelopeError,
    FeedEpoch,
    FeedError,
    OrtooError,
    RowsError,
    SinkError,
    SinkMoved,
    SinkUnavailable,
)
from ortoo_protocol.core.feeds import (
    NO_CHANGES,
    KeyAsk,
)
from ortoo_protocol.core.ids import feed_owner
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.station import applied, feed_reader, quarantine
from ortoo_protocol.station.apply_work import (
    HeldSnapshot,
    Item,
    Work,
    load,
    part_of,
)
from ortoo_protocol.station.context import Parts, Tx, wait
from ortoo_protocol.station.correlation import about
from ortoo_protocol.station.database import Database
from ortoo_protocol.station.opening import Opening, Step, open_snapshot
from ortoo_protocol.station.ports import Cursor, NeedsContents, Sink, TakesSeveral
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.dialect import upsert
from ortoo_protocol.station.store.tables import (
    feed_in_snapshots,
    feed_schemas,
)

RETRY_FIRST_S = 0.2
RETRY_CAP_S = 30.0
VALUES_A_STEP = 1 << 17  # of several items, in one transaction of the sink
_log = logging.getLogger(__name__)


@dataclass
class Progress:
    """What the status page shows of one subscription."""

    state: str = "starting"
    error: str = ""
    failure: OrtooError | None = None  # what `error` is the code of, where its facts are known
    applied_seq: int = 0
    applied_rows: int = 0


async def _no_hold(_error: SinkError) -> None:
    """Somebody must be told; without anybody it is tried again."""


async def _none_again(_cursor: Cursor) -> bool:
    """Nobody asks for items once more."""
    return False


@dataclass
class ApplyWorker:
    """Applies `feed` to `sink` until cancelled or told to `stop`. `on_stuck` is told when trying
    again would be in vain until a person acts; if that stops the worker, it rests. `on_lost`: the
    sink has lost events that no snapshot brings; whether those after its cursor come once more."""

    database: Database
    parts: Parts
    feed: str
    subscription: str
    sink: Sink
    on_stuck: Callable[[SinkError], Awaitable[None]] = _no_hold
    on_lost: Callable[[Cursor], Awaitable[bool]] = _none_again
    progress: Progress = field(default_factory=Progress)
    _stopped: bool = False
    _counted: int = 0

    def stop(self) -> None:
        """`run` returns as soon as the step that is under way has come to its end."""
        self._stopped = True
        self.parts.signals.apply.set()

    async def run(self) -> None:
        with about(feed=self.feed, subscription=self.subscription):
            await self._run()

    async def _run(self) -> None:
        await self.database.write(lambda tx: applied.register(tx, self.feed, self.subscription))
        delay_s = RETRY_FIRST_S
        while not self._stopped:
            ticket = self.parts.signals.apply.ticket()
            try:
                moved = await self._advance()
                delay_s = RETRY_FIRST_S
                if not moved:
                    self.progress.state = "idle"
                    await ticket.wait()
            except (SinkError, FeedEpoch, SnapshotUnfit) as error:
                await self._fail(error)
                delay_s = min(delay_s * 2, RETRY_CAP_S)
                if not self._stopped:
                    await wait(ticket, _asked_s(error) or delay_s)

    async def _fail(self, error: SinkError | FeedEpoch | SnapshotUnfit) -> None:
        progress = self.progress
        known = progress.error == error.code and progress.state == "waiting"
        progress.state, progress.error = "waiting", error.code
        progress.failure = error if isinstance(error, OrtooError) else error.failure
        # What goes on for hours is said once.
        _log.log(logging.DEBUG if known else logging.WARNING, "%s: %s", self.feed, error)
        if isinstance(error, FeedEpoch):
            await self.database.write(partial(self._ask_key, error))
        elif isinstance(error, SinkError) and error.stops:
            await self.on_stuck(error)

    async def _advance(self) -> bool:
        """Apply what is there; returns whether anything moved."""
        cursor = await asyncio.to_thread(self.sink.read_cursor, self.feed)
        work = await self.database.read(
            lambda conn: load(conn, self.parts, self.feed, self.subscription, cursor)
        )
        if work.snapshot is not None:
            await self._apply_snapshot(work.snapshot)
            return True
        if work.behind:
            if work.events and cursor is not None:
                if await self.on_lost(cursor):
                    return False
                if work.items:
                    await self._leave_out(work)
                    return True
            await self.database.write(partial(self._begin_again, cursor))
            return False
        if not work.items:
            return False
        opening = Opening(self.parts, self.feed, work.incarnation, work)
        done: list[Item] = []
        try:
            if several := isinstance(self.sink, TakesSeveral):
                await self._apply_several(self.sink, opening, done)
            while items := work.items[len(done) :]:
                taken = await self._apply_items(opening, items[:1] if several else items)
                if not taken:
                    break
                done += items[:taken]
        finally:
            await self._finish(opening, done)
        return True

    async def _leave_out(self, work: Work) -> None:
        """Events that are had neither here nor from their publisher: the sink goes past them."""
        last, schema = work.items[-1], work.schemas[max(work.schemas)]
        _log.error("%s: items %s to %s are lost", self.feed, work.items[0].seq, last.seq)
        cursor = Cursor(self.feed, work.incarnation, last.seq, last.hash)
        await asyncio.to_thread(self.sink.apply, schema, NO_CHANGES, cursor)

    async def _apply_several(self, sink: TakesSeveral, opening: Opening, done: list[Item]) -> None:
        """Items in transactions of VALUES_A_STEP, until all are done or one is refused: what stands
        before that one, and what is wrong with it, shows when they come one by one."""
        items = opening.work.items
        try:
            while len(done) < len(items):
                rest = items[len(done) :]
                taken = await asyncio.to_thread(self._write_several, sink, opening, rest)
                done += rest[:taken]
        except SinkUnavailable:
            raise
        except OrtooError as error:
            _log.debug("%s: one by one: %s", self.feed, error)

    def _write_several(self, sink: TakesSeveral, opening: Opening, items: Sequence[Item]) -> int:
        steps: list[Step] = []
        values = 0
        for item in items:
            step = opening.step(item)
            steps.append(step)
            values += step.rows * len(step.schema.columns)
            if values >= VALUES_A_STEP:
                break
        sink.apply_all([(step.schema, step.changes, step.cursor) for step in steps])
        for step in steps:
            self._applied(step)
        return len(steps)

    async def _apply_items(self, opening: Opening, items: Sequence[Item]) -> int:
        """How many of `items`, from the first, are applied. 0: the first was set aside, and what
        stands behind it begins with the next look."""
        item, taken = items[0], 1
        try:
            step, taken = await asyncio.to_thread(opening.together, items)
            await self._fetch(step)
            await asyncio.to_thread(self._write, step)
        except FeedEpoch:
            raise
        except (EnvelopeError, CodecError, FeedError, RowsError) as error:
            if taken > 1:  # which of them?
                return await self._apply_items(opening, items[:1])
            cursor = Cursor(self.feed, opening.incarnation, item.seq, item.hash)
            await asyncio.to_thread(self.sink.apply, opening.schema, NO_CHANGES, cursor)
            await self.database.write(partial(self._set_aside, item, error))
            return 0
        return taken

    async def _fetch(self, step: Step) -> None:
        if isinstance(self.sink, NeedsContents):
            self.progress.state = "fetching"
            rows = step.changes.upserts if step.snapshot is None else step.snapshot
            await self.sink.fetch(step.schema, rows)

    def _write(self, step: Step) -> None:
        try:
            if step.snapshot is not None:
                self.sink.replace(step.schema, step.snapshot, step.cursor)
            else:
                self.sink.apply(step.schema, step.changes, step.cursor)
        except SinkMoved:
            return  # somebody applied this already: the next look begins at the true cursor
        self._applied(step)

    def _applied(self, step: Step) -> None:
        self.progress.state, self.progress.error = "applying", ""
        self.progress.failure = None
        self.progress.applied_seq = step.cursor.seq
        self.progress.applied_rows += step.rows
        self.progress.applied_rows += step.snapshot.count if step.snapshot else 0

    async def _apply_snapshot(self, held: HeldSnapshot) -> None:
        raws = partial(self._parts, held)
        try:
            step = await asyncio.to_thread(open_snapshot, self.parts, raws, held.cursor)
            if held.in_place:
                await asyncio.to_thread(self._count_snapshot, step)
            else:
                await self._put_in_place(held, step)
        except SnapshotReplaced:
            return  # the next look finds the newer one
        except (EnvelopeError, CodecError, RowsError) as error:
            await self.database.write(partial(self._drop_snapshot, held, error))
            raise SnapshotUnfit(error) from error
        # Alone: it erases all that the snapshot was.
        await self.database.write(lambda tx: self._snapshot_done(tx, step), alone=True)

    async def _put_in_place(self, held: HeldSnapshot, step: Step) -> None:
        if not held.stands:
            place = (self.feed, self.subscription, held.cursor.seq)
            await self.database.write(lambda tx: applied.begins_snapshot(tx, *place))
        await self._fetch(step)
        await asyncio.to_thread(self._write, step)

    def _count_snapshot(self, step: Step) -> None:
        """The station ended when the sink had become it: its rows are counted, not applied."""
        if step.snapshot is not None:
            step.snapshot.count = sum(1 for _ in step.snapshot)
        self._applied(step)

    def _parts(self, held: HeldSnapshot) -> Iterator[bytes]:
        """In a thread. Raises SnapshotReplaced."""
        for number in range(held.parts):
            with self.database.view() as conn:
                raw = part_of(conn, held, number)
            if raw is None:
                raise SnapshotReplaced
            yield raw

    # --- in the store ---

    def _begin_again(self, cursor: Cursor | None, tx: Tx) -> None:
        """The sink lacks what is not here either (it is new, restored or replaced); unless a
        snapshot has come since that was seen."""
        row = feed_reader.feed_row(tx, self.feed)
        work = load(tx.conn, self.parts, self.feed, self.subscription, cursor)
        came = work.snapshot is not None or not work.behind
        if row is not None and row.state == feed_reader.READING and not came:
            feed_reader.resync(tx, self.feed, "sink.behind")

    def _set_aside(self, item: Item, error: OrtooError, tx: Tx) -> None:
        """An item that is authentic but cannot be used: kept as evidence, and a snapshot is asked
        for, since its rows are missing here."""
        _log.error("%s item %s: %s", self.feed, item.seq, error)
        raw = item.raw or b""
        quarantine.keep(tx, raw, error, feed_owner(self.feed))
        message = feed_reader.stored_message(tx, raw)
        tx.journal(message, Direction.RECEIVED, State.REFUSED, flow=self.feed, error=error.code)
        self.progress.error, self.progress.failure = error.code, error
        applied.set_lacking(tx, self.feed, self.subscription)
        applied.count(tx, self.feed, self.subscription, rejects=1)
        feed_reader.resync(tx, self.feed, error.code)

    async def _finish(self, opening: Opening, items: Sequence[Item]) -> None:
        if items or opening.learned:
            await self.database.write(lambda tx: self._mark_applied(tx, opening, items))

    def _mark_applied(self, tx: Tx, opening: Opening, items: Sequence[Item]) -> None:
        for item in items:
            if item.raw is not None:
                message = feed_reader.stored_message(tx, item.raw)
                tx.journal(message, Direction.RECEIVED, State.APPLIED, flow=self.feed)
        if items:
            place = (opening.incarnation, items[-1].seq)
            applied.passed(tx, self.feed, self.subscription, *place, whole=False)
        self._count(tx)
        for body in opening.learned:
            feed_reader.keep_key(tx, body)
        rows = [
            {"feed": self.feed, "number": number, "raw": encode(schema)}
            for number, schema in opening.schemas.items()
        ]
        upsert(tx.conn, feed_schemas, rows)

    def _snapshot_done(self, tx: Tx, step: Step) -> None:
        place = (step.cursor.incarnation, step.cursor.seq)
        applied.passed(tx, self.feed, self.subscription, *place, whole=True)
        self._count(tx)
        row = {"feed": self.feed, "number": step.schema.number, "raw": encode(step.schema)}
        upsert(tx.conn, feed_schemas, [row])

    def _count(self, tx: Tx) -> None:
        """The rows since it was counted last."""
        rows, self._counted = self.progress.applied_rows - self._counted, self.progress.applied_rows
        applied.count(tx, self.feed, self.subscription, rows=rows)

    def _drop_snapshot(self, held: HeldSnapshot, error: OrtooError, tx: Tx) -> None:
        _log.error("%s snapshot: %s", self.feed, error)
        quarantine.keep(tx, part_of(tx.conn, held, 0) or b"", error, feed_owner(self.feed))
        tx.conn.execute(delete(feed_in_snapshots).where(feed_in_snapshots.c.feed == self.feed))
        feed_reader.note(tx, self.feed, error.code)

    def _ask_key(self, error: FeedEpoch, tx: Tx) -> None:
        epoch = error.facts.get("epoch")
        if isinstance(epoch, int):
            send(tx, feed_owner(self.feed), KeyAsk(feed=self.feed, epoch=epoch))


class SnapshotUnfit(Exception):
    """A snapshot was set aside, because of `failure`. Another is asked for, less and less often."""

    def __init__(self, failure: OrtooError) -> None:
        super().__init__(failure.code)
        self.code = failure.code
        self.failure = failure


class SnapshotReplaced(Exception):
    """While a snapshot was read, a newer one came whole and took its place."""


def _asked_s(error: Exception) -> float | None:
    """How long the sink itself says to wait."""
    asked = error.facts.get("retry_s") if isinstance(error, OrtooError) else None
    return max(float(asked), RETRY_FIRST_S) if isinstance(asked, (int, float)) else None
