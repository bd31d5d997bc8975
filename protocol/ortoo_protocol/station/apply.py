"""Applying: one worker a subscription hands rows to the department's sink.

Apart from accepting: a slow or broken sink holds only itself. The cursor lives in the sink's own
database, in the sink's transaction, and is the truth: whatever dies in between, a row is applied
once. What the store says about "applied" only follows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection, delete, select, update

from ortoo_protocol.core import feeds
from ortoo_protocol.core.codec import Scalar, decode, encode
from ortoo_protocol.core.envelope import Header, key_commitment
from ortoo_protocol.core.errors import (
    CodecError,
    EnvelopeError,
    FeedEpoch,
    FeedError,
    FeedKeyMismatch,
    OrtooError,
    RowsError,
    SinkError,
    SinkMoved,
)
from ortoo_protocol.core.feeds import (
    UPSERT,
    FeedKey,
    KeyAsk,
    RowChange,
    SnapshotPart,
    TableRows,
    TableSchema,
    read_row_part,
)
from ortoo_protocol.core.ids import feed_owner
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.core.verify import Message, open_content
from ortoo_protocol.station import feed_reader, quarantine, secrets
from ortoo_protocol.station.context import Parts, Tx
from ortoo_protocol.station.database import Database
from ortoo_protocol.station.inbox import content_key
from ortoo_protocol.station.ports import Cursor, Sink
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.dialect import insert_new, upsert
from ortoo_protocol.station.store.tables import (
    feed_applied,
    feed_in_items,
    feed_in_keys,
    feed_in_snapshots,
    feed_schemas,
    feeds_in,
)

MAX_ITEMS_A_STEP = 64
RETRY_FIRST_S = 0.2
RETRY_CAP_S = 30.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Item:
    seq: int
    hash: bytes
    raw: bytes | None


@dataclass(frozen=True)
class Work:
    """What there is to do after `cursor`, read in one view of the store."""

    snapshot: tuple[bytes, ...]
    snapshot_cursor: Cursor | None
    behind: bool  # what follows the cursor is not here any more: only a snapshot helps
    items: tuple[Item, ...]
    keys: dict[int, bytes]
    schemas: dict[int, TableSchema]


@dataclass
class Progress:
    """What the status page shows of one subscription."""

    state: str = "starting"
    error: str = ""
    applied_seq: int = 0
    applied_rows: int = 0


@dataclass(frozen=True)
class Step:
    """One transaction of the sink: a whole snapshot, or changes under one schema."""

    schema: TableSchema
    cursor: Cursor
    changes: tuple[RowChange, ...] = ()
    snapshot: tuple[tuple[Scalar, ...], ...] | None = None


@dataclass
class ApplyWorker:
    """Applies `feed` to `sink` until cancelled."""

    database: Database
    parts: Parts
    feed: str
    subscription: str
    sink: Sink
    progress: Progress = field(default_factory=Progress)

    async def run(self) -> None:
        await self.database.write(self._register)
        delay_s = RETRY_FIRST_S
        while True:
            ticket = self.parts.signals.apply.ticket()
            try:
                moved = await self._advance()
                delay_s = RETRY_FIRST_S
                if not moved:
                    self.progress.state = "idle"
                    await ticket.wait()
            except (SinkError, FeedEpoch, SnapshotUnfit) as error:
                self.progress.state = "waiting"
                self.progress.error = error.code
                _log.warning("%s: %s", self.feed, error)
                if isinstance(error, FeedEpoch):
                    await self.database.write(partial(self._ask_key, error))
                delay_s = min(delay_s * 2, RETRY_CAP_S)
                await _wait(ticket, delay_s)

    async def _advance(self) -> bool:
        """Apply what is there; returns whether anything moved."""
        cursor = await asyncio.to_thread(self.sink.read_cursor, self.feed)
        work = await self.database.read(
            lambda conn: load(conn, self.parts, self.feed, self.subscription, cursor)
        )
        if work.snapshot_cursor is not None:
            await self._apply_snapshot(work)
            return True
        if work.behind:
            await self.database.write(partial(self._begin_again, cursor))
            return False
        if not work.items:
            return False
        incarnation = await self.database.read(lambda conn: _incarnation(conn, self.feed))
        opening = Opening(self.parts, self.feed, incarnation, work)
        done: list[Item] = []
        try:
            for item in work.items:
                if not await self._apply_item(opening, item):
                    break
                done.append(item)
        finally:
            await self._finish(opening, done)
        return True

    async def _apply_item(self, opening: Opening, item: Item) -> bool:
        """False: the item was set aside, and what stands behind it begins with the next look."""
        try:
            step = await asyncio.to_thread(opening.step, item)
            await asyncio.to_thread(self._write, step)
        except FeedEpoch:
            raise
        except (EnvelopeError, CodecError, FeedError, RowsError) as error:
            cursor = Cursor(self.feed, opening.incarnation, item.seq, item.hash)
            await asyncio.to_thread(self.sink.apply, opening.schema, (), cursor)
            await self.database.write(partial(self._set_aside, item, error))
            return False
        return True

    def _write(self, step: Step) -> None:
        try:
            if step.snapshot is not None:
                self.sink.replace(step.schema, step.snapshot, step.cursor)
            else:
                self.sink.apply(step.schema, step.changes, step.cursor)
        except SinkMoved:
            return  # somebody applied this already: the next look begins at the true cursor
        self.progress.state, self.progress.error = "applying", ""
        self.progress.applied_seq = step.cursor.seq
        self.progress.applied_rows += len(step.changes) + len(step.snapshot or ())

    async def _apply_snapshot(self, work: Work) -> None:
        cursor = work.snapshot_cursor
        if cursor is None:
            return
        try:
            step = await asyncio.to_thread(open_snapshot, self.parts, work.snapshot, cursor)
            await asyncio.to_thread(self._write, step)
        except (EnvelopeError, CodecError, RowsError) as error:
            await self.database.write(partial(self._drop_snapshot, work, error))
            raise SnapshotUnfit(error.code) from error
        await self.database.write(lambda tx: self._snapshot_done(tx, step))

    # --- in the store ---

    def _register(self, tx: Tx) -> None:
        """From now on nothing is erased that this sink has not had."""
        row = {"feed": self.feed, "subscription": self.subscription, "incarnation": 0, "seq": 0}
        insert_new(tx.conn, feed_applied, [row])

    def _passed(self, tx: Tx, incarnation: int, seq: int, *, whole: bool) -> None:
        """Note how far this sink is, and erase what every sink of the feed has passed.

        Incarnation 0 stands for a sink that lacks rows; only a snapshot (`whole`) ends that.
        """
        if not whole and lacks_rows(tx.conn, self.feed, self.subscription):
            return
        row = {
            "feed": self.feed,
            "subscription": self.subscription,
            "incarnation": incarnation,
            "seq": seq,
        }
        upsert(tx.conn, feed_applied, [row])
        places = select(feed_applied.c.incarnation, feed_applied.c.seq).where(
            feed_applied.c.feed == self.feed
        )
        first, last = min((place.incarnation, place.seq) for place in tx.conn.execute(places))
        for table in (feed_in_items, feed_in_snapshots):
            passed = (table.c.feed == self.feed) & (
                (table.c.incarnation < first)
                | ((table.c.incarnation == first) & (table.c.seq <= last))
            )
            if table is feed_in_items:
                tx.conn.execute(update(table).where(passed).values(raw=None))
            else:
                tx.conn.execute(delete(table).where(passed))

    def _begin_again(self, cursor: Cursor | None, tx: Tx) -> None:
        """The sink lacks what is not here either (it is new, restored or replaced); unless a
        snapshot has come since that was seen."""
        row = feed_reader.feed_row(tx, self.feed)
        work = load(tx.conn, self.parts, self.feed, self.subscription, cursor)
        came = work.snapshot_cursor is not None or not work.behind
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
        self.progress.error = error.code
        row = {"feed": self.feed, "subscription": self.subscription, "incarnation": 0, "seq": 0}
        upsert(tx.conn, feed_applied, [row])
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
            self._passed(tx, opening.incarnation, items[-1].seq, whole=False)
        for body in opening.learned:
            feed_reader.keep_key(tx, body)
        rows = [
            {"feed": self.feed, "number": number, "raw": encode(schema)}
            for number, schema in opening.schemas.items()
        ]
        upsert(tx.conn, feed_schemas, rows)

    def _snapshot_done(self, tx: Tx, step: Step) -> None:
        self._passed(tx, step.cursor.incarnation, step.cursor.seq, whole=True)
        row = {"feed": self.feed, "number": step.schema.number, "raw": encode(step.schema)}
        upsert(tx.conn, feed_schemas, [row])

    def _drop_snapshot(self, work: Work, error: OrtooError, tx: Tx) -> None:
        _log.error("%s snapshot: %s", self.feed, error)
        quarantine.keep(tx, work.snapshot[0], error, feed_owner(self.feed))
        tx.conn.execute(delete(feed_in_snapshots).where(feed_in_snapshots.c.feed == self.feed))
        feed_reader.note(tx, self.feed, error.code)

    def _ask_key(self, error: FeedEpoch, tx: Tx) -> None:
        epoch = error.facts.get("epoch")
        if isinstance(epoch, int):
            send(tx, feed_owner(self.feed), KeyAsk(feed=self.feed, epoch=epoch))


class SnapshotUnfit(Exception):
    """A snapshot was set aside; `code` says why. Another is asked for, less and less often."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def _wait(ticket: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(ticket.wait(), seconds)
    except TimeoutError:
        return


