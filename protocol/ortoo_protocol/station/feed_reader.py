"""Reading feeds: the contiguous watermark, parked items, snapshots, keys, heads.

Accept only: an item is verified, stored, journalled and counted; what its rows do to a department's
table is the apply worker's affair (apply.py) and never holds this up. Open items (catalog, trust)
have no sink: their handler runs here, in the same transaction.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, select, update

from ortoo_protocol.core import feeds
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.envelope import Position, envelope_hash, split
from ortoo_protocol.core.errors import (
    FeedFork,
    FeedKeyMismatch,
    FeedOwner,
    FeedRetention,
    GrantUnknown,
    OrtooError,
    StoreError,
)
from ortoo_protocol.core.feeds import FeedKey, Head, SnapshotPart, Verdict, Watermark
from ortoo_protocol.core.ids import Plane, feed_owner
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.core.keys import Suites
from ortoo_protocol.core.law.instants import check_times
from ortoo_protocol.core.messages import Class, kind_named
from ortoo_protocol.core.verify import Message, Opened, open_content, read_header
from ortoo_protocol.station import quarantine, secrets, trusting
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import insert_new, upsert
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import (
    feed_in_items,
    feed_in_keys,
    feed_in_parked,
    feed_in_snapshots,
    feed_rereads,
    feed_schemas,
    feeds_in,
)

MAX_PARKED = 2_000
MAX_SNAPSHOTS = 2
HISTORY, SNAPSHOT = "history", "snapshot"
JOINING, READING, SUSPENDED = "joining", "reading", "suspended"
DISPUTED, ENDED = "disputed", "ended"


def join(tx: Tx, feed: str, start: str) -> None:
    """Begin to read `feed`: from item 1 (history) or from a snapshot. Nothing if already reading;
    an ended subscription begins anew."""
    row = feed_row(tx, feed)
    if row is not None and row.state != ENDED:
        return
    values = {
        "feed": feed,
        "start": start,
        "state": READING if start == HISTORY else JOINING,
        "error": "",
        "incarnation": 1,
        "seq": 0,
        "hash": feeds.genesis(tx.suite, tx.plane, feed, 1),
        "head_seq": 0,
        "head_ms": 0,
        "fence": None,
    }
    upsert(tx.conn, feeds_in, [values])
    if start == HISTORY:  # from item 1 again
        tx.conn.execute(delete(feed_in_items).where(feed_in_items.c.feed == feed))
    tx.after_commit(tx.parts.signals.gaps.set)


def resync(tx: Tx, feed: str, error: str) -> None:
    """Ask for a new snapshot; what is held stays until it comes. A feed that is disputed or ended
    stays so, whatever its publisher says or sends."""
    here = (feeds_in.c.feed == feed) & feeds_in.c.state.in_((JOINING, READING))
    tx.conn.execute(update(feeds_in).where(here).values(state=JOINING, error=error))
    tx.after_commit(tx.parts.signals.gaps.set)


def suspend(tx: Tx, feed: str, error: str) -> None:
    """Ask for nothing; what comes is taken, and waits for the keys of the day it goes on."""
    here = (feeds_in.c.feed == feed) & feeds_in.c.state.in_((JOINING, READING))
    tx.conn.execute(update(feeds_in).where(here).values(state=SUSPENDED, error=error))


def go_on(tx: Tx, feed: str) -> None:
    """After `suspend`: from where it stood; one that had nothing yet begins."""
    row = feed_row(tx, feed)
    if row is None or row.state != SUSPENDED:
        return
    begins = row.start == SNAPSHOT and row.seq == 0
    _set(tx, feed, state=JOINING if begins else READING, error="")
    tx.after_commit(tx.parts.signals.gaps.set)


def end(tx: Tx, feed: str, fence: int, error: str) -> None:
    """Stop after item `fence`; items up to it may still arrive and are applied."""
    _set(tx, feed, state=ENDED, error=error, fence=fence)
    row = feed_row(tx, feed)
    if row is not None:  # what came beyond it, before this was known, never opens
        beyond = (feed_in_items.c.incarnation == row.incarnation) & (feed_in_items.c.seq > fence)
        here = (feed_in_items.c.feed == feed) & beyond & feed_in_items.c.raw.is_not(None)
        tx.conn.execute(update(feed_in_items).where(here).values(raw=None))


class FeedIn(NamedTuple):
    """A row of feeds_in."""

    feed: str
    start: str
    state: str
    error: str
    incarnation: int
    seq: int
    hash: bytes
    head_seq: int
    head_ms: int
    fence: int | None


# What is done with every item.
_ROW = Prepared(
    select(*(feeds_in.c[name] for name in FeedIn._fields)).where(
        feeds_in.c.feed == bindparam("of")
    ),
    ("of",),
)
_MARK = Prepared(
    update(feeds_in)
    .where(feeds_in.c.feed == bindparam("of"))
    .values(
        incarnation=bindparam("incarnation"),
        seq=bindparam("seq"),
        hash=bindparam("hash"),
        error=bindparam("error"),
    ),
    ("incarnation", "seq", "hash", "error", "of"),
)
_KEEP = Prepared(feed_in_items.insert(), ("feed", "incarnation", "seq", "hash", "raw"))
_PARKED = Prepared(
    select(feed_in_parked.c.raw).where(
        feed_in_parked.c.feed == bindparam("of"),
        feed_in_parked.c.incarnation == bindparam("incarnation"),
        feed_in_parked.c.seq == bindparam("seq"),
    ),
    ("of", "incarnation", "seq"),
)


def feed_row(tx: Tx, feed: str) -> FeedIn | None:
    for row in _ROW.rows(tx.conn, feed):
        return FeedIn(*row)
    return None


def _set(tx: Tx, feed: str, **values: object) -> None:
    tx.conn.execute(update(feeds_in).where(feeds_in.c.feed == feed).values(values))


# --- items --------------------------------------------------------------------------------------


def accept_item(tx: Tx, message: Message) -> None:
    """Take one item with a verified signature. Never raises for what the publisher did: a broken
    chain disputes this feed and leaves all others alone. What our own clock or directory keeps
    from being handled raises, and the item waits (inbox)."""
    feed, position = message.header.destination, message.header.position
    row = feed_row(tx, feed)
    if row is None or position is None:
        return  # its queue outlived the subscription
    if row.state == DISPUTED or (row.fence is not None and position.seq > row.fence):
        return
    if row.state == JOINING or _beyond_fence(tx, row, message, position):
        _park(tx, message, position)
        return
    mark = Watermark(row.incarnation, row.seq, row.hash)
    try:
        verdict = feeds.judge(mark, position, feed)
        if verdict is Verdict.DUPLICATE:
            _check_held(tx, feed, position.incarnation, position.seq, message.hash)
            _keep_again(tx, message, position)
    except OrtooError as error:
        _dispute(tx, feed, message, error)
        return
    if verdict is Verdict.NEXT:
        _take_run(tx, message, position)
    elif verdict is Verdict.GAP:
        _park(tx, message, position)
    elif verdict is Verdict.NEW_INCARNATION:
        _park(tx, message, position)
        _begin_incarnation(tx, row, position.incarnation)


def _beyond_fence(tx: Tx, row: FeedIn, message: Message, position: Position) -> bool:
    """Under a key that is retired or compromised items are taken up to the newest head alone, which
    the publisher signed with a key that was good: what its thief adds behind that waits until the
    publisher owns it."""
    known = position.incarnation == row.incarnation and position.seq <= row.head_seq
    return not known and trusting.key_is_over(tx, message)


def _take_run(tx: Tx, message: Message, position: Position) -> None:
    """Take the next item and every parked one that now follows, then move the watermark once."""
    feed = message.header.destination
    mark = _take(tx, message, position)
    while (parked := _unpark(tx, feed, mark)) is not None:
        following = parked.header.position
        if following is None:
            break
        row = feed_row(tx, feed)
        if row is not None and _beyond_fence(tx, row, parked, following):
            _park(tx, parked, following)
            break
        try:
            feeds.judge(mark, following, feed)
        except OrtooError as error:
            _mark(tx, feed, mark)
            _dispute(tx, feed, parked, error)
            return
        mark = _take(tx, parked, following)
    _mark(tx, feed, mark)


def _mark(tx: Tx, feed: str, mark: Watermark) -> None:
    _MARK.one(tx.conn, mark.incarnation, mark.seq, mark.hash, "", feed)


def _take(tx: Tx, message: Message, position: Position) -> Watermark:
    feed = message.header.destination
    sealed = message.kind.cls is Class.SEALED
    state, error = State.ACCEPTED, ""
    if not sealed:
        try:
            _handle_open(tx, message)
        except StoreError:
            raise
        except OrtooError as failure:
            if trusting.not_now(tx, failure):
                raise
            state, error = State.REFUSED, failure.code
            quarantine.keep(tx, message.envelope.raw, failure, message.header.sender)
    raw = message.envelope.raw if sealed else None
    _KEEP.one(tx.conn, feed, position.incarnation, position.seq, message.hash, raw)
    tx.journal(message, Direction.RECEIVED, state, flow=feed, error=error)
    if sealed:
        tx.after_commit(tx.parts.signals.apply.set)
    return Watermark(position.incarnation, position.seq, message.hash)


def _handle_open(tx: Tx, message: Message) -> None:
    """Run the kind's handler in a savepoint: one refused entry does not stop the feed."""
    handler = tx.parts.hooks.handlers.get(message.kind.name)
    if handler is None:
        return
    with tx.attempt():
        handler(tx, open_content(message, lambda _header: None))


