"""Items of a feed: which entries of the journal speak of one, and which of those that are still
kept touch a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, func, select

from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.errors import CodecError, EnvelopeError, FeedError, RowsError
from ortoo_protocol.core.feeds import TableSchema
from ortoo_protocol.core.journal import State
from ortoo_protocol.core.row_codec import RowCodec, key_bytes
from ortoo_protocol.station import feed_reader, feed_writer, secrets
from ortoo_protocol.station.apply_work import Item, Work
from ortoo_protocol.station.context import Parts
from ortoo_protocol.station.journal.searching import header_of
from ortoo_protocol.station.opening import Opening
from ortoo_protocol.station.store.tables import (
    feed_in_items,
    feed_in_keys,
    feed_out_items,
    feed_schemas,
    feeds_out,
    journal,
)

MOST_OPENED, MOST_OPENED_BYTES = 200, 32 << 20
MOST_BETWEEN = 500  # rows of a feed between the acceptance of an item and its application
Place = tuple[int, int]
"""Incarnation and number of an item."""


# --- in the journal -----------------------------------------------------------------------------


def entries(conn: Connection, feed: str, place: Place, size: int) -> list[int]:
    """Numbers of the journal's rows on this item: sent, or accepted and applied. By halving, since
    items of a feed are accepted in their order: O(log n)."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        found = _accepted_from(conn, feed, middle)
        if found is None or found[1] >= place:
            high = middle
        else:
            low = found[0] + 1
    found = _accepted_from(conn, feed, low)
    if found is None or found[1] != place:
        return []
    return [found[0], *_applied_after(conn, feed, found[0], place)]


def _accepted_from(conn: Connection, feed: str, first: int) -> tuple[int, Place] | None:
    query = _of_feed(feed).where(journal.c.seq >= first, journal.c.state == State.ACCEPTED.value)
    for row in conn.execute(query.limit(MOST_BETWEEN)):
        place = _place(row)
        if place is not None:
            return row.seq, place
    return None


def _applied_after(conn: Connection, feed: str, seq: int, place: Place) -> Iterator[int]:
    for row in conn.execute(_of_feed(feed).where(journal.c.seq > seq).limit(MOST_BETWEEN)):
        if row.state == State.APPLIED.value and _place(row) == place:
            yield row.seq


def _of_feed(feed: str) -> Any:
    names = (journal.c.seq, journal.c.state, journal.c.header)
    return select(*names).where(journal.c.flow == feed).order_by(journal.c.seq)


def _place(row: Row[Any]) -> Place | None:
    header = header_of(row)
    position = None if header is None else header.position
    return None if position is None else (position.incarnation, position.seq)


# --- bodies that are kept -----------------------------------------------------------------------


@dataclass
class Looked:
    """`touching`: numbers of kept items that changed the row, the newest first. `shut`: items
    whose key is kept no more. `whole`: all that is kept was looked through. `first`: the lowest
    number whose body is still here, 0 for none."""

    touching: list[int] = field(default_factory=list)
    shut: int = 0
    first: int = 0
    whole: bool = True


def look_through(
    conn: Connection, parts: Parts, feed: str, incarnation: int, key: bytes, *, own: bool
) -> Looked:
    """Open what is kept, the newest first. In a thread: it may take a second."""
    table = feed_out_items if own else feed_in_items
    here = (table.c.feed == feed) & (table.c.incarnation == incarnation) & table.c.raw.is_not(None)
    first = conn.execute(select(func.min(table.c.seq)).where(here)).scalar()
    looked = Looked(first=first or 0)
    opening = _opening(conn, parts, feed, incarnation, own=own)
    query = select(table.c.seq, table.c.hash, table.c.raw).where(here)
    size = 0
    for count, row in enumerate(conn.execute(query.order_by(table.c.seq.desc()))):
        size += len(row.raw)
        if count == MOST_OPENED or size > MOST_OPENED_BYTES:
            looked.whole = False
            break
        try:
            if key in _keys(opening, Item(row.seq, row.hash, bytes(row.raw))):
                looked.touching.append(row.seq)
        except (EnvelopeError, CodecError, FeedError, RowsError):
            looked.shut += 1
    return looked


def _keys(opening: Opening, item: Item) -> Iterable[bytes]:
    step = opening.step(item)
    codec = RowCodec(step.schema)
    yield from (codec.key(row) for row in step.changes.upserts)
    yield from (key_bytes(key) for key in step.changes.deletes)


def _opening(conn: Connection, parts: Parts, feed: str, incarnation: int, *, own: bool) -> Opening:
    query = select(feed_schemas).where(feed_schemas.c.feed == feed)
    schemas = {row.number: decode(row.raw, TableSchema) for row in conn.execute(query)}
    keys = _own_key(conn, parts, feed) if own else _read_keys(conn, parts, feed, incarnation)
    return Opening(parts, feed, incarnation, Work(None, False, (), keys, schemas))


def _own_key(conn: Connection, parts: Parts, feed: str) -> dict[int, bytes]:
    row = conn.execute(select(feeds_out).where(feeds_out.c.feed == feed)).first()
    if row is None or not row.sealed:
        return {}
    return {row.epoch: feed_writer.key_of(parts, feed_writer.OutFeed(*row))}


def _read_keys(conn: Connection, parts: Parts, feed: str, incarnation: int) -> dict[int, bytes]:
    here = (feed_in_keys.c.feed == feed) & (feed_in_keys.c.incarnation == incarnation)
    return {
        row.epoch: secrets.unseal(
            parts.identity, feed_reader.key_use(feed, incarnation, row.epoch), row.key
        )
        for row in conn.execute(select(feed_in_keys).where(here))
    }