# --- reading the store --------------------------------------------------------------------------


def lacks_rows(conn: Connection, feed: str, subscription: str) -> bool:
    """Whether this sink has not had a snapshot since it began, or since an item was set aside."""
    query = select(feed_applied.c.incarnation).where(
        feed_applied.c.feed == feed, feed_applied.c.subscription == subscription
    )
    return not conn.execute(query).scalar()


def load(
    conn: Connection, parts: Parts, feed: str, subscription: str, cursor: Cursor | None
) -> Work:
    """The complete snapshot beyond the cursor if there is one, else the next items."""
    lacking = lacks_rows(conn, feed, subscription)
    snapshot, snapshot_cursor = _snapshot(conn, feed, cursor, lacking)
    items: tuple[Item, ...] = ()
    keys: dict[int, bytes] = {}
    if snapshot_cursor is None and cursor is not None:
        items = _items(conn, feed, cursor)
        for row in conn.execute(
            select(feed_in_keys).where(
                feed_in_keys.c.feed == feed, feed_in_keys.c.incarnation == cursor.incarnation
            )
        ):
            use = feed_reader.key_use(feed, row.incarnation, row.epoch)
            keys[row.epoch] = secrets.unseal(parts.identity, use, row.key)
    schemas = {
        row.number: decode(row.raw, TableSchema)
        for row in conn.execute(select(feed_schemas).where(feed_schemas.c.feed == feed))
    }
    behind = cursor is None or _behind(conn, feed, cursor, items)
    return Work(snapshot, snapshot_cursor, behind, items, keys, schemas)