def _keep_again(tx: Tx, message: Message, position: Position) -> None:
    """An item that is known here came again, the very same: keep it if it was asked for
    (rereading.py)."""
    rereads, items = feed_rereads, feed_in_items
    asked = select(rereads.c.feed).where(
        rereads.c.feed == message.header.destination,
        rereads.c.incarnation == position.incarnation,
        rereads.c.first <= position.seq,
        rereads.c.last >= position.seq,
    )
    if tx.conn.execute(asked).first() is None:
        return
    here = (
        (items.c.feed == message.header.destination)
        & (items.c.incarnation == position.incarnation)
        & (items.c.seq == position.seq)
    )
    tx.conn.execute(update(items).where(here).values(raw=message.envelope.raw))
    tx.after_commit(tx.parts.signals.gaps.set)


def _check_held(tx: Tx, feed: str, incarnation: int, seq: int, came: bytes) -> None:
    """What the publisher signs of item `seq`, in whatever message, must be what is held of it."""
    query = select(feed_in_items.c.hash).where(
        feed_in_items.c.feed == feed,
        feed_in_items.c.incarnation == incarnation,
        feed_in_items.c.seq == seq,
    )
    held = tx.conn.execute(query).scalar()
    if held is not None:
        feeds.check_same(held, came, seq, feed)


