"""Attacks that need a station's memory: what it has seen, holds, owes and publishes.

The test is the network, the broker, the hub or another member, whichever is hostile. Each attack
is refused, and succeeds once the named checks are gone (tests/support/mutation.py).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from ortoo_protocol.core import envelope, feeds, verify
from ortoo_protocol.core.codec import MAX_COUNT
from ortoo_protocol.core.envelope import split
from ortoo_protocol.core.errors import (
    EnvelopeRecipient,
    FeedEpoch,
)
from ortoo_protocol.core.feeds import FeedKey, Head, SnapshotAsk
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import domain
from ortoo_protocol.core.law.instants import END_OF_TIME_MS
from ortoo_protocol.core.notices import Announce, ReceiptEntry, Receipts
from ortoo_protocol.station import (
    asks,
    feed_reader,
    feed_writer,
    inbox,
    recovery,
    sending,
    trusting,
)
from ortoo_protocol.station.context import Hooks, SettledLetter, Tx
from ortoo_protocol.station.opening import Opening
from ortoo_protocol.station.store.dialect import upsert
from ortoo_protocol.station.store.tables import (
    feed_readers,
    feeds_in,
    outbox,
)
from ortoo_protocol.station.store.tables import inbox as inbox_table
from tests.support.desk import Refused
from tests.support.hostile import (
    FEED,
    A,
    B,
    C,
    NewDesk,
    desk,
    forge_item,
    hash_of,
    open_item,
    reached,
    read_by,
    snapshot,
    with_keys,
)
from tests.support.letters import make_letter, refusal
from tests.support.mutation import removed, replaced, stands_by, together
from tests.support.stations import Kit
from tests.support.trust import HUB, Region

__all__ = ["desk"]

GAP = removed(feeds.judge, "Verdict.GAP")
CHAIN = removed(feeds.judge, "FeedChain")
FORK = removed(feeds.check_same, "FeedFork")


# --- letters --------------------------------------------------------------------------------------


@pytest.mark.parametrize("restarted", [False, True])
def test_replay(desk: NewDesk, restarted: bool) -> None:
    def attack() -> None:
        done: list[bytes] = []
        hooks = Hooks(handlers={"catalog.refused": lambda _tx, got: done.append(got.header.id)})
        reader = desk(B, hooks)
        raw = make_letter(reader.kit, HUB, B, refusal())
        reader.take(raw)
        if restarted:
            reader.restart()
        reader.take(raw)
        if len(done) < 2:
            raise Refused("inbox.known")

    remember, known = inbox._remember, inbox._known

    def only_once(tx: Tx, message: Any, status: str, error: str) -> None:
        """The table would take a second row."""
        if known(tx, message) is None:
            remember(tx, message, status, error)

    stands_by(
        attack,
        Refused,
        replaced(inbox, "_known", lambda _tx, _message: None),
        replaced(inbox, "_remember", only_once),
    )


def test_id_reuse(desk: NewDesk) -> None:
    """The hub has other bytes receipted under an id that was accepted once."""

    def attack() -> None:
        reader = desk(B, Hooks(handlers={"catalog.refused": lambda _tx, _opened: None}))
        same = b"\x01\x8f" + bytes(4) + b"\x70\x00\x80" + bytes(7)
        reader.take(*(make_letter(reader.kit, HUB, B, refusal(n), id=same) for n in (1, 2)))

    known = inbox._known

    def by_id_alone(tx: Tx, message: Any) -> Any:
        found = known(tx, message)
        return found and SimpleNamespace(**{**found._asdict(), "hash": message.hash})

    stands_by(attack, "envelope.id-reuse", replaced(inbox, "_known", by_id_alone))


def test_receipt_from_a_third_party(desk: NewDesk) -> None:
    def attack() -> None:
        sender = desk(A)
        letter = sender.do(lambda tx: sending.send(tx, HUB, Announce(document=b"document")))
        (row,) = sender.rows(outbox)
        entry = ReceiptEntry(letter, row.hash, "accepted", "", 1)
        forged = Receipts(entries=(entry,))
        sender.take(make_letter(sender.kit, C, A, forged, kind="receipt.direct"))
        (row,) = sender.rows(outbox)
        if row.state == "waiting":
            raise Refused("receipt.not-the-recipient")

    settle = sending.settle

    def from_anyone(tx: Tx, _sender: str, entry: ReceiptEntry) -> None:
        letter = tx.conn.execute(select(outbox).where(outbox.c.id == entry.id)).one()
        settle(tx, letter.recipient, entry)

    stands_by(attack, Refused, replaced(sending, "settle", from_anyone))


def test_receipt_of_an_instant_beyond_all_calendars(desk: NewDesk) -> None:
    """The hub notarises a letter in a year that no clock can run from."""

    def attack() -> None:
        told: list[SettledLetter] = []
        sender = desk(A, Hooks(settled=lambda _tx, letter: told.append(letter)))
        letter = sender.do(lambda tx: sending.send(tx, HUB, Announce(document=b"document")))
        (row,) = sender.rows(outbox)
        for time_ms in (END_OF_TIME_MS, MAX_COUNT):
            entry = ReceiptEntry(letter, row.hash, "notarised", "", time_ms)
            said = Receipts(entries=(entry,))
            sender.take(make_letter(sender.kit, HUB, A, said, kind="receipt.hub"))
        if not told:
            raise Refused("receipt.instant")

    stands_by(attack, Refused, replaced(sending, "END_OF_TIME_MS", MAX_COUNT + 1))


def test_foreign_destination(desk: NewDesk) -> None:
    """The hub brings C a letter for B."""

    def attack() -> None:
        reader = desk(C, Hooks(handlers={"catalog.refused": lambda _tx, _opened: None}))
        reader.take(make_letter(reader.kit, HUB, B, refusal()))
        (row,) = reader.rows(inbox_table)
        if row.status == "refused":
            raise Refused(row.error)

    check = removed(verify.check_addressee, "EnvelopeDestination")
    no_relay = replaced(inbox, "_relay", inbox._handle)
    stands_by(attack, "envelope.destination", check, no_relay)


def test_cross_plane_replay(desk: NewDesk, tmp_path: Path) -> None:
    """The intranet's hub has the very keys of the extranet's."""
    abroad = Kit(tmp_path / "intranet", Region(plane=Plane.INTRANET))

    check = verify.verify

    def attack() -> None:
        reader = desk(B, Hooks(handlers={"catalog.refused": lambda _tx, _opened: None}))
        reader.take(make_letter(abroad, HUB, B, refusal()))
        if not reader.rows(inbox_table):
            raise Refused("held")

    ours = Kit(tmp_path / "extranet")
    record = ours.region.trust().signing_key(ours.identity(HUB).signing_key_id)
    careless = SimpleNamespace(suites=(1,), signing_key=lambda _key_id: record)
    stands_by(
        attack,
        "envelope.plane",
        removed(split, "EnvelopePlane"),
        together(
            replaced(inbox, "verify", lambda raw, **k: check(raw, **{**k, "keys": careless})),
            replaced(envelope, "domain", lambda label, _, *p: domain(label, Plane.EXTRANET, *p)),
            replaced(trusting, "key_is_over", lambda *_: False),  # the record is theirs
        ),
    )


# --- feeds: what the network does -----------------------------------------------------------------


def test_the_nth_is_dropped(desk: NewDesk) -> None:
    def attack() -> None:
        publisher, (reader,) = read_by(desk, B)
        publisher.publish(FEED, ("002", "乙"), ("003", "丙"), ("004", "丁"))
        items = publisher.items(FEED)
        reader.take(items[3], items[5])
        (need,) = reader.do(lambda tx: recovery.read_needs(tx.conn)) or [None]
        assert need is None or (need.first, need.last) == (4, 4)
        reached(reader, 5)

    stands_by(attack, Refused, GAP, CHAIN)


def test_reordered(desk: NewDesk) -> None:
    """The later one is taken first: a row that was deleted would be there again."""

    def attack() -> None:
        publisher, (reader,) = read_by(desk, B)
        publisher.publish(FEED, ("002", "乙"), ("002", "改"))
        items = publisher.items(FEED)
        reader.take(items[4])
        first = reader.watermark(FEED)
        reader.take(items[3])
        reached(reader, 4)  # in whatever order they came, all are there
        if first != 4:
            raise Refused("feed.parked")

    stands_by(attack, Refused, GAP, CHAIN)


def test_the_tail_is_withheld(desk: NewDesk) -> None:
    """The head travels apart and says what there is."""

    def attack() -> None:
        publisher, (reader,) = read_by(desk, B)
        publisher.publish(FEED, ("002", "乙"))
        publisher.do(feed_writer.post_heads)
        reader.take(*publisher.posts(FEED))
        if reader.do(lambda tx: recovery.read_needs(tx.conn)):
            raise Refused("feed.asked-for")

    stands_by(attack, Refused, replaced(feed_reader, "accept_head", lambda *_: None))


# --- feeds: what the publisher does ---------------------------------------------------------------


def test_the_publisher_skips_a_number(desk: NewDesk) -> None:
    def attack() -> None:
        publisher, (reader,) = read_by(desk, B)
        reader.take(forge_item(publisher, 4, hash_of(publisher, 2), "skipped"))
        reached(reader, 4)

    stands_by(attack, Refused, GAP)


def test_the_publisher_equivocates_through_recovery(desk: NewDesk) -> None:
    """Item 3 on the feed, and another item 3 to the one who asks for it again."""

    def attack() -> None:
        publisher, (reader,) = read_by(desk, B)
        publisher.publish(FEED, ("002", "乙"))
        other = forge_item(publisher, 3, hash_of(publisher, 2), "other")
        reader.take(publisher.items(FEED)[3])
        reader.take(other)

    stands_by(attack, "feed.fork", FORK)


def test_the_publisher_gives_one_reader_another_item(desk: NewDesk) -> None:
    """It was away for item 3 and gets another: item 4, which all get, does not follow from it."""

    def attack() -> None:
        publisher, (reader,) = read_by(desk, B)
        publisher.publish(FEED, ("002", "乙"), ("003", "丙"))
        reader.take(forge_item(publisher, 3, hash_of(publisher, 2), "other"))
        reader.take(publisher.items(FEED)[4])
        reached(reader, 4)

    stands_by(attack, "feed.chain", CHAIN)


@pytest.mark.parametrize("how", ["head", "snapshot"])
def test_the_publisher_equivocates_in_other_words(desk: NewDesk, how: str) -> None:
    """Another hash for an item that is held, in a head or under a snapshot."""

    def attack() -> None:
        publisher, (reader,) = read_by(desk, B)
        publisher.publish(FEED, ("002", "乙"), ("003", "丙"))
        items = publisher.items(FEED)
        reader.take(items[3], items[4])
        wrong = bytes(publisher.parts.identity.suite.hash_bytes)
        kit = publisher.kit
        if how == "head":
            head = Head(feed=FEED, incarnation=1, seq=3, hash=wrong, time_ms=kit.clock())
            reader.take(make_letter(kit, A, B, head, kind="feed.head-answer"))
        else:
            reader.do(lambda tx: feed_reader.resync(tx, FEED, ""))
            reader.take(make_letter(kit, A, B, snapshot(publisher, 4, wrong)))
        reader.check_undisputed(FEED)

    stands_by(attack, "feed.fork", FORK)


def test_a_head_of_a_time_beyond_all_calendars(desk: NewDesk) -> None:
    """It would be the newest for ever: no later head could show that a tail is withheld."""

    def attack() -> None:
        publisher, (reader,) = read_by(desk, B)
        (held,) = [each for each in reader.rows(feeds_in) if each.feed == FEED]
        head = Head(feed=FEED, incarnation=1, seq=held.seq, hash=held.hash, time_ms=MAX_COUNT)
        reader.take(make_letter(publisher.kit, A, B, head, kind="feed.head-answer"))
        (row,) = [each for each in reader.rows(feeds_in) if each.feed == FEED]
        if row.head_ms != MAX_COUNT:
            raise Refused("head.instant")

    stands_by(attack, Refused, replaced(feed_reader, "check_times", lambda _body: None))


def test_another_key_for_an_epoch_that_is_known(desk: NewDesk) -> None:
    def attack() -> None:
        publisher, (reader,) = read_by(desk, B)
        before = reader.do(lambda tx: feed_reader.held_key(tx, FEED, 1, 2))
        (grant,) = publisher.rows(feed_readers)
        other = FeedKey(
            grant_hash=grant.grant_hash, feed=FEED, incarnation=1, epoch=2, first_seq=3,
            key=bytes(len(before or b"")),
        )  # fmt: skip
        reader.take(make_letter(publisher.kit, A, B, other))
        if reader.do(lambda tx: feed_reader.held_key(tx, FEED, 1, 2)) == before:
            raise Refused("kept")

    stands_by(
        attack,
        "feed.key-mismatch",
        removed(feed_reader.accept_key, "FeedKeyMismatch"),
        replaced(feed_reader, "insert_new", upsert),
    )


def test_different_epoch_keys_to_different_readers(desk: NewDesk) -> None:
    """B's key is not the one that the item commits to: B takes nothing else for it."""

    def attack() -> None:
        publisher, (reader,) = read_by(desk, B)
        publisher.publish(FEED, ("002", "乙"))
        item = publisher.items(FEED)[3]
        other = bytes(publisher.parts.identity.suite.key_bytes)
        message = feed_reader.read_stored(item, reader.parts.suites, Plane.EXTRANET)
        work = with_keys(reader)
        work.keys[message.header.epoch or 0] = other
        Opening(reader.parts, FEED, 1, work)._key(message.header, message)

    stands_by(attack, "feed.key-mismatch", removed(Opening._key, "FeedKeyMismatch"))


