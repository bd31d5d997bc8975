"""Every step of verification and opening: what it refuses, by which code, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ortoo_protocol.core import feeds, verify
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.envelope import FLAG_ZSTD, Position, ToParties
from ortoo_protocol.core.errors import (
    EnvelopeBodyHash,
    EnvelopeDestination,
    EnvelopeKind,
    EnvelopeOpen,
    EnvelopeRecipient,
    EnvelopeSignature,
    EnvelopeSuite,
    EnvelopeUnknownKey,
    KeysRefused,
    OrtooError,
)
from ortoo_protocol.core.keys import Suite1, Suites
from ortoo_protocol.core.messages import KINDS, LETTER_LIFE_MS, Class, Kind, Route
from tests.support import bodies, forge
from tests.support.forge import (
    CITY,
    HUB,
    INTRANET,
    NOW_MS,
    OTHER,
    THIRD,
    ByHand,
    Keys,
    World,
    fixed,
)
from tests.support.suite_test import SuiteOfTests

WORLDS = [forge.world(Suite1()), forge.world(SuiteOfTests())]
HOUR_MS = 3_600_000


@pytest.fixture(params=WORLDS, ids=lambda here: here.suite.name)
def here(request: pytest.FixtureRequest) -> World:
    found: World = request.param
    return found


def feed_key(here: World) -> bytes:
    return fixed("feed key", here.suite.key_bytes)


def ask(here: World, **changes: Any) -> bytes:
    return forge.make(here, feeds.HeadAsk(feed=bodies.FEED), OTHER, CITY, **changes)


def sealed(here: World, **changes: Any) -> bytes:
    return forge.make(here, bodies.ENDED, CITY, OTHER, **changes)


def item(here: World, **changes: Any) -> bytes:
    position = Position(1, 1, feeds.genesis(here.suite, here.plane, bodies.FEED, 1))
    return forge.make(
        here,
        bodies.SCHEMA,
        CITY,
        bodies.FEED,
        **{"position": position, "feed_key": feed_key(here), **changes},
    )


def refused(here: World, raw: bytes, code: str, now_ms: int = NOW_MS) -> None:
    with pytest.raises(OrtooError) as caught:
        here.verify(raw, now_ms)
    assert caught.value.code == code


def with_record(here: World, name: str, **changes: Any) -> World:
    records = {**here.keys.records, here[name].signing_key_id: here[name].record(**changes)}
    return replace(here, keys=Keys(here.keys.suites, records))


# --- every kind -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_goes_from_sender_to_reader(here: World, kind: Kind) -> None:
    body = bodies.body_of(kind.shape)
    sender = HUB if kind.senders == "h" else CITY
    on_feed = kind.route is Route.FEED
    key = feed_key(here) if on_feed and kind.cls is Class.SEALED else None
    raw = forge.make(
        here,
        body,
        sender,
        f"{sender}.feed" if on_feed else OTHER,
        kind=kind.name,
        rows=[b"row"] if kind.rows else [],
        position=Position(1, 1, bytes(here.suite.hash_bytes)) if kind.item else None,
        feed_key=key,
    )
    opened = here.open(raw, OTHER, key)
    assert opened.body == body
    assert opened.message.kind is kind
    assert opened.rows == ((b"row",) if kind.rows else ())
    assert opened.body_bytes == encode(body)
    assert verify.as_body(opened, kind.shape) is opened
    with pytest.raises(EnvelopeKind):
        verify.as_body(opened, next(k.shape for k in KINDS if k.shape is not kind.shape))


# --- 2 to 5 ---------------------------------------------------------------------------------------


def test_a_suite_that_is_not_built_in_or_not_allowed(here: World) -> None:
    refused(here, ByHand([], suite_byte=9).assemble(here[CITY]), "envelope.suite")
    elsewhere = replace(here, keys=Keys((9,), here.keys.records))
    refused(elsewhere, sealed(here), "envelope.suite")


def test_a_key_serves_the_suite_it_was_enrolled_for() -> None:
    """Both suites are allowed; the key of one signs nothing that names the other."""
    one, other = WORLDS
    record = replace(one[CITY].record(), suite=other.suite.number)
    keys = Keys((1, 0x7F), {one[CITY].signing_key_id: record})
    suites = Suites((one.suite, other.suite))
    with pytest.raises(EnvelopeSuite):
        verify.verify(sealed(one), suites=suites, plane=one.plane, keys=keys, now_ms=NOW_MS)


def test_an_unknown_key(here: World) -> None:
    stranger = replace(here, keys=Keys(here.keys.suites, {}))
    with pytest.raises(EnvelopeUnknownKey) as caught:
        stranger.verify(sealed(here))
    assert here[CITY].signing_key_id.hex() in str(caught.value)


def test_a_foreign_or_broken_signature(here: World) -> None:
    header = forge.header_list(ask(here))
    good = ByHand(header, forge.frame_by_hand([encode(feeds.HeadAsk(feed=bodies.FEED))]))
    here.verify(good.assemble(here[OTHER]))
    length = here.suite.signature_bytes
    for signature in (bytes(length), fixed("signature", length)):
        with pytest.raises(EnvelopeSignature):
            here.verify(replace(good, signature=signature).assemble(here[OTHER]))


def test_another_body_than_was_signed(here: World) -> None:
    raw = ask(here)
    with pytest.raises(EnvelopeBodyHash):
        here.verify(raw[:-1] + bytes([raw[-1] ^ 1]))


def test_nothing_is_parsed_before_the_signature_holds(here: World) -> None:
    """Poison in the header of a stranger, of a forger, and behind a wrong body hash."""
    poison = ByHand(b"\xdd\xff\xff\xff\xff")
    stranger = replace(here, keys=Keys(here.keys.suites, {}))
    refused(stranger, poison.assemble(here[CITY]), "envelope.unknown-key")
    zeros = bytes(here.suite.signature_bytes)
    refused(here, replace(poison, signature=zeros).assemble(here[CITY]), "envelope.signature")
    wrong = bytes(here.suite.hash_bytes)
    refused(here, replace(poison, body_hash=wrong).assemble(here[CITY]), "envelope.body-hash")
    refused(here, poison.assemble(here[CITY]), "codec.malformed")


# --- 6 header -------------------------------------------------------------------------------------

BIG = 1 << 53
HEADER_CHANGES: list[tuple[dict[int, Any], str]] = [
    ({forge.ID: b"short"}, "envelope.header"),
    ({forge.ID: "x" * 16}, "codec.shape"),
    ({forge.KIND: "k" * 65}, "envelope.header"),
    ({forge.KIND: "no.such"}, "envelope.kind"),
    ({forge.SENDER: "x150700"}, "codec.identifier"),
    ({forge.SENDER: OTHER + "\n"}, "codec.identifier"),
    ({forge.DESTINATION: "nowhere"}, "codec.identifier"),
    ({forge.DESTINATION: CITY + "."}, "codec.identifier"),
    ({forge.DESTINATION: f"{OTHER}.feed"}, "envelope.kind"),
    ({forge.WRAPS: None}, "codec.shape"),
    ({forge.WRAPS: [[bytes(16), b"short"]]}, "envelope.header"),
    ({forge.EPOCH: 1}, "envelope.kind"),
    ({forge.EPOCH: -1}, "envelope.header"),
    ({forge.POSITION: [1, 1, b"short"]}, "envelope.header"),
    ({forge.CREATED: -1}, "envelope.header"),
    ({forge.CREATED: BIG}, "envelope.header"),
    ({forge.CREATED: 1.0}, "codec.shape"),
    ({forge.CREATED: True}, "codec.shape"),
    ({forge.EXPIRES: BIG}, "envelope.header"),
    ({forge.EXPIRES: 0}, "envelope.header"),
    ({forge.EXPIRES: NOW_MS}, "envelope.header"),
    ({forge.EXPIRES: NOW_MS + LETTER_LIFE_MS + 1}, "envelope.header"),
    ({forge.CASE: "case"}, "codec.identifier"),
    ({forge.CAUSATION: b"short"}, "envelope.header"),
    ({forge.DIRECTORY_VERSION: -1}, "envelope.header"),
    ({forge.DIRECTORY_HASH: b"short"}, "envelope.header"),
    ({forge.CONTENT_FORM: "ortoo/2"}, "envelope.header"),
    ({forge.FLAGS: 2}, "envelope.header"),
    ({forge.FLAGS: -1}, "envelope.header"),
    ({forge.KEY_COMMITMENT: b"short"}, "envelope.header"),
    ({forge.PLAINTEXT_COMMITMENT: b"short"}, "envelope.header"),
]


@pytest.mark.parametrize(("changes", "code"), HEADER_CHANGES)
def test_header_fields(here: World, changes: dict[int, Any], code: str) -> None:
    header = forge.header_list(ask(here))
    for place, value in changes.items():
        header[place] = value
    refused(here, ByHand(header).assemble(here[OTHER]), code)


def test_a_header_has_seventeen_places(here: World) -> None:
    header = forge.header_list(ask(here))
    others: list[object] = [header[:-1], [*header, None], [], {}, None]
    for bad in others:
        refused(here, ByHand(bad).assemble(here[OTHER]), "codec.shape")


def test_one_commitment_needs_the_other(here: World) -> None:
    for place in (forge.KEY_COMMITMENT, forge.PLAINTEXT_COMMITMENT):
        header = forge.header_list(ask(here))
        header[place] = bytes(here.suite.hash_bytes)
        refused(here, ByHand(header).assemble(here[OTHER]), "envelope.header")


def test_an_open_message_has_no_nonce(here: World) -> None:
    header = forge.header_list(ask(here))
    nonce = fixed("nonce", here.suite.nonce_bytes)
    refused(here, ByHand(header, nonce=nonce).assemble(here[OTHER]), "envelope.header")


@settings(max_examples=200)
@given(st.sampled_from(WORLDS), st.integers(0, 16), st.data())
def test_any_value_in_any_place_of_the_header(here: World, place: int, data: st.DataObject) -> None:
    texts: st.SearchStrategy[object] = st.text(max_size=9) | st.binary(max_size=40)
    numbers: st.SearchStrategy[object] = st.integers(-5, 1 << 63) | st.floats()
    scalars = st.none() | st.booleans() | texts | numbers
    header = forge.header_list(sealed(here))
    header[place] = data.draw(scalars | st.lists(scalars, max_size=3))
    try:
        here.open(ByHand(header, b"body").assemble(here[CITY]))
    except OrtooError:
        return
    pytest.fail("a body that nobody sealed was opened")


@settings(max_examples=200)
@given(st.sampled_from(WORLDS), st.binary(max_size=80))
def test_any_bytes_as_header(here: World, header: bytes) -> None:
    with pytest.raises(OrtooError):
        here.verify(ByHand(header).assemble(here[CITY]))


# --- 7 sender -------------------------------------------------------------------------------------


def test_the_sender_owns_the_key(here: World) -> None:
    refused(here, sealed(here, signer=THIRD), "envelope.sender")


@pytest.mark.parametrize("status", ["suspended", "revoked"])
def test_the_sender_stands(here: World, status: str) -> None:
    refused(with_record(here, CITY, status=status), sealed(here), "envelope.standing")


@pytest.mark.parametrize(
    "changes",
    [
        {"from_ms": NOW_MS + 1},
        {"until_ms": NOW_MS},
        {"compromised_since_ms": NOW_MS},
        {"compromised_since_ms": NOW_MS - 1},
    ],
)
def test_the_key_was_valid(here: World, changes: dict[str, int]) -> None:
    refused(with_record(here, CITY, **changes), sealed(here), "envelope.key-retired")


def test_the_key_is_valid_at_both_ends_of_its_time(here: World) -> None:
    for changes in (
        {"from_ms": NOW_MS},
        {"until_ms": NOW_MS + 1},
        {"compromised_since_ms": NOW_MS + 1},
    ):
        with_record(here, CITY, **changes).verify(sealed(here))


# --- 8 kind ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "kind"), [(CITY, "catalog.federated"), (HUB, "table.schema"), (HUB, "feed.key")]
)
def test_who_may_send_what(here: World, sender: str, kind: str) -> None:
    on_feed = kind != "feed.key"
    raw = forge.make(
        here,
        bodies.body_of(next(each.shape for each in KINDS if each.name == kind)),
        sender,
        f"{sender}.feed" if on_feed else OTHER,
        kind=kind,
        position=Position(1, 1, bytes(here.suite.hash_bytes)) if on_feed else None,
        feed_key=feed_key(here) if on_feed else None,
    )
    refused(here, raw, "envelope.kind")


def test_a_feed_has_one_publisher(here: World) -> None:
    header = forge.header_list(item(here))
    header[forge.DESTINATION] = f"{OTHER}.townships"
    refused(here, ByHand(header).assemble(here[CITY]), "feed.owner")


@pytest.mark.parametrize(
    ("make", "changes", "code"),
    [
        (item, {forge.POSITION: None}, "envelope.kind"),
        (item, {forge.EPOCH: None}, "envelope.kind"),
        (item, {forge.DESTINATION: OTHER}, "envelope.kind"),
        (sealed, {forge.EPOCH: 1}, "envelope.kind"),
        (sealed, {forge.POSITION: [1, 1, b""]}, "envelope.header"),
        (sealed, {forge.WRAPS: []}, "envelope.kind"),
        (
            sealed,
            {forge.KEY_COMMITMENT: None, forge.PLAINTEXT_COMMITMENT: None},
            "envelope.kind",
        ),
    ],
)
def test_class_and_carrier_are_the_kinds(
    here: World, make: Callable[..., bytes], changes: dict[int, Any], code: str
) -> None:
    header = forge.header_list(make(here))
    for place, value in changes.items():
        header[place] = value
    refused(here, ByHand(header, bytes(512)).assemble(here[CITY]), code)


def test_a_sealed_letter_has_one_wrap_and_a_notarised_one_two(here: World) -> None:
    everyone = tuple(here[name].recipient for name in (OTHER, HUB, THIRD))
    key = bodies.body_of(feeds.FeedKey)
    two = forge.make(here, key, CITY, OTHER, protection=ToParties(everyone[:2]))
    refused(here, two, "envelope.kind")
    refused(here, sealed(here, protection=ToParties(everyone)), "envelope.header")
    refused(here, sealed(here, protection=ToParties(everyone[:1] * 2)), "envelope.header")
    here.verify(sealed(here, protection=ToParties(everyone[:2])))


@pytest.mark.parametrize("alone", [OTHER, HUB])
def test_a_notarised_letter_that_only_one_of_the_two_could_open_is_refused(
    here: World, alone: str
) -> None:
    only = ToParties((here[alone].recipient,))
    refused(here, sealed(here, protection=only), "envelope.kind")


def test_a_sealed_letter_fills_its_bucket(here: World) -> None:
    header = forge.header_list(sealed(here))
    for size in (0, 1, 511, 513, 65_537):
        refused(here, ByHand(header, bytes(size)).assemble(here[CITY]), "envelope.size")
    here.verify(ByHand(header, bytes(1024)).assemble(here[CITY]))


# --- 9 times --------------------------------------------------------------------------------------


def test_times(here: World) -> None:
    raw = sealed(here)
    expires_ms = NOW_MS + LETTER_LIFE_MS
    here.verify(raw, expires_ms)
    refused(here, raw, "envelope.expired", expires_ms + 1)
    here.verify(raw, NOW_MS - HOUR_MS)
    refused(here, raw, "envelope.future", NOW_MS - HOUR_MS - 1)


def test_items_may_live_for_ever(here: World) -> None:
    here.verify(item(here), 1 << 52)


# --- addressee ------------------------------------------------------------------------------------


def test_whose_letter_it_is(here: World) -> None:
    notarised, direct = here.verify(sealed(here)), here.verify(ask(here))
    for message, party in ((notarised, OTHER), (notarised, HUB), (direct, CITY)):
        verify.check_addressee(message, party)
    verify.check_addressee(here.verify(item(here)), THIRD)  # the caller knows its feeds
    for message, party in ((notarised, THIRD), (notarised, CITY), (direct, HUB), (direct, OTHER)):
        with pytest.raises(EnvelopeDestination):
            verify.check_addressee(message, party)


# --- 10 to 15 opening -----------------------------------------------------------------------------


def opening_refused(here: World, raw: bytes, code: str, **how: Any) -> None:
    with pytest.raises(OrtooError) as caught:
        here.open(raw, **how)
    assert caught.value.code == code


def test_no_key_for_it(here: World) -> None:
    opening_refused(here, sealed(here), "envelope.recipient", reader=THIRD)
    opening_refused(here, item(here), "envelope.recipient", feed_key=None)


def test_another_key_than_was_committed_to(here: World) -> None:
    other = fixed("other", here.suite.key_bytes)
    opening_refused(here, item(here), "envelope.key-commitment", feed_key=other)


def test_a_wrap_that_does_not_open(here: World) -> None:
    header = forge.header_list(sealed(here))
    header[forge.WRAPS][0][1] = bytes(here.suite.wrapped_bytes)
    opening_refused(here, ByHand(header, bytes(512)).assemble(here[CITY]), "envelope.open")

    def refusing(_: object) -> bytes:
        raise KeysRefused()

    with pytest.raises(EnvelopeOpen):
        verify.open_content(here.verify(sealed(here)), refusing)
    with pytest.raises(EnvelopeRecipient):
        verify.open_content(here.verify(sealed(here)), lambda _: None)


def by_hand(here: World, text: bytes, *, flags: int = 0, promise: bytes | None = None) -> bytes:
    """An item of `text` that is sealed with the feed's own key, as its publisher can make it."""
    suite, plane = here.suite, here.plane.byte
    header = forge.header_list(item(here))
    header[forge.FLAGS] = flags
    header[forge.PLAINTEXT_COMMITMENT] = promise or bytes(suite.hash_bytes)
    context = forge.context_by_hand("ortoo/body-key", plane, header)
    return ByHand(header, text, suite.kdf(feed_key(here), context, suite.key_bytes)).assemble(
        here[CITY]
    )


