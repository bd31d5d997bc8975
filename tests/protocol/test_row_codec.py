"""Rows many at a time give what rows one by one give, and refuse what they refuse."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import CodecError, CodecShape, RowsValue
from ortoo_protocol.core.feeds import (
    DELETE,
    EVENT_COLUMNS,
    EVENT_KEY,
    UPSERT,
    Changes,
    Column,
    RowChange,
    TableSchema,
    is_events,
    row_part,
)
from ortoo_protocol.core.row_codec import RowCodec, columns_of, delete_part, key_bytes, upsert_part
from ortoo_protocol.core.rows import checks

LETTERS = "CMNYDTBFILG"
COLUMNS = tuple(Column(f"x{letter}", letter, 6 if letter == "C" else 0) for letter in LETTERS)
SCHEMA = TableSchema(number=1, columns=(Column("id", "I", 0), *COLUMNS), key=("id",))
EVENTS = TableSchema(number=1, columns=(*EVENT_COLUMNS, *COLUMNS), key=EVENT_KEY)
GOOD: dict[str, st.SearchStrategy[Scalar]] = {
    "C": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6),
    "M": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    "N": st.sampled_from(["0", "-1.50", "12345678901234567890.1"]),
    "Y": st.decimals(allow_nan=False, allow_infinity=False)
    .map(lambda d: format(d, "f"))
    .map(lambda text: text if text[:2] not in ("-0", "0E") else "0"),
    "D": st.dates().map(str),
    "T": st.datetimes().map(lambda moment: moment.isoformat()),
    "B": st.floats(allow_nan=False, allow_infinity=False),
    "F": st.floats(allow_nan=False, allow_infinity=False),
    "I": st.integers(-(1 << 63), (1 << 63) - 1),
    "L": st.booleans(),
    "G": st.binary(),
}
ANY: st.SearchStrategy[Scalar] = st.one_of(
    st.none(), st.booleans(), st.integers(-(1 << 63), (1 << 63) - 1), st.floats(), st.binary(),
    st.text(st.characters(exclude_categories=["Cs"])),
)  # fmt: skip
good_values = st.tuples(*(st.none() | GOOD[letter] for letter in LETTERS))
good_rows = st.tuples(st.integers(0, 5), good_values).map(lambda row: (row[0], *row[1]))
any_rows = st.tuples(*[ANY] * len(SCHEMA.columns))


@given(good_rows)
def test_the_bytes_are_those_of_row_part(row: tuple[Scalar, ...]) -> None:
    assert upsert_part(row) == row_part(RowChange(UPSERT, row))
    assert delete_part(row[:1]) == row_part(RowChange(DELETE, row[:1]))
    assert RowCodec(SCHEMA).key(row) == key_bytes(row[:1])


@given(st.lists(good_rows | st.integers(0, 5)))
def test_the_last_change_of_a_key_decides(given_: list[tuple[Scalar, ...] | int]) -> None:
    table: dict[Scalar, tuple[Scalar, ...] | None] = {}
    parts = []
    for each in given_:
        if isinstance(each, int):
            table[each] = None
            parts.append(delete_part((each,)))
        else:
            table[each[0]] = each
            parts.append(upsert_part(each))
    changes = RowCodec(SCHEMA).read(parts)
    assert changes.checked
    assert {row[0]: row for row in changes.upserts} == {k: v for k, v in table.items() if v}
    assert sorted(key[0] for key in changes.deletes) == sorted(
        key for key, row in table.items() if row is None
    )


def one_by_one(row: tuple[object, ...]) -> bool:
    try:
        for check, value in zip(checks(SCHEMA), row, strict=True):
            check(value)
    except RowsValue:
        return False
    return True


@given(st.lists(any_rows | good_rows, max_size=3))
def test_fits_never_lets_more_through_than_the_checks(rows: list[tuple[Scalar, ...]]) -> None:
    """And it lets through whatever they do."""
    assert RowCodec(SCHEMA).fits(rows) == all(map(one_by_one, rows))


@given(st.lists(good_rows))
def test_many_rows_give_the_bytes_of_each(rows: list[tuple[Scalar, ...]]) -> None:
    codec, columns = RowCodec(SCHEMA), columns_of(rows)
    assert codec.upserts(columns) == [upsert_part(row) for row in rows]
    assert codec.keys(columns) == [codec.key(row) for row in rows]
    twice = RowCodec(TableSchema(number=1, columns=COLUMNS[:3], key=("xN", "xC")))
    short = [row[1:4] for row in rows]
    assert twice.keys(columns_of(short)) == [twice.key(row) for row in short]


@given(st.lists(any_rows | good_rows, max_size=3))
def test_what_is_read_is_what_fits(rows: list[tuple[Scalar, ...]]) -> None:
    """The short way of reading lets through what the checks do, and nothing else."""
    codec = RowCodec(SCHEMA)
    fast = codec._fast([msgspec.msgpack.encode((UPSERT, *row)) for row in rows])
    assert fast == (rows if all(map(one_by_one, rows)) else None)


@given(any_rows.filter(lambda row: not one_by_one(row)))
def test_a_wrong_value_is_named(row: tuple[Scalar, ...]) -> None:
    if any(type(value) is float and not math.isfinite(value) for value in row):
        return  # refused before its column is looked at
    with pytest.raises(RowsValue):
        RowCodec(SCHEMA).read([upsert_part((1, *[None] * 11)), upsert_part(row)])


@pytest.mark.parametrize(
    "part", [b"", b"\x91\xc1", b"\x80", b"\x90", b"\x91\x02", b"\x93\x00\x01\x90", b"\x92\xc3\x01"]
)
def test_what_is_no_row(part: bytes) -> None:
    for read in (RowCodec(SCHEMA).read, RowCodec(SCHEMA).read_rows):
        with pytest.raises(CodecError):
            read([part])


def test_a_snapshot_holds_no_delete() -> None:
    with pytest.raises(CodecShape):
        RowCodec(SCHEMA).read_rows([delete_part((1,))])


@given(st.lists(good_values, max_size=5), st.integers(1, 1 << 53))
def test_events_are_named_by_their_place(rows: list[tuple[Scalar, ...]], seq: int) -> None:
    assert is_events(EVENTS)
    assert not is_events(SCHEMA)
    changes = RowCodec(EVENTS).read_events([upsert_part(row) for row in rows], seq)
    assert changes == Changes([(seq, at, *row) for at, row in enumerate(rows)], (), checked=True)


def test_events_that_are_none() -> None:
    codec = RowCodec(EVENTS)
    with pytest.raises(CodecShape):
        codec.read_events([delete_part(("x",))], 1)
    with pytest.raises(RowsValue, match="xC"):
        codec.read_events([upsert_part(("much too long", *[None] * 10))], 1)
