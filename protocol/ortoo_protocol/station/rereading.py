"""Reading items of a feed again from a number (重读): they are asked of the publisher anew.

Only items that were accepted here by number: their hashes are known, so what comes is the very
same. The sink keeps its rows and its cursor until all of them are here; then its cursor steps back
and they are applied once more. One subscription of a feed at a time.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from ortoo_protocol.core.errors import (
    SubscriptionNothing,
    SubscriptionReread,
    SubscriptionState,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Suites
from ortoo_protocol.station import applied, feed_reader
from ortoo_protocol.station.context import Parts, Tx
from ortoo_protocol.station.ports import Cursor
from ortoo_protocol.station.store.dialect import upsert
from ortoo_protocol.station.store.tables import feed_in_items, feed_rereads, feeds_in


def begin(tx: Tx, feed: str, subscription: str, first: int) -> int:
    """Ask again for the items from `first` on; returns the last. The worker of `subscription` rests
    meanwhile. Raises SubscriptionReread, SubscriptionNothing, SubscriptionState."""
    row = feed_reader.feed_row(tx, feed)
    if row is None or row.state != feed_reader.READING:
        raise SubscriptionState(subscription=subscription, state=row.state if row else "waiting")
    known = find(tx.conn, feed)
    if known is not None and known.subscription != subscription:
        raise SubscriptionState(subscription=known.subscription, state="rereading")
    lowest = _lowest(tx.conn, feed, row.incarnation, row.seq)
    if not lowest:
        raise SubscriptionNothing(feed=feed)
    if not lowest <= first <= row.seq:
        raise SubscriptionReread(feed=feed, first=lowest, last=row.seq, asked=first)
    values = {
        "feed": feed,
        "subscription": subscription,
        "incarnation": row.incarnation,
        "first": first,
        "last": row.seq,
        "error": "",
        "detail": "",
    }
    upsert(tx.conn, feed_rereads, [values])
    tx.after_commit(tx.parts.signals.gaps.set)
    return int(row.seq)


def _lowest(conn: Connection, feed: str, incarnation: int, last: int) -> int | None:
    """The first of the items without a gap up to `last`; a snapshot leaves one."""
    items, before = feed_in_items, feed_in_items.alias()
    has_before = (
        select(before.c.seq)
        .where(
            before.c.feed == feed,
            before.c.incarnation == incarnation,
            before.c.seq == items.c.seq - 1,
        )
        .exists()
    )
    query = select(func.max(items.c.seq)).where(
        items.c.feed == feed,
        items.c.incarnation == incarnation,
        items.c.seq <= last,
        ~has_before,
    )
    return conn.execute(query).scalar()


def find(conn: Connection, feed: str) -> Row[Any] | None:
    return conn.execute(select(feed_rereads).where(feed_rereads.c.feed == feed)).first()


def missing(conn: Connection, row: Row[Any]) -> int | None:
    """The first item of this reread that is not here yet."""
    query = select(func.min(feed_in_items.c.seq)).where(_range(row), feed_in_items.c.raw.is_(None))
    return conn.execute(query).scalar()


def fail(tx: Tx, feed: str, code: str, detail: str) -> bool:
    """The publisher will not send them. False: nothing was asked for again."""
    here = (feed_rereads.c.feed == feed) & (feed_rereads.c.error == "")
    changed = tx.conn.execute(
        update(feed_rereads).where(here).values(error=code, detail=detail[:500])
    ).rowcount
    tx.after_commit(tx.parts.signals.gaps.set)
    return bool(changed)


def is_void(conn: Connection, row: Row[Any]) -> bool:
    """Whether the feed has begun anew meanwhile: its publisher does not have these items."""
    query = select(feeds_in.c.incarnation).where(feeds_in.c.feed == row.feed)
    return bool(conn.execute(query).scalar() != row.incarnation)


def begin_applying(tx: Tx, row: Row[Any]) -> None:
    """All are here and the sink has stepped back: they are kept until it has passed them."""
    applied.step_back(tx, row.feed, row.subscription, row.incarnation, row.first - 1)
    end(tx, row.feed)


def end(tx: Tx, feed: str) -> None:
    tx.conn.execute(delete(feed_rereads).where(feed_rereads.c.feed == feed))
    tx.after_commit(tx.parts.signals.apply.set)  # another one may wait for its turn


def ready(conn: Connection, parts: Parts, row: Row[Any]) -> Cursor | None:
    """Where the sink's cursor goes back to, when all are here."""
    if row.error or missing(conn, row) is not None:
        return None
    query = select(feed_in_items.c.raw).where(_range(row), feed_in_items.c.seq == row.first)
    previous = _previous(conn.execute(query).scalar_one(), parts.suites, parts.identity.plane)
    return Cursor(row.feed, row.incarnation, row.first - 1, previous)


def _previous(raw: bytes, suites: Suites, plane: Plane) -> bytes:
    position = feed_reader.read_stored(raw, suites, plane).header.position
    if position is None:
        raise RuntimeError("a feed item without a position was accepted")
    return position.previous


def _range(row: Row[Any]) -> Any:
    return (
        (feed_in_items.c.feed == row.feed)
        & (feed_in_items.c.incarnation == row.incarnation)
        & (feed_in_items.c.seq >= row.first)
        & (feed_in_items.c.seq <= row.last)
    )
