"""What a station may forget: settled letters and ids that can no longer come again.

Journal rows are never forgotten here (Measures art. 24). Receipted letters are kept 35 days, so
that they can be sent again to a recipient that was restored from a backup; ids of received letters
until nothing with that id can be valid any more.

Bodies of published items are erased by age and by size of the feed; number, hash and chain stay. A
reader that asks for an erased item takes a snapshot; events that it had not fetched are lost to it.
Open feeds (catalog, directory) are read from their first item and keep all. With the last body of
an epoch its key goes.
"""

from __future__ import annotations

from sqlalchemy import and_, delete, exists, func, select, update

from ortoo_protocol.core.messages import DAY_MS
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import (
    feed_out_items,
    feed_out_unsent,
    feeds_out,
    inbox,
    outbox,
    outbox_envelopes,
)
from ortoo_protocol.station.store.use_tables import feed_keys_kept

RECEIPTED_KEPT_MS = 35 * DAY_MS
SEEN_KEPT_MS = 7 * DAY_MS  # beyond the expiry: clocks may differ, queues may be slow


def sweep(tx: Tx) -> None:
    settled = outbox.c.settled_ms.is_not(None) & (
        outbox.c.settled_ms < tx.now_ms - RECEIPTED_KEPT_MS
    )
    tx.conn.execute(delete(outbox).where(settled))
    left = outbox_envelopes.c.number.not_in(select(outbox.c.number))
    tx.conn.execute(delete(outbox_envelopes).where(left))
    tx.conn.execute(delete(inbox).where(inbox.c.expires_ms < tx.now_ms - SEEN_KEPT_MS))
    timing = tx.parts.timing
    feeds = select(feeds_out.c.feed).where(feeds_out.c.sealed.is_(True))
    for feed in tx.conn.execute(feeds).scalars().all():
        erase_items(tx, feed, int(timing.items_kept_s * 1000), timing.items_kept_bytes)
        forget_keys(tx, feed)


def erase_items(tx: Tx, feed: str, age_ms: int, most_bytes: int) -> int:
    """Erase bodies of sent items of `feed` older than `age_ms`, and the oldest beyond `most_bytes`;
    returns how many were."""
    items, unsent = feed_out_items, feed_out_unsent
    same = and_(*(unsent.c[name] == items.c[name] for name in ("feed", "incarnation", "seq")))
    waits = exists().where(same)
    mine = (items.c.feed == feed) & ~waits & items.c.raw.is_not(None)
    newest = (items.c.incarnation.desc(), items.c.seq.desc())
    size = func.sum(func.length(items.c.raw)).over(order_by=newest)
    sized = select(items.c.incarnation, items.c.seq, size.label("size")).where(mine).subquery()
    last = (
        select(sized.c.incarnation, sized.c.seq)
        .where(sized.c.size > most_bytes)
        .order_by(sized.c.incarnation.desc(), sized.c.seq.desc())
        .limit(1)
    )
    gone = items.c.created_ms < tx.now_ms - age_ms
    beyond = tx.conn.execute(last).first()
    if beyond is not None:
        gone |= (items.c.incarnation < beyond.incarnation) | (
            (items.c.incarnation == beyond.incarnation) & (items.c.seq <= beyond.seq)
        )
    return tx.conn.execute(update(items).where(mine, gone).values(raw=None)).rowcount


def forget_keys(tx: Tx, feed: str) -> int:
    """Delete kept keys of `feed` that open no body any more, but the present one; returns how many.
    A body that somebody else still has is opened by nobody with what is here."""
    present = tx.conn.execute(
        select(feeds_out.c.incarnation, feeds_out.c.epoch).where(feeds_out.c.feed == feed)
    ).one()
    lowest = _lowest_bodies(tx, feed)
    kept, gone = feed_keys_kept, 0
    query = select(kept.c.incarnation, kept.c.epoch, kept.c.first_seq).where(kept.c.feed == feed)
    rows = tx.conn.execute(query.order_by(kept.c.incarnation, kept.c.epoch)).all()
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        if (row.incarnation, row.epoch) == (present.incarnation, present.epoch):
            continue
        first = lowest.get(row.incarnation)
        follows = after is not None and after.incarnation == row.incarnation
        if first is None or (after is not None and follows and after.first_seq <= first):
            here = (kept.c.feed == feed) & (kept.c.incarnation == row.incarnation)
            tx.conn.execute(delete(kept).where(here, kept.c.epoch == row.epoch))
            gone += 1
    return gone


def _lowest_bodies(tx: Tx, feed: str) -> dict[int, int]:
    """Incarnation to the lowest number of an item of it whose body is here."""
    items = feed_out_items
    query = (
        select(items.c.incarnation, func.min(items.c.seq))
        .where(items.c.feed == feed, items.c.raw.is_not(None))
        .group_by(items.c.incarnation)
    )
    return {row[0]: row[1] for row in tx.conn.execute(query)}
