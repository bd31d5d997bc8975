"""Where a delivery to a department's program stands: the sink's cursor, in the station's store."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from ortoo_node.store.tables import deliveries
from ortoo_protocol.core.errors import SinkMoved, SinkTaken
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.ports import Cursor
from ortoo_protocol.station.store.dialect import upsert


@dataclass(frozen=True)
class Place:
    """Which delivery, and how it is called in errors."""

    subscription: str
    name: str
    table: str


def stands(conn: Connection, place: Place) -> Cursor | None:
    row = conn.execute(
        select(deliveries).where(deliveries.c.subscription == place.subscription)
    ).first()
    if row is None or not row.feed:
        return None
    return Cursor(row.feed, row.incarnation, row.seq, row.hash)


def owned(conn: Connection, place: Place, feed: str) -> Cursor | None:
    """Raises SinkTaken: what is delivered is of another feed."""
    stored = stands(conn, place)
    if stored is not None and stored.feed != feed:
        raise SinkTaken(name=place.name, table=place.table, owner=stored.feed)
    return stored


def is_there(place: Place, stored: Cursor | None, left: Cursor | None, wanted: Cursor) -> bool:
    """Whether all up to `wanted` was delivered. Raises SinkMoved when somebody else was here."""
    if stored is not None and (stored == wanted or _before(wanted, stored)):
        return True
    if stored != left or (stored is not None and not _before(stored, wanted)):
        raise SinkMoved(name=place.name, table=place.table, feed=wanted.feed)
    return False


def move(tx: Tx, place: Place, cursor: Cursor, left: Cursor | None) -> None:
    """To `cursor`, from where it was left. Raises SinkMoved, SinkTaken."""
    if owned(tx.conn, place, cursor.feed) != left:
        raise SinkMoved(name=place.name, table=place.table, feed=cursor.feed)
    row = {
        "subscription": place.subscription,
        "feed": cursor.feed,
        "incarnation": cursor.incarnation,
        "seq": cursor.seq,
        "hash": cursor.hash,
        "part": "",
        "part_pages": 0,
    }
    upsert(tx.conn, deliveries, [row])


def pages_taken(conn: Connection, place: Place, part: str) -> int:
    """How many pages of `part` (an item, a snapshot) the program has."""
    row = conn.execute(
        select(deliveries).where(deliveries.c.subscription == place.subscription)
    ).first()
    return row.part_pages if row is not None and row.part == part else 0


def note_page(tx: Tx, place: Place, part: str, pages: int) -> None:
    here = deliveries.c.subscription == place.subscription
    changed = tx.conn.execute(
        update(deliveries).where(here).values(part=part, part_pages=pages)
    ).rowcount
    if not changed:  # nothing was applied yet: a place without a cursor
        row = {"subscription": place.subscription, "feed": "", "incarnation": 0, "seq": 0,
               "hash": b"", "part": part, "part_pages": pages}  # fmt: skip
        upsert(tx.conn, deliveries, [row])


def _before(one: Cursor, other: Cursor) -> bool:
    return (one.incarnation, one.seq) < (other.incarnation, other.seq)
