"""The envelope's bytes, with every suite: what is built is what SPEC.md says, and nothing shorter,
longer or otherwise arranged is taken apart."""

from __future__ import annotations

from typing import Any

import msgpack  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ortoo_protocol.core import envelope, feeds, frames, notices
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.envelope import Position, ToParties, envelope_hash, split
from ortoo_protocol.core.errors import (
    EnvelopeLengths,
    EnvelopeMagic,
    EnvelopePlane,
    EnvelopeSize,
    KeysSuiteUnknown,
    OrtooError,
)
from ortoo_protocol.core.keys import Suite1
from tests.support import bodies, forge
from tests.support.forge import CITY, EXTRANET, HUB, INTRANET, OTHER, ByHand, World, fixed
from tests.support.suite_test import SuiteOfTests

WORLDS = [forge.world(Suite1()), forge.world(SuiteOfTests()), forge.world(Suite1(), INTRANET)]


@pytest.fixture(params=WORLDS, ids=lambda here: f"{here.suite.number}-{here.plane.value}")
def here(request: pytest.FixtureRequest) -> World:
    found: World = request.param
    return found


def feed_key(here: World) -> bytes:
    return fixed("feed key", here.suite.key_bytes)


def first_position(here: World) -> Position:
    return Position(1, 1, feeds.genesis(here.suite, here.plane, bodies.FEED, 1))


def letter(here: World) -> bytes:
    return forge.make(here, bodies.ENDED, CITY, OTHER)


def item(here: World, **changes: Any) -> bytes:
    return forge.make(
        here,
        feeds.TableRows(schema=1),
        CITY,
        bodies.FEED,
        rows=[feeds.row_part(feeds.RowChange(feeds.UPSERT, ("150700001", "胜利街道")))],
        position=first_position(here),
        feed_key=feed_key(here),
        **changes,
    )


def cut(here: World, raw: bytes) -> envelope.Envelope:
    return split(raw, suites=here.suites, plane=here.plane)


def test_the_bytes_of_an_open_letter(here: World) -> None:
    raw = forge.make(here, bodies.RECEIPTS, CITY, HUB, kind="receipt.hub")
    body = forge.frame_by_hand([encode(bodies.RECEIPTS)])
    header = forge.header_list(raw)
    assert header[forge.KIND : forge.WRAPS] == ["receipt.hub", CITY, HUB]
    assert header[forge.WRAPS : forge.POSITION + 1] == [[], None, None]
    assert header[forge.FLAGS :] == [0, None, None]
    assert raw == ByHand(header, body).assemble(here[CITY])


def test_the_bytes_of_a_sealed_item(here: World) -> None:
    """The draws of `build` are, in this order: secret, nonce."""
    suite, plane = here.suite, here.plane.byte
    raw = item(here, rand=forge.fixed_random("draws"))
    secret, nonce = fixed("draws/0", suite.key_bytes), fixed("draws/1", suite.nonce_bytes)
    parts = [encode(feeds.TableRows(schema=1)), msgpack.packb([0, "150700001", "胜利街道"])]
    header = forge.header_list(raw)
    assert header[forge.WRAPS : forge.CREATED] == [[], 1, [1, 1, first_position(here).previous]]
    commitment = suite.kdf(
        feed_key(here),
        forge.context_by_hand("ortoo/key-commitment", plane, header),
        suite.hash_bytes,
    )
    assert header[forge.KEY_COMMITMENT] == commitment
    assert header[forge.PLAINTEXT_COMMITMENT] == forge.commitment_by_hand(
        suite, plane, secret, parts
    )
    key = suite.kdf(
        feed_key(here), forge.context_by_hand("ortoo/body-key", plane, header), suite.key_bytes
    )
    text = forge.text_by_hand(secret, forge.frame_by_hand(parts))
    assert raw == ByHand(header, text, key, nonce).assemble(here[CITY])


def test_the_bytes_of_a_notarised_letter(here: World) -> None:
    """The draws are: content key, one seed for each wrap, secret, nonce."""
    suite, plane = here.suite, here.plane.byte
    raw = forge.make(here, bodies.STOP, CITY, OTHER, rand=forge.fixed_random("draws"))
    content_key = fixed("draws/0", suite.key_bytes)
    header = forge.header_list(raw)
    assert header[forge.WRAPS] == [
        [to.key_id, suite.wrap(to.public, content_key, fixed(f"draws/{draw}", suite.seed_bytes))]
        for draw, to in ((1, here[OTHER].recipient), (2, here[HUB].recipient))
    ]
    secret = fixed("draws/3", suite.key_bytes)
    key = suite.kdf(
        content_key, forge.context_by_hand("ortoo/body-key", plane, header), suite.key_bytes
    )
    stored = forge.frame_by_hand([encode(bodies.STOP)])
    assert header[forge.FLAGS] == 0
    text = forge.text_by_hand(secret, stored, 512 - suite.tag_bytes)
    nonce = fixed("draws/4", suite.nonce_bytes)
    assert raw == ByHand(header, text, key, nonce).assemble(here[CITY])


def test_both_recipients_of_a_notarised_letter_read_it(here: World) -> None:
    raw = letter(here)
    assert here.open(raw, OTHER).body == here.open(raw, HUB).body == bodies.ENDED


