"""Names: what is one, what is not, and that nothing but a named error comes of bad ones."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ortoo_protocol.core import ids
from ortoo_protocol.core.errors import CodecIdentifier
from ortoo_protocol.core.ids import FeedId, HexId, PartyId, Plane

PARTIES = ("h150000", "s150700", "s150702001", "s150702001002")
NO_PARTIES = (
    "",
    "s15070",
    "s1507001",
    "x150700",
    "S150700",
    "s150700\n",
    " s150700",
    "s１５０７００",
    "s150700.a",
    "s150702001002003",
)
NO_FEEDS = (
    "",
    "s150700",
    "s150700.",
    ".a",
    "s150700.A",
    "s150700.-a",
    "s150700.a.b",
    "s150700.a\n",
)


@pytest.mark.parametrize("value", PARTIES)
def test_a_party_id_is_a_role_and_a_division(value: str) -> None:
    assert ids.check_party(value) == value
    assert msgspec.convert(value, PartyId) == value
    assert ids.is_hub(value) == (value[0] == "h")


@pytest.mark.parametrize("value", NO_PARTIES)
def test_other_party_ids_are_refused(value: str) -> None:
    with pytest.raises(CodecIdentifier):
        ids.check_party(value)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, PartyId)


def test_a_feed_is_owned_by_its_prefix() -> None:
    feed = ids.feed_id("s150700", "townships")
    assert feed == msgspec.convert(feed, FeedId) == "s150700.townships"
    assert ids.feed_owner(feed) == "s150700"
    assert ids.is_feed(feed)
    assert not ids.is_feed("s150700")
    assert ids.check_feed("s150700." + "a" * 63)


@pytest.mark.parametrize("value", [*NO_FEEDS, "s150700." + "a" * 64])
def test_other_feeds_are_refused(value: str) -> None:
    with pytest.raises(CodecIdentifier):
        ids.check_feed(value)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, FeedId)


@given(st.text())
def test_the_two_ways_to_check_a_feed_agree(value: str) -> None:
    try:
        ids.check_feed(value)
    except CodecIdentifier:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(value, FeedId)
    else:
        assert msgspec.convert(value, FeedId) == value


def test_hex_ids() -> None:
    assert ids.check_hex_id("0" * 31 + "f") == msgspec.convert("0" * 31 + "f", HexId)
    for value in ("", "0" * 31, "0" * 33, "F" * 32, "0" * 32 + "\n"):
        with pytest.raises(CodecIdentifier):
            ids.check_hex_id(value)
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(value, HexId)


def test_a_department_is_a_unified_social_credit_code() -> None:
    assert ids.check_department("11150000MB0000000C") == "11150000MB0000000C"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "11150000MB0000000D",  # check digit
        "11150000mb0000000c",  # one spelling each
        "11150000MB0000000C ",
        "11150000MB-0000000C",
        "１1150000MB0000000C",
        "11150000MB0000000",
    ],
)
def test_other_departments_are_refused(value: str) -> None:
    with pytest.raises(CodecIdentifier):
        ids.check_department(value)


@given(st.text(max_size=40) | st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=19))
def test_any_text_as_a_department_is_taken_as_it_is_or_refused(value: str) -> None:
    with contextlib.suppress(CodecIdentifier):
        assert ids.check_department(value) == value


def test_planes() -> None:
    assert [Plane.from_byte(plane.byte) for plane in Plane] == list(Plane)
    for value in set(range(256)) - {plane.byte for plane in Plane}:
        with pytest.raises(CodecIdentifier):
            Plane.from_byte(value)


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_uuid7_has_time_version_and_variant(now_ms: int, random: bytes) -> None:
    made = ids.uuid7(now_ms, random)
    assert len(made) == ids.ENVELOPE_ID_BYTES
    assert int.from_bytes(made[:6], "big") == now_ms
    assert made[6] >> 4 == 7
    assert made[8] >> 6 == 2
    assert made[7] == random[1]
    assert made[9:] == random[3:]
