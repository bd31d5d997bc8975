"""Opening what was accepted: sealed items and snapshots become rows under a schema.

Runs in a thread and touches no database.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ortoo_protocol.core import feeds
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.envelope import Header, key_commitment
from ortoo_protocol.core.errors import (
    FeedEpoch,
    FeedKeyMismatch,
    RowsError,
)
from ortoo_protocol.core.feeds import (
    UPSERT,
    FeedKey,
    RowChange,
    SnapshotPart,
    TableRows,
    TableSchema,
    read_row_part,
)
from ortoo_protocol.core.verify import Message, open_content
from ortoo_protocol.station import feed_reader
from ortoo_protocol.station.apply_work import Item, Work
from ortoo_protocol.station.context import Parts
from ortoo_protocol.station.inbox import content_key
from ortoo_protocol.station.ports import Cursor


@dataclass(frozen=True)
class Step:
    """One transaction of the sink: a whole snapshot, or changes under one schema."""

    schema: TableSchema
    cursor: Cursor
    changes: tuple[RowChange, ...] = ()
    snapshot: tuple[tuple[Scalar, ...], ...] | None = None


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
