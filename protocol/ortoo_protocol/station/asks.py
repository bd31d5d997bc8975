"""Answering readers: items again, heads, keys, snapshots. Made again on request, never kept."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from sqlalchemy import select

from ortoo_protocol.core import messages
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import (
    CodecShape,
    FeedError,
    FeedRetention,
    FeedUnknown,
    GrantEnded,
    GrantError,
)
from ortoo_protocol.core.feeds import (
    FeedKey,
    FeedRefusal,
    HeadAsk,
    ItemsAsk,
    KeyAsk,
    SnapshotAsk,
    SnapshotPart,
)
from ortoo_protocol.core.ids import feed_owner, is_code
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import feed_reader, feed_writer, grants_held, rereading
from ortoo_protocol.station.context import LOCAL, Handler, Post, Tx
from ortoo_protocol.station.sending import post, send
from ortoo_protocol.station.store.tables import feed_out_items
from ortoo_protocol.station.use import suspensions

MAX_ITEMS_AN_ASK = 500
MAX_BYTES_AN_ASK = 16 << 20
KEY_ASK_BYTES = 64 << 10  # it is answered by a durable letter


def items_ask(tx: Tx, opened: Opened[Shape]) -> None:
    """Send items again, unmodified, to the asker alone; an ask is bounded, the rest is asked for
    in the next one."""
    ask, asker = as_body(opened, ItemsAsk).body, opened.header.sender
    try:
        check_reader(tx, ask.feed, asker, ask.first)
        check_quota(tx, ask.feed, asker)
        _send_items(tx, ask, asker)
    except (FeedError, GrantError) as error:
        refuse(tx, asker, ask.feed, error)


def _send_items(tx: Tx, ask: ItemsAsk, asker: str) -> None:
    last = min(ask.last, ask.first + MAX_ITEMS_AN_ASK - 1)
    query = (
        select(feed_out_items.c.seq, feed_out_items.c.raw)
        .where(
            feed_out_items.c.feed == ask.feed,
            feed_out_items.c.incarnation == ask.incarnation,
            feed_out_items.c.seq >= ask.first,
            feed_out_items.c.seq <= last,
        )
        .order_by(feed_out_items.c.seq)
    )
    exchange, key = _way_back(tx, asker)
    sent_bytes = 0
    for row in tx.conn.execute(query):
        if row.raw is None:
            raise FeedRetention(seq=row.seq, feed=ask.feed)
        sent_bytes += len(row.raw)
        if sent_bytes > MAX_BYTES_AN_ASK or not feed_writer.may_read(tx, ask.feed, asker, row.seq):
            return
        tx.parts.quota.spend(asker, len(row.raw), tx.now_ms)
        post(tx, Post(exchange, key, row.raw))


def _way_back(tx: Tx, asker: str) -> tuple[str, str]:
    if asker == tx.party:
        return LOCAL, asker
    if asker == tx.trust.hub:
        return "hub", f"{tx.party}.{messages.AGAIN}"
    return "bulk", f"{tx.party}.{asker}.{messages.AGAIN}"


def head_ask(tx: Tx, opened: Opened[Shape]) -> None:
    ask, asker = as_body(opened, HeadAsk).body, opened.header.sender
    try:
        check_reader(tx, ask.feed, asker, 0)
        kind = messages.kind_named("feed.head-answer")
        head = feed_writer.head(tx, ask.feed)
        send(tx, asker, head, kind=kind, causation=opened.header.id)
    except (FeedError, GrantError) as error:
        refuse(tx, asker, ask.feed, error)


def key_ask(tx: Tx, opened: Opened[Shape]) -> None:
    ask, asker = as_body(opened, KeyAsk).body, opened.header.sender
    try:
        check_reader(tx, ask.feed, asker, None)
        check_quota(tx, ask.feed, asker)
        feed_writer.give_key(tx, ask.feed, asker, ask.epoch)
        tx.parts.quota.spend(asker, KEY_ASK_BYTES, tx.now_ms)
    except (FeedError, GrantError) as error:
        refuse(tx, asker, ask.feed, error)


def snapshot_ask(tx: Tx, opened: Opened[Shape]) -> None:
    """What may be sent is sent beside the writer (snapshots.py)."""
    ask, asker = as_body(opened, SnapshotAsk).body, opened.header.sender
    try:
        check_reader(tx, ask.feed, asker, None)
        check_quota(tx, ask.feed, asker)
        tx.after_commit(partial(tx.parts.snapshots.put, ask.feed, asker))
    except (FeedError, GrantError) as error:
        refuse(tx, asker, ask.feed, error)


def check_reader(tx: Tx, feed: str, asker: str, last: int | None) -> None:
    """`last` None: only a grant that lives now will do; else one that reaches that item."""
    if feed_owner(feed) != tx.party:
        raise FeedUnknown(feed=feed)
    present = feed_writer.feed_row(tx, feed).seq + 1
    if not feed_writer.may_read(tx, feed, asker, present if last is None else last):
        for grant in grants_held.live_on(tx, feed):
            if grant.reader == asker:
                suspensions.check(tx.conn, grant.grant)
        raise GrantEnded(grant="-", reason="no grant reaches this item")


def check_quota(tx: Tx, feed: str, asker: str) -> None:
    if asker != tx.party:
        tx.parts.quota.check(asker, feed, tx.now_ms)


def refuse(tx: Tx, asker: str, feed: str, error: FeedError | GrantError) -> None:
    send(tx, asker, FeedRefusal(feed=feed, error=error.code, detail=str(error)[:500]))


# --- the reader's side --------------------------------------------------------------------------


def snapshot(tx: Tx, opened: Opened[Shape]) -> None:
    feed_reader.accept_snapshot(tx, as_body(opened, SnapshotPart))


def key(tx: Tx, opened: Opened[Shape]) -> None:
    letter = as_body(opened, FeedKey)
    granted = grants_held.allows(tx, letter.body.grant_hash, letter.body.feed)
    feed_reader.accept_key(tx, letter, granted)


def refusal(tx: Tx, opened: Opened[Shape]) -> None:
    """The publisher cannot answer: out of retention asks for a snapshot, the rest is shown."""
    body = as_body(opened, FeedRefusal).body
    if feed_owner(body.feed) != opened.header.sender:
        return
    if not is_code(body.error):  # people see it as it stands
        raise CodecShape(expected="FeedRefusal", detail="its error is no code")
    lasting = body.error in (FeedRetention.code, GrantEnded.code)
    if lasting and rereading.fail(tx, body.feed, body.error, body.detail):
        return
    if body.error == FeedRetention.code:
        feed_reader.resync(tx, body.feed, body.error)
    else:
        feed_reader.note(tx, body.feed, body.error)


HANDLERS: Mapping[str, Handler] = {
    "feed.items-ask": items_ask,
    "feed.head-ask": head_ask,
    "feed.key-ask": key_ask,
    "feed.snapshot-ask": snapshot_ask,
    "feed.snapshot": snapshot,
    "feed.key": key,
    "feed.refusal": refusal,
}
