"""msgpack in: exactly the declared shape, within bounds, or a named error."""

from __future__ import annotations

import math
import struct
from typing import Any

import msgpack  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ortoo_protocol.core import codec
from ortoo_protocol.core.codec import Count, Packed, Shape
from ortoo_protocol.core.errors import CodecError, CodecMalformed, CodecShape, CodecTooLarge
from ortoo_protocol.core.messages import KINDS
from tests.support.bodies import body_of


class Pair(Packed, frozen=True):
    left: bytes
    right: Count


class Sample(Shape, frozen=True):
    name: str
    count: Count
    data: bytes
    pairs: tuple[Pair, ...]
    note: str = ""


GOOD: dict[str, Any] = {"name": "名", "count": 1, "data": b"\xff", "pairs": [[b"l", 2]]}


def test_what_is_encoded_is_decoded() -> None:
    sample = Sample(name="名", count=1, data=b"\xff", pairs=(Pair(b"l", 2),), note="n")
    assert codec.decode(codec.encode(sample), Sample) == sample
    assert msgpack.unpackb(codec.encode(sample)) == {**GOOD, "note": "n"}


def test_a_field_with_a_default_may_be_left_out() -> None:
    assert codec.decode(msgpack.packb(GOOD), Sample).note == ""


@pytest.mark.parametrize(
    "change",
    [
        {"name": 1},
        {"name": None},
        {"name": b"bytes"},
        {"count": 1.0},
        {"count": True},
        {"count": "1"},
        {"count": -1},
        {"count": 1 << 53},
        {"count": (1 << 64) - 1},
        {"data": "text"},
        {"data": [1]},
        {"pairs": [[b"l"]]},
        {"pairs": [[b"l", 2, 3]]},
        {"pairs": [{"left": b"l", "right": 2}]},
        {"pairs": b"l"},
        {"surplus": 1},
    ],
)
def test_types_are_exact_and_fields_known(change: dict[str, Any]) -> None:
    with pytest.raises(CodecShape):
        codec.decode(msgpack.packb({**GOOD, **change}), Sample)


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_no_field_may_miss(missing: str) -> None:
    value = {name: field for name, field in GOOD.items() if name != missing}
    with pytest.raises(CodecShape):
        codec.decode(msgpack.packb(value), Sample)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "nothing"),
        (b"\x82\xa1a\x01\xa1a\x02", "a key twice"),
        (b"\x81\x01\x02", "a number as a key"),
        (b"\x81\xc4\x01a\x02", "bytes as a key"),
        (b"\x81\x90\x02", "an array as a key"),
        (b"\x01\x01", "bytes behind the value"),
        (b"\xc1", "a byte that msgpack never uses"),
        (b"\xd4\x01\x00", "an extension"),
        (b"\xd6\xff\x00\x00\x00\x00", "a time"),
        (b"\xc7\x00\x01", "an empty extension"),
        (b"\xa1\xff", "text that is no UTF-8"),
        (b"\xa3\xed\xa0\x80", "half a surrogate pair"),
        (b"\xdd\xff\xff\xff\xff", "an array of four thousand million"),
        (b"\xdf\xff\xff\xff\xff", "a map of as many"),
        (b"\xdb\xff\xff\xff\xff", "text of 4 GiB"),
        (b"\xc6\xff\xff\xff\xff", "bytes of 4 GiB"),
        (b"\x91" * 2_000 + b"\x01", "two thousand arrays within each other"),
        (b"\x81\xa1a" * 2_000 + b"\x01", "as many maps"),
        (b"\xdc\x10\x01" + b"\x01" * 4_097, "an array of more than 4,096"),
    ],
)
def test_malformed_msgpack(data: bytes, why: str) -> None:
    with pytest.raises(CodecMalformed):
        codec.unpack(data)


def test_containers_are_counted() -> None:
    assert codec.unpack(b"\x92\x90\x90", max_containers=3) == [[], []]
    with pytest.raises(CodecTooLarge):
        codec.unpack(b"\x92\x90\x90", max_containers=2)
    with pytest.raises(CodecTooLarge):
        codec.unpack(b"\x92\x80\x80", max_containers=2)


def test_longest_array() -> None:
    size = codec.MAX_ARRAY_ITEMS
    assert len(codec.unpack(b"\xdc" + size.to_bytes(2, "big") + b"\x01" * size)) == size


@pytest.mark.parametrize("value", [1 << 64, -(1 << 63) - 1, "\ud800"])
def test_what_msgpack_cannot_carry_is_refused_by_name(value: object) -> None:
    with pytest.raises(CodecMalformed):
        codec.encode([value])


def test_row_values() -> None:
    row = [None, True, -(1 << 63), (1 << 63) - 1, 0.5, "名", b"\0"]
    assert codec.check_scalars(row) is row
    for value in (math.nan, math.inf, -math.inf, 1 << 63, -(1 << 63) - 1, [], {}, (1,), object()):
        with pytest.raises(CodecMalformed):
            codec.check_scalars([value])


# --- nothing but a named error ------------------------------------------------------------------

_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for kind in KINDS:
        try:
            codec.decode(data, kind.shape)
        except CodecError:
            continue


@given(_values)
def test_any_value(value: object) -> None:
    data = msgpack.packb(value)
    for kind in KINDS:
        try:
            codec.decode(data, kind.shape)
        except CodecError:
            continue


@given(st.sampled_from(KINDS), st.data(), _values)
def test_any_value_in_the_place_of_any_field(kind: Any, data: st.DataObject, value: object) -> None:
    body = msgpack.unpackb(codec.encode(body_of(kind.shape)))
    body[data.draw(st.sampled_from(sorted(body)))] = value
    try:
        again = codec.decode(msgpack.packb(body), kind.shape)
    except CodecError:
        return
    assert codec.decode(codec.encode(again), kind.shape) == again


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_body_survives_the_way(kind: Any) -> None:
    body = body_of(kind.shape)
    assert codec.decode(codec.encode(body), kind.shape) == body


def test_numbers_need_not_be_in_their_shortest_form() -> None:
    """Nothing that was received is encoded again, so no second form can change a hash."""
    assert codec.unpack(b"\xcf" + struct.pack(">Q", 1)) == codec.unpack(b"\x01") == 1