def _dispute(tx: Tx, feed: str, message: Message, error: OrtooError) -> None:
    """Keep the evidence, stop this feed, say why. A person and the region decide."""
    quarantine.keep(tx, message.envelope.raw, error, message.header.sender)
    tx.journal(message, Direction.RECEIVED, State.REFUSED, flow=feed, error=error.code)
    _set(tx, feed, state=DISPUTED, error=error.code)


def _begin_incarnation(tx: Tx, row: FeedIn, incarnation: int) -> None:
    if row.start == SNAPSHOT and not _carries_events(tx, row.feed):
        resync(tx, row.feed, "feed.incarnation")
        return
    start = feeds.genesis(tx.suite, tx.plane, row.feed, incarnation)
    _set(tx, row.feed, incarnation=incarnation, seq=0, hash=start)
    _drain(tx, row.feed)
    tx.after_commit(tx.parts.signals.gaps.set)


def _carries_events(tx: Tx, feed: str) -> bool:
    """As far as the sink has come. Events are read from the first item of a new incarnation: a
    snapshot has none, and would skip what was published before it."""
    query = select(feed_schemas.c.raw).where(feed_schemas.c.feed == feed)
    raw = tx.conn.execute(query.order_by(feed_schemas.c.number.desc()).limit(1)).scalar()
    return raw is not None and feeds.is_events(decode(raw, feeds.TableSchema))


# --- parked -------------------------------------------------------------------------------------


def _park(tx: Tx, message: Message, position: Position) -> None:
    """Keep an item that came too early. Beyond the bound it is dropped: the publisher has it."""
    feed = message.header.destination
    count = select(func.count()).where(feed_in_parked.c.feed == feed)
    if (tx.conn.execute(count).scalar() or 0) < MAX_PARKED:
        row = {
            "feed": feed,
            "incarnation": position.incarnation,
            "seq": position.seq,
            "raw": message.envelope.raw,
        }
        insert_new(tx.conn, feed_in_parked, [row])
    tx.after_commit(tx.parts.signals.gaps.set)


