"""Opening what was accepted: sealed items and snapshots become rows under a schema.

Runs in a thread and touches no database, but for the parts of a snapshot, which are read in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ortoo_protocol.core import feeds
from ortoo_protocol.core.batches import ITEM_BYTES
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.envelope import Header, key_commitment
from ortoo_protocol.core.errors import (
    CodecError,
    EnvelopeError,
    FeedEpoch,
    FeedError,
    FeedKeyMismatch,
    RowsError,
)
from ortoo_protocol.core.feeds import (
    NO_CHANGES,
    Changes,
    EventRows,
    FeedKey,
    SnapshotPart,
    TableRows,
    TableSchema,
    is_events,
)
from ortoo_protocol.core.row_codec import RowCodec
from ortoo_protocol.core.rows import check_schema
from ortoo_protocol.core.verify import Message, Opened, as_body, open_content
from ortoo_protocol.station import feed_reader
from ortoo_protocol.station.apply_work import Item, Work
from ortoo_protocol.station.context import Parts
from ortoo_protocol.station.inbox import content_key
from ortoo_protocol.station.ports import Cursor


@dataclass
class SnapshotRows:
    """Rows of a snapshot, each part read and opened when it is come to: unpacked, a few megabytes
    of parts may be more than memory holds. `count`: how many the last reading gave."""

    parts: Parts
    raws: Callable[[], Iterable[bytes]]
    schema: TableSchema
    count: int = 0

    def __iter__(self) -> Iterator[tuple[Scalar, ...]]:
        self.count = 0
        codec = RowCodec(self.schema)
        for raw in self.raws():
            opened = _open_part(self.parts, raw)
            if opened.body.schema != self.schema:
                raise RowsError(feed=opened.body.feed, detail="parts of one snapshot differ")
            rows = codec.read_rows(opened.rows)
            self.count += len(rows)
            yield from rows


@dataclass(frozen=True)
class Step:
    """One transaction of the sink: a whole snapshot, or changes under one schema."""

    schema: TableSchema
    cursor: Cursor
    changes: Changes = NO_CHANGES
    snapshot: SnapshotRows | None = None

    @property
    def rows(self) -> int:
        """How many `changes` there are."""
        return len(self.changes.upserts) + len(self.changes.deletes)


@dataclass
class Opening:
    """Opens items of one feed in order; runs in a thread and touches no database."""

    parts: Parts
    feed: str
    incarnation: int
    work: Work
    learned: list[FeedKey] = field(default_factory=list)
    _codecs: dict[int, RowCodec] = field(default_factory=dict)

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
            check_schema(opened.body)  # before it is the one in force
            self.schemas[opened.body.number] = opened.body
            return Step(opened.body, cursor)
        if not isinstance(opened.body, TableRows | EventRows):
            raise RowsError(feed=self.feed, detail=f"kind {message.kind.name}")
        codec = self._codec(opened.body.schema)
        if is_events(codec.schema) != isinstance(opened.body, EventRows):
            raise RowsError(feed=self.feed, detail="events and rows of a table are mixed up")
        if isinstance(opened.body, EventRows):
            number = feeds.event_number(self.incarnation, item.seq)
            return Step(codec.schema, cursor, codec.read_events(opened.rows, number))
        return Step(codec.schema, cursor, codec.read(opened.rows))

    def together(self, items: Sequence[Item]) -> tuple[Step, int]:
        """What one transaction of the sink takes: the first item, and, when it holds events, those
        behind it up to about the size of a full item; and how many items that is.

        Raises what `step` does, for the first alone: another that does not open is met when it is
        the first.
        """
        step = self.step(items[0])
        if not is_events(step.schema):
            return step, 1
        rows, taken = list(step.changes.upserts), 1
        size_bytes = len(items[0].raw or b"")
        for item in items[1:]:
            size_bytes += len(item.raw or b"")
            if size_bytes > ITEM_BYTES:
                break
            try:
                more = self.step(item)
            except (EnvelopeError, CodecError, FeedError, RowsError):
                break
            if more.schema != step.schema:
                break
            rows += more.changes.upserts
            step, taken = replace(more, changes=Changes(rows, (), checked=True)), taken + 1
        return step, taken

    def _codec(self, number: int) -> RowCodec:
        schema = self.schemas.get(number)
        if schema is None:
            raise RowsError(feed=self.feed, detail=f"schema {number} is unknown")
        codec = self._codecs.get(number)
        if codec is None or codec.schema != schema:
            codec = self._codecs[number] = RowCodec(schema)
        return codec

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


def open_snapshot(parts: Parts, raws: Callable[[], Iterable[bytes]], cursor: Cursor) -> Step:
    """A snapshot as one step; each call of `raws` reads its parts anew."""
    first = next(iter(raws()), None)
    if first is None:
        raise RowsError(feed=cursor.feed, detail="an empty snapshot")
    schema = check_schema(_open_part(parts, first).body.schema)
    if is_events(schema):  # it says where the events begin; those that the sink has stay
        return Step(schema, cursor)
    return Step(schema, cursor, snapshot=SnapshotRows(parts, raws, schema))


def _open_part(parts: Parts, raw: bytes) -> Opened[SnapshotPart]:
    message = feed_reader.read_stored(raw, parts.suites, parts.identity.plane)
    return as_body(open_content(message, lambda h: content_key(parts, h)), SnapshotPart)