def test_content_of_another_key_or_header_does_not_open(here: World) -> None:
    header = forge.header_list(item(here))
    raw = ByHand(header, b"text", fixed("other", here.suite.key_bytes)).assemble(here[CITY])
    opening_refused(here, raw, "envelope.open", feed_key=feed_key(here))
    body = here.verify(item(here)).envelope.body
    header[forge.DIRECTORY_VERSION] += 1
    moved = ByHand(header, body=body).assemble(here[CITY])
    opening_refused(here, moved, "envelope.open", feed_key=feed_key(here))


@pytest.mark.parametrize(
    ("stored", "flags", "code"),
    [
        (b"", 0, "envelope.lengths"),
        (b"\0\0\0\1", 0, "envelope.lengths"),
        (forge.frame_by_hand([b"body"]) + b"\0", 0, "envelope.lengths"),
        (b"no zstd", FLAG_ZSTD, "envelope.lengths"),
        (b"\x28\xb5\x2f\xfd\xe0" + b"\xff" * 8, FLAG_ZSTD, "envelope.bomb"),
        (forge.frame_by_hand([b"body"]), 0, "envelope.plaintext-commitment"),
    ],
)
def test_content_that_its_publisher_spoilt(
    here: World, stored: bytes, flags: int, code: str
) -> None:
    secret = fixed("secret", here.suite.key_bytes)
    raw = by_hand(here, forge.text_by_hand(secret, stored), flags=flags)
    opening_refused(here, raw, code, feed_key=feed_key(here))


