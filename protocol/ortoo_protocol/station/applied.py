"""How far the sink of each subscription is, as the store notes it: what all have passed is erased.

The sink's own cursor is the truth; this follows. Incarnation 0 stands for a sink that lacks rows:
only a snapshot ends that. Beside it stands the number after the snapshot that is being put in
place, 0 for none.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import insert_new, upsert
from ortoo_protocol.station.store.tables import (
    feed_applied,
    feed_in_items,
    feed_in_snapshots,
    feed_rereads,
)


def register(tx: Tx, feed: str, subscription: str) -> None:
    """From now on nothing is erased that this sink has not had."""
    insert_new(tx.conn, feed_applied, [_row(feed, subscription, 0, 0)])


def lacks_rows(conn: Connection, feed: str, subscription: str) -> bool:
    """Whether this sink has not had a snapshot since it began, or since an item was set aside."""
    query = select(feed_applied.c.incarnation).where(_here(feed, subscription))
    return not conn.execute(query).scalar()


def begins_snapshot(tx: Tx, feed: str, subscription: str, seq: int) -> None:
    """The sink, which stands elsewhere, is about to become the snapshot at `seq`. Should the
    station end before it notes that this was done, the sink's cursor tells."""
    upsert(tx.conn, feed_applied, [_row(feed, subscription, 0, seq + 1)])


def began_snapshot(conn: Connection, feed: str, subscription: str, seq: int) -> bool:
    query = select(feed_applied.c.seq).where(
        _here(feed, subscription), feed_applied.c.incarnation == 0
    )
    return conn.execute(query).scalar() == seq + 1


def is_registered(conn: Connection, feed: str, subscription: str) -> bool:
    query = select(feed_applied.c.seq).where(_here(feed, subscription))
    return conn.execute(query).first() is not None


def set_lacking(tx: Tx, feed: str, subscription: str) -> None:
    upsert(tx.conn, feed_applied, [_row(feed, subscription, 0, 0)])


def step_back(tx: Tx, feed: str, subscription: str, incarnation: int, seq: int) -> None:
    """What follows `seq` is kept again until this sink has passed it."""
    upsert(tx.conn, feed_applied, [_row(feed, subscription, incarnation, seq)])


def passed(
    tx: Tx, feed: str, subscription: str, incarnation: int, seq: int, *, whole: bool
) -> None:
    """Note how far this sink is (`whole`: by a snapshot), and erase what every sink has passed."""
    if not whole and lacks_rows(tx.conn, feed, subscription):
        return
    upsert(tx.conn, feed_applied, [_row(feed, subscription, incarnation, seq)])
    _erase_passed(tx, feed)


def count(tx: Tx, feed: str, subscription: str, *, rows: int = 0, rejects: int = 0) -> None:
    """Rows that went into the sink, items that were set aside."""
    if rows or rejects:
        tx.conn.execute(
            update(feed_applied)
            .where(_here(feed, subscription))
            .values(rows=feed_applied.c.rows + rows, rejects=feed_applied.c.rejects + rejects)
        )


def let_go(tx: Tx, feed: str, subscription: str) -> None:
    """Nothing is kept for this sink any more; when it goes on it begins with a snapshot."""
    tx.conn.execute(delete(feed_applied).where(_here(feed, subscription)))
    if tx.conn.execute(select(feed_applied.c.seq).where(feed_applied.c.feed == feed)).first():
        _erase_passed(tx, feed)
    else:
        tx.conn.execute(
            update(feed_in_items)
            .where(feed_in_items.c.feed == feed, feed_in_items.c.raw.is_not(None))
            .values(raw=None)
        )


def held_bytes(conn: Connection, feed: str) -> int:
    """What waits here for sinks of `feed`."""
    query = select(func.coalesce(func.sum(func.length(feed_in_items.c.raw)), 0))
    here = (feed_in_items.c.feed == feed) & feed_in_items.c.raw.is_not(None)
    return int(conn.execute(query.where(here)).scalar_one())


def _erase_passed(tx: Tx, feed: str) -> None:
    places = select(feed_applied.c.incarnation, feed_applied.c.seq).where(
        feed_applied.c.feed == feed
    )
    stands = [(place.incarnation, place.seq) for place in tx.conn.execute(places)]
    again = select(feed_rereads).where(feed_rereads.c.feed == feed)
    stands += [(row.incarnation, row.first - 1) for row in tx.conn.execute(again)]
    first, last = min(stands)
    for table in (feed_in_items, feed_in_snapshots):
        gone = (table.c.feed == feed) & (
            (table.c.incarnation < first) | ((table.c.incarnation == first) & (table.c.seq <= last))
        )
        if table is feed_in_items:
            tx.conn.execute(update(table).where(gone).values(raw=None))
        else:
            tx.conn.execute(delete(table).where(gone))


def _here(feed: str, subscription: str) -> ColumnElement[bool]:
    return (feed_applied.c.feed == feed) & (feed_applied.c.subscription == subscription)


def _row(feed: str, subscription: str, incarnation: int, seq: int) -> dict[str, object]:
    return {"feed": feed, "subscription": subscription, "incarnation": incarnation, "seq": seq}
