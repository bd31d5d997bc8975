"""Publishing on feeds of this party: append, seal once, readers and their keys, heads.

The key of a feed moves on whenever its readers change. A new reader gets the next step of a
one-way ratchet: those who read already step forward by themselves, and the newcomer cannot read
back. When a reader is removed a fresh key is drawn and told to those who stay, each in a sealed
letter: what was queued for the removed one, or comes to it by mistake, does not open. One that is
suspended is removed likewise, but keys drawn meanwhile are kept for the day it goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, func, select, update

from ortoo_protocol.core import feeds, messages
from ortoo_protocol.core.codec import Shape, encode
from ortoo_protocol.core.envelope import Position, Protection, ToAll, ToReaders
from ortoo_protocol.core.errors import FeedUnknown, TrustError
from ortoo_protocol.core.ids import check_feed
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.core.messages import Class, Kind
from ortoo_protocol.station import secrets
from ortoo_protocol.station.context import LOCAL, Parts, Post, Tx
from ortoo_protocol.station.sending import post, send
from ortoo_protocol.station.store.dialect import insert_new
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import (
    feed_out_items,
    feed_out_unsent,
    feed_readers,
    feeds_in,
    feeds_out,
)
from ortoo_protocol.station.store.use_tables import feed_keys_kept


def open_feed(tx: Tx, feed: str, *, sealed: bool) -> None:
    """Make `feed` (owned by this party) unless it is there."""
    check_feed(feed)
    key = tx.parts.rand(tx.suite.key_bytes) if sealed else b""
    row = {
        "feed": feed,
        "incarnation": 1,
        "seq": 0,
        "hash": feeds.genesis(tx.suite, tx.plane, feed, 1),
        "sealed": sealed,
        "epoch": 1,
        "epoch_first": 1,
        "key": _seal(tx, feed, 1, key) if sealed else b"",
    }
    if tx.conn.execute(select(feeds_out.c.feed).where(feeds_out.c.feed == feed)).first() is None:
        tx.conn.execute(feeds_out.insert().values(row))
        if sealed:
            _remember(tx, feed, 1, 1, 1, row["key"])


class OutFeed(NamedTuple):
    """A row of `feeds_out`."""

    feed: str
    incarnation: int
    seq: int
    hash: bytes
    sealed: bool
    epoch: int
    epoch_first: int
    key: bytes


KEYS_AN_ASK = 16

_FEED = Prepared(
    select(*(feeds_out.c[name] for name in OutFeed._fields)).where(
        feeds_out.c.feed == bindparam("f")
    ),
    ("f",),
)


def feed_row(tx: Tx, feed: str) -> OutFeed:
    for row in _FEED.rows(tx.conn, feed):
        return OutFeed(*row)
    raise FeedUnknown(feed=feed)


def publish(
    tx: Tx, feed: str, body: Shape, *, rows: Sequence[bytes] = (), kind: Kind | None = None
) -> int:
    """Append one item and return its number. It leaves after the commit, in order."""
    tx.trust.check_live(tx.now_ms)
    kind = kind or messages.kind_of(body)
    row = feed_row(tx, feed)
    seq = int(row.seq) + 1
    protection: Protection = ToAll()
    if kind.cls is Class.SEALED:
        protection = ToReaders(row.epoch, _unseal(tx, row))
    message = tx.make(
        kind,
        feed,
        [encode(body), *rows],
        protection,
        expires_ms=0,
        position=Position(row.incarnation, seq, row.hash),
    )
    place = (feed, row.incarnation, seq)
    _ITEM.one(tx.conn, *place, message.hash, message.envelope.raw, tx.now_ms)
    _UNSENT.one(tx.conn, *place)
    _MOVE.one(tx.conn, seq, message.hash, feed)
    tx.journal(message, Direction.SENT, State.ACCEPTED, flow=feed)
    tx.after_commit(tx.parts.signals.feeds.set)
    return seq


_ITEM = Prepared(
    feed_out_items.insert(), ("feed", "incarnation", "seq", "hash", "raw", "created_ms")
)
_UNSENT = Prepared(feed_out_unsent.insert(), ("feed", "incarnation", "seq"))
_MOVE = Prepared(
    update(feeds_out)
    .where(feeds_out.c.feed == bindparam("f"))
    .values(seq=bindparam("s"), hash=bindparam("h")),
    ("s", "h", "f"),
)


def head(tx: Tx, feed: str) -> feeds.Head:
    row = feed_row(tx, feed)
    return feeds.Head(
        feed=feed, incarnation=row.incarnation, seq=row.seq, hash=row.hash, time_ms=tx.now_ms
    )


def post_heads(tx: Tx) -> None:
    """Sign how far each feed has come, for all its readers: a withheld tail shows."""
    kind = messages.kind_named("feed.head")
    here = set(tx.conn.execute(select(feeds_in.c.feed)).scalars())
    for feed in tx.conn.execute(select(feeds_out.c.feed)).scalars().all():
        made = tx.make(kind, feed, [encode(head(tx, feed))], ToAll(), expires_ms=0)
        raw = made.envelope.raw
        post(tx, Post("feeds", feed, raw))
        if feed in here:
            post(tx, Post(LOCAL, tx.party, raw))


# --- readers ------------------------------------------------------------------------------------


def active_readers(tx: Tx, feed: str) -> Sequence[Row[Any]]:
    query = select(feed_readers).where(feed_readers.c.feed == feed, feed_readers.c.fence.is_(None))
    return tx.conn.execute(query).all()


def add_reader(tx: Tx, feed: str, grant: str, grant_hash: bytes, reader: str) -> None:
    """Let `reader` read from the next item on, and give it the key in a letter."""
    row = feed_row(tx, feed)
    epoch, first = row.epoch, row.seq + 1
    key = _unseal(tx, row)
    if row.seq or active_readers(tx, feed):
        key = feeds.ratchet(tx.suite, tx.plane, feed, epoch, key)
        epoch += 1
        _keep_key(tx, feed, epoch, first, key)
        if epoch % feeds.MAX_RATCHET_STEPS == 0:  # readers step no further, and no key is kept
            _tell_key(tx, row.incarnation, feed, epoch, first, key, active_readers(tx, feed))
    insert_new(
        tx.conn,
        feed_readers,
        [
            {
                "feed": feed,
                "grant": grant,
                "reader": reader,
                "grant_hash": grant_hash,
                "first_seq": first,
                "fence": None,
                "suspended_epoch": None,
            }
        ],
    )
    _send_key(tx, row.incarnation, feed, epoch, first, key, reader, grant_hash)


def end_reader(tx: Tx, feed: str, grant: str) -> tuple[int, int]:
    """Fence the grant after the present item and return (incarnation, fence).

    Hub or not: the fence and the new epoch are committed here first. A reader with another live
    grant on the feed keeps reading.
    """
    row = feed_row(tx, feed)
    mine = (feed_readers.c.feed == feed) & (feed_readers.c.grant == grant)
    ended = tx.conn.execute(select(feed_readers).where(mine)).first()
    if ended is None or ended.fence is not None:
        return row.incarnation, row.seq if ended is None else ended.fence
    tx.conn.execute(update(feed_readers).where(mine).values(fence=row.seq))
    _shut_out(tx, row, ended.reader)
    return row.incarnation, row.seq


def suspend_reader(tx: Tx, feed: str, grant: str) -> tuple[int, int]:
    """As `end_reader`, for a while: keys of epochs that begin meanwhile wait for it. Nothing
    for a grant that is fenced already."""
    row = feed_row(tx, feed)
    mine = (feed_readers.c.feed == feed) & (feed_readers.c.grant == grant)
    found = tx.conn.execute(select(feed_readers).where(mine)).first()
    if found is None or found.fence is not None:
        return row.incarnation, row.seq if found is None else found.fence
    rests = {"fence": row.seq, "suspended_epoch": row.epoch}
    tx.conn.execute(update(feed_readers).where(mine).values(rests))
    _shut_out(tx, row, found.reader)
    return row.incarnation, row.seq


def resume_reader(tx: Tx, feed: str, grant: str) -> None:
    """A suspended reader goes on from where it stood: it gets the key of each epoch since, and asks
    for the items by itself. Nothing for one that is not suspended."""
    mine = (feed_readers.c.feed == feed) & (feed_readers.c.grant == grant)
    found = tx.conn.execute(select(feed_readers).where(mine)).first()
    if found is None or found.suspended_epoch is None:
        return
    goes_on = {"fence": None, "suspended_epoch": None}
    tx.conn.execute(update(feed_readers).where(mine).values(goes_on))
    kept = feed_keys_kept
    query = select(kept).where(kept.c.feed == feed, kept.c.epoch > found.suspended_epoch)
    for each in tx.conn.execute(query.order_by(kept.c.incarnation, kept.c.epoch)).all():
        key = secrets.unseal(tx.parts.identity, _use(feed, each.epoch), each.key)
        _send_key(
            tx, each.incarnation, feed, each.epoch, each.first_seq, key, found.reader,
            found.grant_hash,
        )  # fmt: skip


def _shut_out(tx: Tx, row: OutFeed, reader: str) -> None:
    """The next epoch, without `reader`, unless another grant of its lives on this feed."""
    stay = active_readers(tx, row.feed)
    if reader not in {each.reader for each in stay}:
        epoch, first = row.epoch + 1, row.seq + 1
        key = tx.parts.rand(tx.suite.key_bytes)
        _keep_key(tx, row.feed, epoch, first, key)
        _tell_key(tx, row.incarnation, row.feed, epoch, first, key, stay)


def fresh_key(tx: Tx, feed: str) -> None:
    """The next epoch with a key of its own, told to all who read now and may be sealed to."""
    row = feed_row(tx, feed)
    epoch, first, key = row.epoch + 1, row.seq + 1, tx.parts.rand(tx.suite.key_bytes)
    _keep_key(tx, feed, epoch, first, key)
    _tell_key(tx, row.incarnation, feed, epoch, first, key, active_readers(tx, feed))


def _tell_key(
    tx: Tx,
    incarnation: int,
    feed: str,
    epoch: int,
    first: int,
    key: bytes,
    readers: Sequence[Row[Any]],
) -> None:
    """To each reader once, however many grants it has."""
    for each in {reader.reader: reader for reader in readers}.values():
        with suppress(TrustError):  # it asks when it meets the epoch; the rest cannot wait
            _send_key(tx, incarnation, feed, epoch, first, key, each.reader, each.grant_hash)


def give_key(tx: Tx, feed: str, reader: str, epoch: int) -> None:
    """Send a reader again what it has lost or never got: the keys from `epoch` on, a few at once,
    none older than its grant. It asks again for what is beyond them."""
    row = feed_row(tx, feed)
    for each in active_readers(tx, feed):
        if each.reader == reader:
            for kept in _keys_from(tx, row, max(epoch, 1), each.first_seq):
                key = secrets.unseal(tx.parts.identity, _use(feed, kept.epoch), kept.key)
                first = max(kept.first_seq, each.first_seq)
                _send_key(
                    tx, row.incarnation, feed, kept.epoch, first, key, reader, each.grant_hash
                )
            return


def _keys_from(tx: Tx, row: OutFeed, epoch: int, first_seq: int) -> Sequence[Row[int, int, bytes]]:
    """Kept keys of epochs from `epoch` on that begin with `first_seq` or later; if there is none,
    the present one, whatever it begins with."""
    kept = feed_keys_kept
    query = (
        select(kept.c.epoch, kept.c.first_seq, kept.c.key)
        .where(kept.c.feed == row.feed, kept.c.incarnation == row.incarnation)
        .where(kept.c.epoch >= epoch, kept.c.first_seq >= first_seq)
    )
    found = tx.conn.execute(query.order_by(kept.c.epoch).limit(KEYS_AN_ASK)).all()
    if found:
        return found
    return tx.conn.execute(
        select(
            feeds_out.c.epoch, feeds_out.c.epoch_first.label("first_seq"), feeds_out.c.key
        ).where(feeds_out.c.feed == row.feed)
    ).all()


def may_read(tx: Tx, feed: str, asker: str, last: int) -> bool:
    """Whether `asker` may have items of `feed` up to `last`: open feeds are every member's."""
    row = feed_row(tx, feed)
    if not row.sealed:
        return True
    query = select(func.count()).where(
        feed_readers.c.feed == feed,
        feed_readers.c.reader == asker,
        (feed_readers.c.fence.is_(None)) | (feed_readers.c.fence >= last),
    )
    return bool(tx.conn.execute(query).scalar())


