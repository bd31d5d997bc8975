"""Opening one row of an item in a dispute: with its salt and its path, and without its neighbours.

The reader has the feed's keys of every epoch it read, the publisher those of all its epochs.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select

from ortoo_protocol.core import feeds
from ortoo_protocol.core.commitment import show
from ortoo_protocol.core.envelope import Header, key_commitment
from ortoo_protocol.core.errors import EvidenceErased, FeedEpoch, FeedUnknown, JournalSize
from ortoo_protocol.core.evidence import Opening, Selection
from ortoo_protocol.core.verify import Message, open_content
from ortoo_protocol.station import feed_reader, secrets
from ortoo_protocol.station.context import Parts
from ortoo_protocol.station.feed_writer import OutFeed, key_at, key_of
from ortoo_protocol.station.journal import raws
from ortoo_protocol.station.journal.evidence import gathered
from ortoo_protocol.station.store.tables import feed_in_keys, feeds_in, feeds_out, journal
from ortoo_protocol.station.store.use_tables import feed_keys_kept


def opened(conn: Connection, parts: Parts, feed: str, seq: int, place: int) -> Mapping[str, bytes]:
    """A bundle with the item's row of the journal and row `place` (from 1) of the item, opened.

    Raises FeedUnknown, EvidenceErased, FeedEpoch, EnvelopeError, JournalSize.
    """
    incarnation = _incarnation(conn, feed)
    raw = raws.item(conn, feed, incarnation, seq)
    if raw is None:
        raise EvidenceErased(seq=seq, feed=feed)
    message = feed_reader.read_stored(raw, parts.suites, parts.identity.plane)
    found = open_content(message, lambda header: _key(conn, parts, header, message))
    if not 1 <= place <= len(found.rows):
        raise JournalSize(size=place, whole=len(found.rows))
    suite, plane = message.envelope.suite, message.envelope.plane
    shown = show(suite, plane, found.secret, (found.body_bytes, *found.rows), place)
    query = select(journal.c.seq).where(journal.c.envelope_id == message.header.id)
    row = conn.execute(query.order_by(journal.c.seq).limit(1)).scalar()
    if row is None:
        raise EvidenceErased(seq=seq, feed=feed)
    selection = Selection(first=row, last=row)
    return gathered(conn, parts, selection, [Opening.of(row, shown)])


def _incarnation(conn: Connection, feed: str) -> int:
    for table in (feeds_out, feeds_in):
        query = select(table.c.incarnation).where(table.c.feed == feed)
        found = conn.execute(query).scalar()
        if found is not None:
            return int(found)
    raise FeedUnknown(feed=feed)


def _key(conn: Connection, parts: Parts, header: Header, message: Message) -> bytes:
    """Raises FeedEpoch when no key that is held leads to the item's epoch."""
    feed, epoch = header.destination, header.epoch or 0
    suite, plane = message.envelope.suite, message.envelope.plane
    for known, key in sorted(_keys(conn, parts, feed).items(), reverse=True):
        if not epoch - feeds.MAX_RATCHET_STEPS <= known <= epoch:
            continue
        for step in range(known, epoch):
            key = feeds.ratchet(suite, plane, feed, step, key)
        if key_commitment(suite, plane, header, key) == header.key_commitment:
            return key
    raise FeedEpoch(epoch=epoch, feed=feed)


def _keys(conn: Connection, parts: Parts, feed: str) -> dict[int, bytes]:
    columns = [feeds_out.c[name] for name in OutFeed._fields]
    for row in conn.execute(select(*columns).where(feeds_out.c.feed == feed)).all():
        kept = conn.execute(select(feed_keys_kept).where(feed_keys_kept.c.feed == feed))
        past = {each.epoch: key_at(parts, feed, each.epoch, each.key) for each in kept}
        return {**past, row.epoch: key_of(parts, OutFeed(*row))}
    query = select(feed_in_keys).where(feed_in_keys.c.feed == feed)
    return {
        row.epoch: secrets.unseal(
            parts.identity, feed_reader.key_use(feed, row.incarnation, row.epoch), row.key
        )
        for row in conn.execute(query)
    }
