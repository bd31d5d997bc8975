"""A party that was restored from a backup begins each of its feeds anew.

What it signed after the backup it no longer knows, while others hold it: going on by number would
give two items one number. So every feed gets a new incarnation, whose number grows with the time of
the restoration: two restorations of one backup, a minute apart or more, never meet. Open feeds are
published again whole, since they are read from their first item; tables are taken by a snapshot;
events go on with the first item.

Of a table nobody gets a snapshot before it was read again: the backup's rows are older than what
readers may have (protocol/formal). The key is a fresh one, told to those who read now: who was shut
out after the backup and stands here as a reader again is for people to look at (runbook).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select, update

from ortoo_protocol.core import feeds
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.envelope import Header
from ortoo_protocol.core.errors import FeedUnread
from ortoo_protocol.core.journal import State
from ortoo_protocol.core.verify import open_content
from ortoo_protocol.station import feed_reader, feed_writer, table_feed
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import insert_new
from ortoo_protocol.station.store.tables import (
    feed_out_items,
    feed_out_unsent,
    feed_readers,
    feeds_out,
    feeds_unread,
    shadow,
)

EPOCH_MS = 1_735_689_600_000  # 2025-01-01; incarnations of restored feeds count minutes from it
KIND = "station.restored"


def begin(tx: Tx, backup_ms: int, restored_ms: int) -> None:
    """In one transaction, before anything leaves; the journal says so."""
    minutes = max(0, restored_ms - EPOCH_MS) // 60_000
    for feed in tx.conn.execute(select(feeds_out.c.feed)).scalars().all():
        _begin(tx, feed, minutes)
    said = encode([backup_ms, restored_ms])
    tx.journal_local(tx.new_id(), KIND, tx.suite.hash(said), State.ACCEPTED, flow="")


def _begin(tx: Tx, feed: str, minutes: int) -> None:
    row = feed_writer.feed_row(tx, feed)
    incarnation = max(row.incarnation + 1, minutes)
    tx.conn.execute(delete(feed_out_unsent).where(feed_out_unsent.c.feed == feed))
    start = feeds.genesis(tx.suite, tx.plane, feed, incarnation)
    values = {"incarnation": incarnation, "seq": 0, "hash": start}
    tx.conn.execute(update(feeds_out).where(feeds_out.c.feed == feed).values(values))
    readers = feed_readers.c.feed == feed
    shut_out = readers & feed_readers.c.fence.is_not(None)
    tx.conn.execute(update(feed_readers).where(readers).values(first_seq=1))
    tx.conn.execute(update(feed_readers).where(shut_out).values(fence=0))
    if row.sealed:
        feed_writer.fresh_key(tx, feed)
        schema = table_feed.schema_of(tx.conn, feed)
        if schema is not None:
            seq = feed_writer.publish(tx, feed, schema)
            tx.conn.execute(update(shadow).where(shadow.c.feed == feed).values(seq=seq))
            if not feeds.is_events(schema):
                insert_new(tx.conn, feeds_unread, [{"feed": feed}])
    else:
        _publish_again(tx, feed, row.incarnation)


def check_read(tx: Tx, feed: str) -> None:
    """Raises FeedUnread: the table of `feed` is the backup's."""
    unread = select(feeds_unread.c.feed).where(feeds_unread.c.feed == feed)
    if tx.conn.execute(unread).first() is not None:
        raise FeedUnread(feed=feed)


def was_read(tx: Tx, feeds_of_table: Sequence[str]) -> None:
    """The source of these feeds was read to its end; whoever waits for a snapshot asks again."""
    tx.conn.execute(delete(feeds_unread).where(feeds_unread.c.feed.in_(feeds_of_table)))


def _publish_again(tx: Tx, feed: str, incarnation: int) -> None:
    """An open feed, item for item."""
    items = feed_out_items
    query = select(items.c.seq).where(items.c.feed == feed, items.c.incarnation == incarnation)
    for seq in tx.conn.execute(query.order_by(items.c.seq)).scalars().all():
        here = (items.c.feed == feed, items.c.incarnation == incarnation, items.c.seq == seq)
        raw = tx.conn.execute(select(items.c.raw).where(*here)).scalar()
        if raw is None:
            continue
        opened = open_content(feed_reader.stored_message(tx, raw), _no_key)
        kind = opened.message.kind
        feed_writer.publish(tx, feed, opened.body, rows=opened.rows, kind=kind)


def _no_key(_header: Header) -> None:
    return None