# --- feeds: what readers and the hub do -----------------------------------------------------------


def test_a_reader_forges_an_item_of_the_feed_it_reads(desk: NewDesk) -> None:
    """B has the key, and the chain's last hash."""

    def attack() -> None:
        publisher, (forger, victim) = read_by(desk, B, C)
        item = forge_item(publisher, 3, hash_of(publisher, 2), "forged", signer=forger)
        victim.take(item)
        reached(victim, 3)

    stands_by(attack, "feed.owner", removed(verify._check_kind, "FeedOwner"))


@pytest.mark.parametrize(
    ("what", "check"),
    [
        ("head", feed_reader.accept_head),
        ("snapshot", feed_reader.accept_snapshot),
        ("key", feed_reader.accept_key),
    ],
)
def test_a_reader_speaks_for_the_publisher(
    desk: NewDesk, what: str, check: Callable[..., object]
) -> None:
    def attack() -> None:
        publisher, (forger, victim) = read_by(desk, B, C)
        suite, kit = publisher.parts.identity.suite, publisher.kit
        wrong = bytes(suite.hash_bytes)
        (mine,) = [row for row in publisher.rows(feed_readers) if row.reader == C]
        bodies = {
            "head": Head(feed=FEED, incarnation=1, seq=9, hash=wrong, time_ms=kit.clock()),
            "snapshot": snapshot(publisher, 9, wrong),
            "key": FeedKey(
                grant_hash=mine.grant_hash, feed=FEED, incarnation=1, epoch=7, first_seq=9,
                key=bytes(suite.key_bytes),
            ),
        }  # fmt: skip
        if what == "snapshot":
            victim.do(lambda tx: feed_reader.resync(tx, FEED, ""))
        kind = "feed.head-answer" if what == "head" else None
        victim.take(make_letter(kit, forger.party, C, bodies[what], kind=kind))

    stands_by(attack, "feed.owner", removed(check, "FeedOwner"))


