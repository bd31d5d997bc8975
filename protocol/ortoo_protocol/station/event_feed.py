"""Event feeds (事件主题): rows that are appended and never changed; no key, no shadow.

An event is durable as soon as it waits in `feed_out_pending`; those that wait are sealed together
as one item when they fill it or the first has waited for the linger time, in one transaction. What
comes in one commit and is enough for an item of its own does not wait.
Readers get them under a key that is their place: (item, place in it), so a sink stores an event
once, however often it comes. A snapshot of an event feed has no rows: a reader begins with the next
item.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from ortoo_protocol.core.batches import batches
from ortoo_protocol.core.feeds import EVENT_COLUMNS, EVENT_KEY, Column, EventRows, TableSchema
from ortoo_protocol.station import feed_writer, table_feed
from ortoo_protocol.station.context import Parts, Tx, wait
from ortoo_protocol.station.database import Database
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import feed_out_pending

MOST_A_SEAL = 20_000
AT_ONCE_BYTES = 64 << 10  # above this an item costs less than keeping events until there are more
_PUT = Prepared(feed_out_pending.insert(), ("feed", "part", "created_ms"))


def declare(tx: Tx, feed: str, columns: Sequence[Column]) -> TableSchema:
    """The schema in force for events with these `columns`."""
    return table_feed.declare(tx, feed, (*EVENT_COLUMNS, *columns), EVENT_KEY)


def append(tx: Tx, feed: str, parts: Sequence[bytes]) -> None:
    """Make events (row parts of their own columns) durable; they are sealed soon, or now."""
    size_bytes = sum(map(len, parts))
    schema = table_feed.current_schema(tx, feed) if size_bytes >= AT_ONCE_BYTES else None
    if schema is None:
        _PUT.many(tx.conn, [(feed, part, tx.now_ms) for part in parts])
        tx.after_commit(lambda: tx.parts.signals.events.add(size_bytes))
        return
    while seal(tx, feed):  # what came before leaves before
        pass
    _publish(tx, feed, schema, parts)


def seal(tx: Tx, feed: str) -> int:
    """Append what waits as items, in the order it came; returns how many events that were."""
    pending = feed_out_pending
    query = (
        select(pending.c.number, pending.c.part)
        .where(pending.c.feed == feed)
        .order_by(pending.c.number)
        .limit(MOST_A_SEAL)
    )
    found = tx.conn.execute(query).all()
    schema = table_feed.current_schema(tx, feed)
    if not found or schema is None:
        return 0
    _publish(tx, feed, schema, [row.part for row in found])
    last = found[-1].number
    tx.conn.execute(pending.delete().where(pending.c.feed == feed, pending.c.number <= last))
    return len(found)


def _publish(tx: Tx, feed: str, schema: TableSchema, parts: Sequence[bytes]) -> None:
    body = EventRows(schema=schema.number)
    for batch in batches(parts):
        feed_writer.publish(tx, feed, body, rows=batch)


def seal_all(tx: Tx) -> int:
    """Seal what waits on every feed; returns how many events that were."""
    tx.after_commit(tx.parts.signals.events.sealed)
    feeds = tx.conn.execute(select(feed_out_pending.c.feed).distinct()).scalars().all()
    return sum(seal(tx, feed) for feed in feeds)


async def run_sealing(database: Database, parts: Parts) -> None:
    """Seal events when they fill an item or the first has waited for the linger time."""
    events, linger_s = parts.signals.events, parts.timing.linger_ms / 1000
    while True:
        ticket = events.ticket()
        await database.write(seal_all)
        await ticket.wait()
        full = events.ticket()
        if not events.is_full():
            await wait(full, linger_s)