def _behind(conn: Connection, feed: str, cursor: Cursor, items: Sequence[Item]) -> bool:
    """Held no longer, since once applied, or never held, since a snapshot had them."""
    if items:
        return any(item.raw is None for item in items)
    row = conn.execute(select(feeds_in).where(feeds_in.c.feed == feed)).first()
    return row is not None and (row.incarnation, row.seq) > (cursor.incarnation, cursor.seq)


def _snapshot(
    conn: Connection, feed: str, cursor: Cursor | None, lacking: bool
) -> tuple[tuple[bytes, ...], Cursor | None]:
    rows = conn.execute(
        select(feed_in_snapshots)
        .where(feed_in_snapshots.c.feed == feed)
        .order_by(feed_in_snapshots.c.seq.desc(), feed_in_snapshots.c.part)
    ).all()
    if not rows or len(rows) != rows[0].parts:
        return (), None
    first = rows[0]
    place = (first.incarnation, first.seq)
    if cursor is not None:
        stands = (cursor.incarnation, cursor.seq)
        if stands > place or (stands == place and not lacking):
            return (), None
    return tuple(row.raw for row in rows), Cursor(feed, first.incarnation, first.seq, first.hash)


def _items(conn: Connection, feed: str, cursor: Cursor) -> tuple[Item, ...]:
    query = (
        select(feed_in_items)
        .where(
            feed_in_items.c.feed == feed,
            feed_in_items.c.incarnation == cursor.incarnation,
            feed_in_items.c.seq > cursor.seq,
        )
        .order_by(feed_in_items.c.seq)
        .limit(MAX_ITEMS_A_STEP)
    )
    items = []
    expected = cursor.seq + 1
    for row in conn.execute(query):
        if row.seq != expected:
            break
        items.append(Item(row.seq, row.hash, row.raw))
        expected += 1
    return tuple(items)