def test_an_ended_reader_opens_the_next_epoch(desk: NewDesk) -> None:
    """It gets the bytes all the same: its queue was not emptied, or a friend sends them."""

    def attack() -> None:
        publisher, (ended, _) = read_by(desk, B, C)
        ended.take(*publisher.letters("feed.key", B)[1:])
        publisher.do(lambda tx: feed_writer.end_reader(tx, FEED, f"{1:032x}"))
        publisher.publish(FEED, ("canary", "canary"))
        open_item(ended, publisher.items(FEED)[3])

    def no_new_key(tx: Tx, feed: str, epoch: int, first: int, key: bytes) -> None:
        """The epoch goes on by the ratchet, as when a reader is added."""
        row = feed_writer.feed_row(tx, feed)
        old = feed_writer._unseal(tx, row)
        step = feeds.ratchet(tx.suite, tx.plane, feed, row.epoch, old)
        keep(tx, feed, epoch, first, step)

    keep = feed_writer._keep_key
    stands_by(attack, FeedEpoch, replaced(feed_writer, "_keep_key", no_new_key))


def test_an_ended_reader_asks_for_the_key(desk: NewDesk) -> None:
    def attack() -> None:
        publisher, (ended,) = read_by(desk, B)
        publisher.do(lambda tx: feed_writer.end_reader(tx, FEED, f"{1:032x}"))
        publisher.publish(FEED, ("canary", "canary"))
        before = len(publisher.letters("feed.key", B))
        ask = feeds.KeyAsk(feed=FEED, epoch=3)
        publisher.take(make_letter(publisher.kit, B, A, ask))
        if len(publisher.letters("feed.key", B)) == before:
            raise Refused("grant.ended")
        ended.take(*publisher.letters("feed.key", B)[before:])
        open_item(ended, publisher.items(FEED)[3])

    def everyone(tx: Tx, feed: str) -> Any:
        return tx.conn.execute(select(feed_readers).where(feed_readers.c.feed == feed)).all()

    stands_by(
        attack,
        Refused,
        removed(asks.check_reader, "GrantEnded"),
        replaced(feed_writer, "active_readers", everyone),
    )