def _unpark(tx: Tx, feed: str, mark: Watermark) -> Message | None:
    """The parked item after `mark`, taken out; it was verified when it was parked."""
    found = _PARKED.rows(tx.conn, feed, mark.incarnation, mark.seq + 1)
    if not found:
        return None
    here = (
        (feed_in_parked.c.feed == feed)
        & (feed_in_parked.c.incarnation == mark.incarnation)
        & (feed_in_parked.c.seq == mark.seq + 1)
    )
    tx.conn.execute(delete(feed_in_parked).where(here))
    return stored_message(tx, found[0][0])


def stored_message(tx: Tx, raw: bytes) -> Message:
    return read_stored(raw, tx.parts.suites, tx.plane)


def read_stored(raw: bytes, suites: Suites, plane: Plane) -> Message:
    """An envelope from our own store: verified before it was written there."""
    envelope = split(raw, suites=suites, plane=plane)
    header = read_header(envelope)
    return Message(envelope, header, kind_named(header.kind), envelope_hash(envelope))


def _drain(tx: Tx, feed: str) -> None:
    """Drop parked items at or below the watermark and take those that follow it."""
    row = feed_row(tx, feed)
    if row is None:
        return
    old = (feed_in_parked.c.incarnation < row.incarnation) | (
        (feed_in_parked.c.incarnation == row.incarnation) & (feed_in_parked.c.seq <= row.seq)
    )
    tx.conn.execute(delete(feed_in_parked).where(feed_in_parked.c.feed == feed, old))
    mark = Watermark(row.incarnation, row.seq, row.hash)
    parked = _unpark(tx, feed, mark)
    if parked is not None:
        accept_item(tx, parked)


# --- heads, snapshots, keys ---------------------------------------------------------------------


def accept_head(tx: Tx, message: Message, head: Head) -> None:
    """How far the publisher says it is. The same number with another hash is a fork."""
    if feed_owner(head.feed) != message.header.sender:
        raise FeedOwner(sender=message.header.sender, feed=head.feed)
    row = feed_row(tx, head.feed)
    if row is None or row.state in (DISPUTED, ENDED):
        return
    if head.incarnation > row.incarnation and row.state == READING:
        asked = message.header.destination != head.feed
        if asked and row.start == SNAPSHOT and _carries_events(tx, head.feed):
            return  # it overtook items of the incarnation before; one in the feed's queue did not
        _begin_incarnation(tx, row, head.incarnation)
        return
    check_times(head)
    if head.incarnation != row.incarnation or head.time_ms < row.head_ms:
        return
    try:
        if row.state == READING and head.seq == row.seq:
            feeds.check_same(row.hash, head.hash, head.seq, head.feed)
        _check_held(tx, head.feed, head.incarnation, head.seq, head.hash)
    except FeedFork as error:
        _dispute(tx, head.feed, message, error)
        return
    _set(tx, head.feed, head_seq=head.seq, head_ms=head.time_ms)
    if head.seq > row.seq:
        if row.state == READING:
            _drain(tx, head.feed)  # what waited for this head
        tx.after_commit(tx.parts.signals.gaps.set)


def accept_snapshot(tx: Tx, opened: Opened[SnapshotPart]) -> None:
    """Store one part; when all are there, the watermark is the snapshot's and the tail goes on."""
    part, message = opened.body, opened.message
    if feed_owner(part.feed) != message.header.sender:
        raise FeedOwner(sender=message.header.sender, feed=part.feed)
    row = feed_row(tx, part.feed)
    if row is None or row.state != JOINING or not 0 <= part.part < part.parts:
        return
    if part.incarnation < row.incarnation or (
        part.incarnation == row.incarnation and part.seq < row.seq
    ):
        return  # older than what is held: a newer one is asked for
    try:
        _check_held(tx, part.feed, part.incarnation, part.seq, part.hash)
    except FeedFork as error:
        _dispute(tx, part.feed, message, error)
        return
    values = {
        "feed": part.feed,
        "snapshot": part.snapshot,
        "part": part.part,
        "parts": part.parts,
        "incarnation": part.incarnation,
        "seq": part.seq,
        "hash": part.hash,
        "raw": message.envelope.raw,
    }
    upsert(tx.conn, feed_in_snapshots, [values])
    _forget_broken_off(tx, part.feed)
    held = select(func.count()).where(
        feed_in_snapshots.c.feed == part.feed,
        feed_in_snapshots.c.snapshot == part.snapshot,
        feed_in_snapshots.c.seq == part.seq,
        feed_in_snapshots.c.parts == part.parts,
    )
    if tx.conn.execute(held).scalar() == part.parts:
        _begin_tail(tx, message, part)