def test_padding_that_is_not_zeros(here: World) -> None:
    text = forge.text_by_hand(fixed("secret", here.suite.key_bytes), b"") + b"\1"
    for bad in (text, text[:10]):
        opening_refused(here, by_hand(here, bad), "envelope.padding", feed_key=feed_key(here))


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([], "envelope.header"),
        ([encode(bodies.SCHEMA), b"a row where none may be"], "envelope.header"),
        ([b"\xc1"], "codec.malformed"),
        ([b"\x80"], "codec.shape"),
        ([b"\xdc\x4e\x20" + b"\x90" * 20_000], "codec.malformed"),
    ],
)
def test_parts_that_are_not_the_kinds(here: World, parts: list[bytes], code: str) -> None:
    secret = fixed("secret", here.suite.key_bytes)
    promise = forge.commitment_by_hand(here.suite, here.plane.byte, secret, parts)
    text = forge.text_by_hand(secret, forge.frame_by_hand(parts))
    raw = by_hand(here, text, promise=promise)
    opening_refused(here, raw, code, feed_key=feed_key(here))


@settings(max_examples=150)
@given(st.sampled_from(WORLDS), st.binary(max_size=120), st.booleans(), st.booleans())
def test_any_text_in_the_seal(here: World, data: bytes, secret: bool, packed: bool) -> None:
    text = forge.text_by_hand(fixed("secret", here.suite.key_bytes), data) if secret else data
    with pytest.raises(OrtooError):
        here.open(by_hand(here, text, flags=int(packed)), feed_key=feed_key(here))


def test_the_same_keys_on_the_other_plane() -> None:
    extranet, intranet = forge.world(), forge.world(plane=INTRANET)
    assert extranet[CITY].signer.public == intranet[CITY].signer.public
    assert extranet[CITY].signing_key_id != intranet[CITY].signing_key_id
    refused(intranet, sealed(extranet), "envelope.plane")
