"""Differences against a model, and batches against their bounds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ortoo_protocol.core.diff import batches, difference
from ortoo_protocol.core.errors import RowsKey, RowsTooLarge, RowsUnread
from ortoo_protocol.core.frames import frame

Row = tuple[int, str]
tables = st.dictionaries(st.integers(0, 30), st.text(max_size=2), max_size=20)


def key_of(row: Row) -> int:
    return row[0]


def hash_of(row: Row) -> bytes:
    return row[1].encode()


@given(tables, tables)
def test_changes_turn_the_old_table_into_the_new(old: dict[int, str], new: dict[int, str]) -> None:
    shadow = {row[0]: hash_of(row) for row in old.items()}
    upserts, deletes = difference(shadow, iter(new.items()), key_of, hash_of)
    changed = dict(upserts)
    gone = set(deletes)
    table = {key: text for key, text in (old | changed).items() if key not in gone}
    assert table == new
    assert all(old.get(key) != text for key, text in changed.items())
    assert gone == old.keys() - new.keys()


def test_rows_are_read_as_upserts_are_taken() -> None:
    read: list[int] = []

    def rows() -> Iterator[Row]:
        for number in range(1_000):
            read.append(number)
            yield number, "x"

    upserts, _ = difference({}, rows(), key_of, hash_of)
    assert read == []
    next(upserts)
    assert read == [0]


def test_a_source_that_breaks_off_deletes_nothing() -> None:
    def rows() -> Iterator[Row]:
        yield 1, "a"
        raise ConnectionError

    upserts, deletes = difference({1: b"a", 2: b"b"}, rows(), key_of, hash_of)
    with pytest.raises(ConnectionError):
        list(upserts)
    with pytest.raises(RowsUnread):
        list(deletes)


def test_deletes_before_upserts_are_refused() -> None:
    _, deletes = difference({1: b"a"}, iter([(1, "a")]), key_of, hash_of)
    with pytest.raises(RowsUnread):
        next(deletes)


def test_two_rows_of_one_key_are_refused() -> None:
    upserts, _ = difference({}, iter([(1, "a"), (1, "b")]), key_of, hash_of)
    with pytest.raises(RowsKey):
        list(upserts)


@given(st.lists(st.binary(max_size=40)), st.integers(48, 200), st.integers(1, 7))
def test_batches_keep_order_and_bounds(parts: list[bytes], most_bytes: int, most: int) -> None:
    made = list(batches(iter(parts), most_bytes, most))
    assert [part for batch in made for part in batch] == parts
    assert all(1 <= len(batch) <= most for batch in made)
    assert all(len(frame(batch)) <= most_bytes for batch in made)
    for batch, after in pairwise(made):
        assert len(batch) == most or len(frame([*batch, after[0]])) > most_bytes


def test_a_row_that_just_fits_and_one_that_does_not() -> None:
    assert list(batches([b"x" * 92], 100)) == [(b"x" * 92,)]
    taken = batches([b"a", b"x" * 93], 100)
    assert next(taken) == (b"a",)
    with pytest.raises(RowsTooLarge) as caught:
        next(taken)
    assert caught.value.facts == {"size_bytes": 93, "most_bytes": 100}


def test_nothing_makes_no_batch() -> None:
    assert list(batches([])) == []