def _forget_broken_off(tx: Tx, feed: str) -> None:
    """Snapshots that never came whole: of each ask one answer may be under way, and one before."""
    here = feed_in_snapshots.c.feed == feed
    newest = select(feed_in_snapshots.c.snapshot).where(here).distinct()
    newest = newest.order_by(feed_in_snapshots.c.snapshot.desc()).limit(MAX_SNAPSHOTS)
    kept = tx.conn.execute(newest).scalars().all()
    gone = feed_in_snapshots.c.snapshot.not_in(kept)
    tx.conn.execute(delete(feed_in_snapshots).where(here, gone))


def _begin_tail(tx: Tx, message: Message, part: SnapshotPart) -> None:
    others = (feed_in_snapshots.c.feed == part.feed) & (
        feed_in_snapshots.c.snapshot != part.snapshot
    )
    tx.conn.execute(delete(feed_in_snapshots).where(others))
    row = feed_row(tx, part.feed)
    if row is not None and _is_read_on(row, part):
        _set(tx, part.feed, state=READING, error="")
        tx.after_commit(tx.parts.signals.gaps.set)
    else:
        _set(
            tx,
            part.feed,
            state=READING,
            error="",
            incarnation=part.incarnation,
            seq=part.seq,
            hash=part.hash,
        )
    tx.journal(message, Direction.RECEIVED, State.ACCEPTED, flow=part.feed)
    tx.after_commit(tx.parts.signals.apply.set)
    _drain(tx, part.feed)


def _is_read_on(row: FeedIn, part: SnapshotPart) -> bool:
    """A snapshot of events says where one begins who joins. Who reads already has all that come
    between, unless their publisher has them no longer."""
    same = row.incarnation == part.incarnation and row.seq > 0
    return feeds.is_events(part.schema) and same and row.error != FeedRetention.code


def accept_key(tx: Tx, opened: Opened[FeedKey], granted: bool) -> None:
    """Keep a feed key. Only the feed's owner gives it, and only under a grant that is held here
    (`granted`); another key for an epoch already known is evidence, not a replacement."""
    body, sender = opened.body, opened.message.header.sender
    if feed_owner(body.feed) != sender:
        raise FeedOwner(sender=sender, feed=body.feed)
    if not granted:
        raise GrantUnknown(grant=body.grant_hash.hex())
    if len(body.key) != tx.suite.key_bytes:
        raise FeedKeyMismatch(epoch=body.epoch, feed=body.feed)
    known = held_key(tx, body.feed, body.incarnation, body.epoch)
    if known is not None and known != body.key:
        raise FeedKeyMismatch(epoch=body.epoch, feed=body.feed)
    keep_key(tx, body)
    tx.after_commit(tx.parts.signals.apply.set)


def keep_key(tx: Tx, body: FeedKey) -> None:
    use = key_use(body.feed, body.incarnation, body.epoch)
    values = {
        "feed": body.feed,
        "incarnation": body.incarnation,
        "epoch": body.epoch,
        "first_seq": body.first_seq,
        "grant_hash": body.grant_hash,
        "key": secrets.seal(tx.parts.identity, tx.parts.rand, use, body.key),
    }
    insert_new(tx.conn, feed_in_keys, [values])


def key_use(feed: str, incarnation: int, epoch: int) -> str:
    return f"in {feed} {incarnation} {epoch}"


def held_key(tx: Tx, feed: str, incarnation: int, epoch: int) -> bytes | None:
    query = select(feed_in_keys.c.key).where(
        feed_in_keys.c.feed == feed,
        feed_in_keys.c.incarnation == incarnation,
        feed_in_keys.c.epoch == epoch,
    )
    sealed = tx.conn.execute(query).scalar()
    if sealed is None:
        return None
    return secrets.unseal(tx.parts.identity, key_use(feed, incarnation, epoch), sealed)


def note(tx: Tx, feed: str, error: str) -> None:
    """Show `error` on the subscription; reading goes on."""
    _set(tx, feed, error=error)
