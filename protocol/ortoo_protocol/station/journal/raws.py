"""Messages whose bytes are still here, by the header of their journal row."""

from __future__ import annotations

from sqlalchemy import Connection, select

from ortoo_protocol.core.envelope import Header
from ortoo_protocol.station.store.tables import (
    feed_in_items,
    feed_out_items,
    outbox,
    outbox_envelopes,
)


def raw_of(conn: Connection, header: Header) -> bytes | None:
    """The message as it went or came: items, letters in the outbox. None: it was erased."""
    if header.position is not None:
        position = header.position
        return item(conn, header.destination, position.incarnation, position.seq)
    joined = outbox.join(outbox_envelopes, outbox.c.number == outbox_envelopes.c.number)
    query = select(outbox_envelopes.c.raw).select_from(joined)
    raw = conn.execute(query.where(outbox.c.id == header.id)).scalar()
    return None if raw is None else bytes(raw)


def item(conn: Connection, feed: str, incarnation: int, seq: int) -> bytes | None:
    for table in (feed_out_items, feed_in_items):
        here = (table.c.feed == feed) & (table.c.incarnation == incarnation) & (table.c.seq == seq)
        raw = conn.execute(select(table.c.raw).where(here)).scalar()
        if raw is not None:
            return bytes(raw)
    return None