def test_the_hub_adds_a_reader(desk: NewDesk) -> None:
    """It binds a queue for C: C has the bytes, no key, and gets no snapshot and no key."""

    def attack() -> None:
        publisher, _ = read_by(desk, B)
        stranger = desk(C)
        stranger.do(lambda tx: feed_reader.join(tx, FEED, feed_reader.SNAPSHOT))
        with pytest.raises(FeedEpoch):
            open_item(stranger, publisher.items(FEED)[2])
        publisher.take(make_letter(publisher.kit, C, A, SnapshotAsk(feed=FEED)))
        parts = publisher.posts("feed.snapshot")
        if not parts:
            raise Refused("grant.ended")
        stranger.take(*parts)
        reached(stranger, 2)

    stands_by(attack, Refused, removed(asks.check_reader, "GrantEnded"))


def test_the_hub_brings_a_reader_a_grant_that_nobody_gave(desk: NewDesk) -> None:
    """A key under a grant that is not held here is not taken."""

    def attack() -> None:
        publisher, (reader,) = read_by(desk, B)
        suite = publisher.parts.identity.suite
        body = FeedKey(
            grant_hash=bytes(suite.hash_bytes), feed=FEED, incarnation=1, epoch=9, first_seq=3,
            key=bytes(suite.key_bytes),
        )  # fmt: skip
        reader.take(make_letter(publisher.kit, A, B, body))
        if reader.do(lambda tx: feed_reader.held_key(tx, FEED, 1, 9)) is None:
            raise Refused("held")

    stands_by(attack, Refused, removed(feed_reader.accept_key, "GrantUnknown"))


def test_a_sealed_letter_for_another(desk: NewDesk) -> None:
    """C gets B's key letter and takes it for its own: it was not wrapped to C."""

    def attack() -> None:
        publisher, _ = read_by(desk, B)
        (raw,) = publisher.letters("feed.key", B)
        message = feed_reader.read_stored(raw, publisher.parts.suites, Plane.EXTRANET)
        verify.open_content(message, lambda header: inbox.content_key(desk(C).parts, header))

    with pytest.raises(EnvelopeRecipient):
        attack()