def test_a_sealed_letter_says_its_bucket_and_nothing_more(here: World) -> None:
    sizes = set()
    for length in (0, 1, 100):
        body = feeds.FeedKey(
            grant_hash=b"g",
            feed=bodies.FEED,
            incarnation=1,
            epoch=1,
            first_seq=1,
            key=bytes(length),
        )
        sizes.add(len(forge.make(here, body, CITY, OTHER)))
    assert len(sizes) == 1


def test_one_ciphertext_whatever_the_number_of_readers(here: World) -> None:
    opened = here.open(item(here), feed_key=feed_key(here))
    assert opened.header.wraps == ()
    assert opened.header.epoch == 1
    assert feeds.read_row_part(opened.rows[0], bodies.SCHEMA).values[1] == "胜利街道"


def test_large_content_is_compressed(here: World) -> None:
    rows = [feeds.row_part(feeds.RowChange(0, (str(n), "街道" * 10))) for n in range(5_000)]
    raw = forge.make(
        here,
        feeds.TableRows(schema=1),
        CITY,
        bodies.FEED,
        rows=rows,
        position=first_position(here),
        feed_key=feed_key(here),
    )
    assert len(raw) < sum(map(len, rows)) / 4
    opened = here.open(raw, feed_key=feed_key(here))
    assert opened.rows == tuple(rows)
    assert opened.header.flags == envelope.FLAG_ZSTD


def test_the_hash_leaves_the_body_out_but_not_its_hash(here: World) -> None:
    raw = item(here)
    one = cut(here, raw)
    erased = cut(here, raw[: -len(one.body)] + bytes(len(one.body)))
    assert envelope_hash(one) == envelope_hash(erased)
    assert envelope_hash(one) != envelope_hash(cut(here, item(here, created_ms=1)))
    assert len(envelope_hash(one)) == here.suite.hash_bytes


def test_secrets_differ_from_letter_to_letter(here: World) -> None:
    rand = forge.fixed_random("one stream")
    one, other = (cut(here, forge.make(here, bodies.STOP, CITY, OTHER, rand=rand)) for _ in "ab")
    assert one.nonce != other.nonce
    assert one.header != other.header
    assert one.body != other.body


# --- what is too large to be made ---------------------------------------------------------------


def test_too_much_content_is_not_sent(here: World) -> None:
    body = notices.TrustUpdate(documents=(fixed("noise", frames.MAX_CONTENT_BYTES),))
    with pytest.raises(EnvelopeSize):
        forge.make(here, body, HUB, CITY, kind="trust.answer")


def test_the_largest_content_goes_through(here: World) -> None:
    noise = fixed("noise", frames.MAX_CONTENT_BYTES - 100)
    body = feeds.SnapshotPart(
        feed=bodies.FEED,
        snapshot="d" * 32,
        incarnation=1,
        seq=1,
        hash=b"",
        part=0,
        parts=1,
        schema=bodies.SCHEMA,
    )
    room = frames.MAX_CONTENT_BYTES - len(forge.frame_by_hand([encode(body), b""]))
    raw = forge.make(here, body, CITY, OTHER, rows=[noise[:room].ljust(room, b"\1")])
    assert len(here.open(raw).rows[0]) == room
    with pytest.raises(EnvelopeSize):
        forge.make(here, body, CITY, OTHER, rows=[bytes(room + 1)])


def test_a_header_that_is_too_long_is_not_sent(here: World) -> None:
    to = ToParties((here[OTHER].recipient,) * 60)
    with pytest.raises(EnvelopeSize):
        forge.make(here, bodies.STOP, CITY, OTHER, protection=to)


# --- taking apart -------------------------------------------------------------------------------


def test_only_the_exact_length_is_taken_apart(here: World) -> None:
    raw = letter(here)
    for length in range(len(raw)):
        with pytest.raises(EnvelopeLengths):
            cut(here, raw[:length])
    with pytest.raises(EnvelopeLengths):
        cut(here, raw + b"\0")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"magic": b"ORTP"}, EnvelopeMagic),
        ({"version": 2}, EnvelopeMagic),
        ({"reserved": 2}, EnvelopeMagic),
        ({"plane_byte": 0}, EnvelopePlane),
        ({"suite_byte": 9}, KeysSuiteUnknown),
        ({"header": bytes(envelope.MAX_HEADER_BYTES + 1)}, EnvelopeSize),
        ({"body": bytes(envelope.MAX_BODY_BYTES + 1)}, EnvelopeSize),
    ],
)
def test_prefix(here: World, changes: dict[str, Any], error: type[OrtooError]) -> None:
    made = ByHand(**{"header": [], **changes}).assemble(here[CITY])
    with pytest.raises(error):
        cut(here, made)


def test_the_other_plane_is_told_first(here: World) -> None:
    other = INTRANET if here.plane is EXTRANET else EXTRANET
    with pytest.raises(EnvelopePlane):
        split(letter(here), suites=here.suites, plane=other)


@settings(max_examples=200)
@given(st.sampled_from(WORLDS), st.binary(max_size=300), st.booleans())
def test_any_bytes(here: World, data: bytes, prefixed: bool) -> None:
    start = b"ORTO" + bytes([1, here.suite.number, here.plane.byte, 0]) if prefixed else b""
    with pytest.raises(OrtooError):
        here.open(start + data)


@settings(max_examples=200)
@given(st.sampled_from(WORLDS), st.data())
def test_one_changed_byte_anywhere_is_refused(here: World, data: st.DataObject) -> None:
    raw = bytearray(letter(here))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(OrtooError):
        here.verify(bytes(raw))