def _seal(tx: Tx, feed: str, epoch: int, key: bytes) -> bytes:
    return secrets.seal(tx.parts.identity, tx.parts.rand, _use(feed, epoch), key)


def _use(feed: str, epoch: int) -> str:
    return f"out {feed} {epoch}"


def _unseal(tx: Tx, row: OutFeed) -> bytes:
    return key_of(tx.parts, row)


def key_of(parts: Parts, row: OutFeed) -> bytes:
    """The key of the present epoch, as this party holds it."""
    return secrets.unseal(parts.identity, _use(row.feed, row.epoch), row.key)


def key_at(parts: Parts, feed: str, epoch: int, sealed: bytes) -> bytes:
    """A key that was kept."""
    return secrets.unseal(parts.identity, _use(feed, epoch), sealed)


def _keep_key(tx: Tx, feed: str, epoch: int, first: int, key: bytes) -> None:
    values = {
        "epoch": epoch,
        "epoch_first": first,
        "key": _seal(tx, feed, epoch, key),
    }
    tx.conn.execute(update(feeds_out).where(feeds_out.c.feed == feed).values(values))
    _remember(tx, feed, feed_row(tx, feed).incarnation, epoch, first, values["key"])


def _remember(tx: Tx, feed: str, incarnation: int, epoch: int, first: int, sealed: object) -> None:
    """Every key, at rest: for readers that were suspended meanwhile, and for disputes about items
    that are still here."""
    kept = {"feed": feed, "incarnation": incarnation, "first_seq": first}
    insert_new(tx.conn, feed_keys_kept, [{**kept, "epoch": epoch, "key": sealed}])


def _send_key(
    tx: Tx,
    incarnation: int,
    feed: str,
    epoch: int,
    first: int,
    key: bytes,
    reader: str,
    grant_hash: bytes,
) -> None:
    body = feeds.FeedKey(
        grant_hash=grant_hash,
        feed=feed,
        incarnation=incarnation,
        epoch=epoch,
        first_seq=first,
        key=key,
    )
    send(tx, reader, body)
