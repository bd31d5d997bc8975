"""What there is to apply after a sink's cursor: a snapshot or items, in one view of the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from sqlalchemy import Connection, func, select

from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.feeds import (
    TableSchema,
    is_events,
)
from ortoo_protocol.station import applied, feed_reader, secrets
from ortoo_protocol.station.context import Parts
from ortoo_protocol.station.ports import Cursor
from ortoo_protocol.station.store.tables import (
    feed_in_items,
    feed_in_keys,
    feed_in_snapshots,
    feed_schemas,
    feeds_in,
)

MAX_ITEMS_A_STEP = 64


@dataclass(frozen=True)
class Item:
    seq: int
    hash: bytes
    raw: bytes | None


@dataclass(frozen=True)
class HeldSnapshot:
    """A snapshot all of whose `parts` are in the store. A table may have more rows than memory, so
    they are read one by one (`part_of`). `stands`: the sink's cursor is at its place already;
    `in_place`: because it became this snapshot, which only is not noted yet."""

    snapshot: str
    parts: int
    cursor: Cursor
    stands: bool
    in_place: bool


@dataclass(frozen=True)
class Work:
    """What there is to do after `cursor`, read in one view of the store."""

    snapshot: HeldSnapshot | None
    behind: bool  # what follows the cursor is not here any more: only a snapshot helps
    items: tuple[Item, ...]
    keys: dict[int, bytes]
    schemas: dict[int, TableSchema]
    events: bool = False
    incarnation: int = 1  # of `items`


def load(
    conn: Connection, parts: Parts, feed: str, subscription: str, cursor: Cursor | None
) -> Work:
    """The complete snapshot beyond the cursor if there is one, else the next items. Of events the
    items, since a snapshot has none: those that are held, or those that are not."""
    schemas = {
        row.number: decode(row.raw, TableSchema)
        for row in conn.execute(select(feed_schemas).where(feed_schemas.c.feed == feed))
    }
    lacking = applied.lacks_rows(conn, feed, subscription)
    snapshot = _snapshot(conn, feed, subscription, cursor, lacking)
    items: tuple[Item, ...] = () if cursor is None else _items(conn, feed, cursor)
    if events := bool(schemas) and is_events(schemas[max(schemas)]):
        if cursor is not None and not items:  # what follows is of the next incarnation
            cursor = _step_over(conn, feed, cursor)
            items = _items(conn, feed, cursor)
        held = bool(items) and items[0].raw is not None
        items = tuple(takewhile(lambda item: (item.raw is not None) == held, items))
    behind = cursor is None or _behind(conn, feed, cursor, items)
    if events and not lacking and (items or not behind):
        snapshot = None
    keys: dict[int, bytes] = {}
    if snapshot is not None:
        items = ()
    elif cursor is not None:
        for row in conn.execute(
            select(feed_in_keys).where(
                feed_in_keys.c.feed == feed, feed_in_keys.c.incarnation == cursor.incarnation
            )
        ):
            use = feed_reader.key_use(feed, row.incarnation, row.epoch)
            keys[row.epoch] = secrets.unseal(parts.identity, use, row.key)
    incarnation = 1 if cursor is None else cursor.incarnation
    return Work(snapshot, behind, items, keys, schemas, events, incarnation)


def _step_over(conn: Connection, feed: str, cursor: Cursor) -> Cursor:
    """The beginning of the incarnation that is read, if the cursor stands in an earlier one all of
    which was applied; of events nothing is skipped between the two."""
    items = feed_in_items
    first = select(items.c.incarnation).where(
        items.c.feed == feed, items.c.incarnation > cursor.incarnation, items.c.seq == 1
    )
    found = conn.execute(first.order_by(items.c.incarnation).limit(1)).scalar()
    return cursor if found is None else Cursor(feed, int(found), 0, b"")


def _behind(conn: Connection, feed: str, cursor: Cursor, items: Sequence[Item]) -> bool:
    """Held no longer, since once applied, or never held, since a snapshot had them."""
    if items:
        return any(item.raw is None for item in items)
    row = conn.execute(select(feeds_in).where(feeds_in.c.feed == feed)).first()
    return row is not None and (row.incarnation, row.seq) > (cursor.incarnation, cursor.seq)


def _snapshot(
    conn: Connection, feed: str, subscription: str, cursor: Cursor | None, lacking: bool
) -> HeldSnapshot | None:
    held = feed_in_snapshots
    query = select(
        held.c.snapshot, held.c.parts, held.c.incarnation, held.c.seq, held.c.hash
    ).where(held.c.feed == feed)
    first = conn.execute(query.order_by(held.c.seq.desc(), held.c.part).limit(1)).first()
    count = select(func.count()).where(held.c.feed == feed)
    if first is None or conn.execute(count).scalar() != first.parts:
        return None
    place = (first.incarnation, first.seq)
    at = None if cursor is None else (cursor.incarnation, cursor.seq)
    if at is not None and (at > place or (at == place and not lacking)):
        return None
    begun = applied.began_snapshot(conn, feed, subscription, first.seq)
    there = Cursor(feed, first.incarnation, first.seq, first.hash)
    return HeldSnapshot(first.snapshot, first.parts, there, at == place, at == place and begun)


def part_of(conn: Connection, held: HeldSnapshot, number: int) -> bytes | None:
    """None: another snapshot has taken its place since."""
    query = select(feed_in_snapshots.c.raw).where(
        feed_in_snapshots.c.feed == held.cursor.feed,
        feed_in_snapshots.c.snapshot == held.snapshot,
        feed_in_snapshots.c.part == number,
    )
    return conn.execute(query).scalar()


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
