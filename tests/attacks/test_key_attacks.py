"""Keys that their owners gave up: dates that a thief writes himself do not help him."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ortoo_protocol.core.feeds import FeedKey
from ortoo_protocol.station import feed_reader, feed_writer, inbox, trusting
from ortoo_protocol.station.store.tables import feed_readers
from tests.support.desk import Desk, Refused
from tests.support.hostile import (
    FEED,
    A,
    B,
    NewDesk,
    desk,
    forge_item,
    hash_of,
    reached,
    read_by,
)
from tests.support.letters import make_letter
from tests.support.mutation import replaced, stands_by

__all__ = ["desk"]
DAY_MS = 86_400_000
NEVER_OVER = replaced(trusting, "key_is_over", lambda _tx, _message: False)


def learn(reader: Desk, **changes: Any) -> None:
    """A directory in which the signing key of A has `changes`."""
    region, trust = reader.kit.region, reader.parts.trust.current
    directory = region.directory(2, trust.directory_hash)
    parties = tuple(
        replace(each, keys=(replace(each.keys[0], **changes),)) if each.party == A else each
        for each in directory.parties
    )
    raw = region.sign_directory(replace(directory, parties=parties))
    reader.trust(trust.with_directory(raw, reader.kit.clock()))


def another_key(publisher: Desk) -> bytes:
    """A letter of A that opens what is to come with a key of the thief's."""
    (grant,) = publisher.rows(feed_readers)
    body = FeedKey(
        grant_hash=grant.grant_hash, feed=FEED, incarnation=1, epoch=9, first_seq=3,
        key=bytes(publisher.parts.identity.suite.key_bytes),
    )  # fmt: skip
    return make_letter(publisher.kit, A, B, body)


def taken(reader: Desk) -> None:
    if reader.do(lambda tx: feed_reader.held_key(tx, FEED, 1, 9)) is None:
        raise Refused("envelope.key-retired")


def test_a_letter_signed_after_the_compromise_and_dated_before_it(desk: NewDesk) -> None:
    def attack() -> None:
        publisher, (reader,) = read_by(desk, B)
        letter = another_key(publisher)
        learn(reader, compromised_since_ms=publisher.kit.clock() + DAY_MS)
        reader.take(letter)
        taken(reader)

    stands_by(attack, "envelope.key-retired", NEVER_OVER)
    stands_by(attack, "envelope.key-retired", replaced(inbox, "_check_key", lambda *_: None))


def test_a_letter_dated_back_after_the_rotation(desk: NewDesk) -> None:
    def attack() -> None:
        publisher, (reader,) = read_by(desk, B)
        letter = another_key(publisher)
        learn(reader, until_ms=publisher.kit.clock() + DAY_MS)
        reader.kit.offset_ms += 2 * DAY_MS
        reader.take(letter)
        taken(reader)

    stands_by(attack, "envelope.key-retired", NEVER_OVER)


def test_what_came_before_the_compromise_is_receipted_again(desk: NewDesk) -> None:
    """The sender's own repeat of what was taken once: its receipt was lost."""
    publisher, (reader,) = read_by(desk, B)
    letter = another_key(publisher)
    reader.take(letter)
    reader.receipts()
    learn(reader, compromised_since_ms=publisher.kit.clock() + DAY_MS)
    reader.take(letter)
    taken(reader)
    assert reader.receipts()


def test_an_item_added_with_the_lost_key_and_dated_before_the_loss(desk: NewDesk) -> None:
    """Items up to the newest head are the publisher's; what is added behind it is the thief's."""

    def attack() -> None:
        publisher, (reader,) = read_by(desk, B)
        item = forge_item(publisher, 3, hash_of(publisher, 2), "forged")
        learn(reader, compromised_since_ms=publisher.kit.clock() + DAY_MS)
        reader.take(item)
        reached(reader, 3)

    stands_by(attack, Refused, NEVER_OVER)


def test_items_up_to_the_fence_are_taken(desk: NewDesk) -> None:
    """They were published while the key was good, and the head of that time says so."""
    publisher, (reader,) = read_by(desk, B)
    publisher.publish(FEED, ("002", "乙"), ("003", "丙"))
    publisher.do(feed_writer.post_heads)
    reader.take(*publisher.posts(FEED))
    learn(reader, compromised_since_ms=publisher.kit.clock() + DAY_MS)
    reader.take(publisher.items(FEED)[4], publisher.items(FEED)[3])
    reached(reader, 4)