def _incarnation(conn: Connection, feed: str) -> int:
    query = select(feeds_in.c.incarnation).where(feeds_in.c.feed == feed)
    return int(conn.execute(query).scalar_one())


# --- opening ------------------------------------------------------------------------------------


@dataclass
class Opening:
    """Opens items of one feed in order; runs in a thread and touches no database."""

    parts: Parts
    feed: str
    incarnation: int
    work: Work
    learned: list[FeedKey] = field(default_factory=list)

    @property
    def schemas(self) -> dict[int, TableSchema]:
        return self.work.schemas

    @property
    def schema(self) -> TableSchema:
        return self.schemas[max(self.schemas)]

    def step(self, item: Item) -> Step:
        message = feed_reader.read_stored(
            item.raw or b"", self.parts.suites, self.parts.identity.plane
        )
        opened = open_content(message, lambda header: self._key(header, message))
        cursor = Cursor(self.feed, self.incarnation, item.seq, item.hash)
        if isinstance(opened.body, TableSchema):
            self.schemas[opened.body.number] = opened.body
            return Step(opened.body, cursor)
        if not isinstance(opened.body, TableRows):
            raise RowsError(feed=self.feed, detail=f"kind {message.kind.name}")
        schema = self.schemas.get(opened.body.schema)
        if schema is None:
            raise RowsError(feed=self.feed, detail=f"schema {opened.body.schema} is unknown")
        changes = tuple(read_row_part(part, schema) for part in opened.rows)
        return Step(schema, cursor, changes)

    def _key(self, header: Header, message: Message) -> bytes:
        """The key of the item's epoch: held, or reached from an earlier one by ratchet steps.

        Raises FeedEpoch when neither fits: a letter with a fresh key is on its way.
        """
        epoch, keys = header.epoch or 0, self.work.keys
        suite, plane = message.envelope.suite, message.envelope.plane
        if epoch in keys:
            if key_commitment(suite, plane, header, keys[epoch]) != header.key_commitment:
                raise FeedKeyMismatch(epoch=epoch, feed=self.feed)
            return keys[epoch]
        earlier = [known for known in keys if epoch - feeds.MAX_RATCHET_STEPS <= known < epoch]
        if earlier:
            step = max(earlier)
            key = keys[step]
            while step < epoch:
                key = feeds.ratchet(suite, plane, self.feed, step, key)
                step += 1
            if key_commitment(suite, plane, header, key) == header.key_commitment:
                keys[epoch] = key
                self._learn(header, epoch, key)
                return key
        raise FeedEpoch(epoch=epoch, feed=self.feed)

    def _learn(self, header: Header, epoch: int, key: bytes) -> None:
        position = header.position
        self.learned.append(
            FeedKey(
                grant_hash=b"",
                feed=self.feed,
                incarnation=self.incarnation,
                epoch=epoch,
                first_seq=position.seq if position else 0,
                key=key,
            )
        )


def open_snapshot(parts: Parts, raws: Sequence[bytes], cursor: Cursor) -> Step:
    """All parts of a snapshot as one step."""
    schema: TableSchema | None = None
    rows: list[tuple[Scalar, ...]] = []
    for raw in raws:
        message = feed_reader.read_stored(raw, parts.suites, parts.identity.plane)
        opened = open_content(message, lambda header: content_key(parts, header))
        if not isinstance(opened.body, SnapshotPart):
            raise RowsError(feed=cursor.feed, detail="not a snapshot")
        schema = opened.body.schema
        rows.extend(_upserts(opened.rows, schema))
    if schema is None:
        raise RowsError(feed=cursor.feed, detail="an empty snapshot")
    return Step(schema, cursor, snapshot=tuple(rows))


def _upserts(parts: Sequence[bytes], schema: TableSchema) -> Iterator[tuple[Scalar, ...]]:
    for part in parts:
        change = read_row_part(part, schema)
        if change.op != UPSERT:
            raise RowsError(feed="-", detail="a snapshot holds a delete")
        yield change.values
