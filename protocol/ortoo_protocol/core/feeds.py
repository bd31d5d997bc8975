"""Feeds: numbers, chain, watermark, gap, epochs; and the bodies that travel on and about them."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from ortoo_protocol.core.codec import (
    Count,
    Packed,
    Scalar,
    Shape,
    check_scalars,
    encode,
    unpack,
)
from ortoo_protocol.core.envelope import Position
from ortoo_protocol.core.errors import CodecShape, FeedChain, FeedFork
from ortoo_protocol.core.ids import ColumnName, Digest, FeedId, HexId, Plane
from ortoo_protocol.core.keys import Suite, domain

MAX_RATCHET_STEPS = 64


# --- bodies -------------------------------------------------------------------------------------


class Column(Packed, frozen=True):
    """`type` is a catalog item type (C N Y D T L M G B I F)."""

    name: ColumnName
    type: str
    length: Count


class TableSchema(Shape, frozen=True):
    """First item of a table feed, and again at each change: what the rows behind it mean."""

    number: Count
    columns: tuple[Column, ...]
    key: tuple[ColumnName, ...]

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names) or len(set(self.key)) != len(self.key):
            raise CodecShape(expected="TableSchema", detail="a column stands twice")
        if not self.key or not set(self.key) <= set(names):
            raise CodecShape(expected="TableSchema", detail="the key is not made of its columns")


class TableRows(Shape, frozen=True):
    """Changes: the body says under which schema, each further part is one `row_part`."""

    schema: Count


# What readers' sinks tell events apart by: the item and the place in it, from 0.
EVENT_KEY = ("ortoo_seq", "ortoo_place")
EVENT_COLUMNS = (Column("ortoo_seq", "I", 0), Column("ortoo_place", "I", 0))


def is_events(schema: TableSchema) -> bool:
    """Whether `schema` is that of an event feed: its key is the place in the feed."""
    columns = schema.columns
    return schema.key == EVENT_KEY and columns[:2] == EVENT_COLUMNS and len(columns) > 2


# Events of one incarnation that a sink can tell from those of the next.
_EVENT_ITEMS = 10**11


def event_number(incarnation: int, seq: int) -> int:
    """What stands in `ortoo_seq`: the item's number, so that no event of a later incarnation is
    taken for one of an earlier."""
    return (incarnation - 1) * _EVENT_ITEMS + seq


def event_place(number: int) -> tuple[int, int]:
    """(incarnation, seq) of an `event_number`."""
    incarnation, seq = divmod(number, _EVENT_ITEMS)
    return incarnation + 1, seq


class EventRows(Shape, frozen=True):
    """Events: each further part is one `row_part` upsert without the two columns of the key."""

    schema: Count


class Head(Shape, frozen=True):
    """How far a feed has come, signed every minute: a withheld tail shows."""

    feed: FeedId
    incarnation: Count
    seq: Count
    hash: Digest
    time_ms: Count


class HeadAsk(Shape, frozen=True):
    feed: FeedId


class ItemsAsk(Shape, frozen=True):
    """Ask the publisher for items `first` to `last`, both included, from 1."""

    feed: FeedId
    incarnation: Count
    first: Count
    last: Count

    def __post_init__(self) -> None:
        if not 1 <= self.first <= self.last:
            raise CodecShape(expected="ItemsAsk", detail=f"{self.first} to {self.last}")


class SnapshotAsk(Shape, frozen=True):
    feed: FeedId


class SnapshotPart(Shape, frozen=True):
    """One of `parts` letters; further parts of the letter are `row_part`s (upserts).

    All rows together are the table after item `seq`, whose hash is `hash`: the tail begins at
    `seq` + 1 without a seam.
    """

    feed: FeedId
    snapshot: HexId
    incarnation: Count
    seq: Count
    hash: Digest
    part: Count
    parts: Count
    schema: TableSchema


class FeedKey(Shape, frozen=True):
    """The key of one epoch, to one reader, under one grant; opens nothing before `first_seq`."""

    grant_hash: Digest
    feed: FeedId
    incarnation: Count
    epoch: Count
    first_seq: Count
    key: bytes


class KeyAsk(Shape, frozen=True):
    feed: FeedId
    epoch: Count


class FeedRefusal(Shape, frozen=True):
    """The publisher cannot answer an ask: `error` is a stable code."""

    feed: FeedId
    error: str
    detail: str


class ProofAsk(Shape, frozen=True, omit_defaults=True):
    """The hub asks publisher and readers what they hold of a range; `first` 0: of all. Of the
    publisher also what it made from `from_ms` up to, not including, `until_ms`."""

    ask: HexId
    feed: FeedId
    incarnation: Count
    first: Count
    last: Count
    from_ms: Count = 0
    until_ms: Count = 0


class ProofAnswer(Shape, frozen=True):
    """RFC 6962 root whose leaf hashes are the item hashes of the range; equal roots are the same
    items in the same order."""

    ask: HexId
    feed: FeedId
    incarnation: Count
    first: Count
    last: Count
    count: Count
    root: Digest


# --- rows ---------------------------------------------------------------------------------------

UPSERT, DELETE = 0, 1


@dataclass(frozen=True)
class RowChange:
    """An upsert carries every column in schema order, a delete the key columns in key order."""

    op: int
    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Changes:
    """What one item does to a table: the last change of each key decides, so no key stands twice.

    `upserts` hold every column in schema order, `deletes` the key columns in key order. `checked`:
    the values are known to be of their columns' types.
    """

    upserts: Sequence[tuple[Scalar, ...]] = ()
    deletes: Sequence[tuple[Scalar, ...]] = ()
    checked: bool = False


NO_CHANGES = Changes()


def row_part(change: RowChange) -> bytes:
    return encode([change.op, *check_scalars(change.values)])


def read_row_part(part: bytes, schema: TableSchema) -> RowChange:
    """Raises CodecMalformed or CodecShape: the number of values must fit the schema."""
    value = unpack(part, max_containers=1)
    if type(value) is not list or not value or value[0] not in (UPSERT, DELETE):
        raise CodecShape(expected="row", detail="not [0|1, values…]")
    op, values = value[0], tuple(check_scalars(value[1:]))
    wanted = len(schema.columns) if op == UPSERT else len(schema.key)
    if type(op) is not int or len(values) != wanted:
        raise CodecShape(expected="row", detail=f"{len(values)} values, {wanted} columns")
    return RowChange(op, values)


# --- numbers and chain --------------------------------------------------------------------------


@dataclass(frozen=True)
class Watermark:
    """The last item taken: everything up to it is held, nothing beyond."""

    incarnation: int
    seq: int
    hash: bytes


class Verdict(enum.Enum):
    NEXT = "next"
    DUPLICATE = "duplicate"
    GAP = "gap"
    OLD_INCARNATION = "old-incarnation"
    NEW_INCARNATION = "new-incarnation"


def genesis(suite: Suite, plane: Plane, feed: str, incarnation: int) -> bytes:
    """What item 1 of an incarnation names as its previous."""
    return suite.hash(
        domain("ortoo/feed-genesis", plane, feed.encode(), incarnation.to_bytes(8, "big"))
    )


def judge(mark: Watermark, position: Position, feed: str) -> Verdict:
    """Where an item with a verified signature stands. Raises FeedChain when the next number does
    not continue the hash that was signed before it (a skipped, reordered or rewritten item)."""
    if position.incarnation < mark.incarnation:
        return Verdict.OLD_INCARNATION
    if position.incarnation > mark.incarnation:
        return Verdict.NEW_INCARNATION
    if position.seq <= mark.seq:
        return Verdict.DUPLICATE
    if position.seq > mark.seq + 1:
        return Verdict.GAP
    if position.previous != mark.hash:
        raise FeedChain(seq=position.seq, feed=feed)
    return Verdict.NEXT


def check_same(held: bytes, came: bytes, seq: int, feed: str) -> None:
    """Two items under one number must be the same bytes; else the publisher equivocates."""
    if held != came:
        raise FeedFork(seq=seq, feed=feed)


# --- epochs -------------------------------------------------------------------------------------


def ratchet(suite: Suite, plane: Plane, feed: str, epoch: int, key: bytes) -> bytes:
    """The key of `epoch` + 1 when nobody was removed: a new reader gets it and cannot read back,
    those who hold `key` step forward by themselves."""
    context = domain("ortoo/ratchet", plane, feed.encode(), epoch.to_bytes(8, "big"))
    return suite.kdf(key, context, suite.key_bytes)
