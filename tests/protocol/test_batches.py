"""Batches of row parts against their bounds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ortoo_protocol.core.batches import batches
from ortoo_protocol.core.errors import RowsTooLarge
from ortoo_protocol.core.frames import frame


@given(st.lists(st.binary(max_size=40)), st.integers(48, 200), st.integers(1, 7))
def test_batches_keep_order_and_bounds(parts: list[bytes], most_bytes: int, most: int) -> None:
    made = list(batches(iter(parts), most_bytes, most))
    assert made == list(batches(parts, most_bytes, most))
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
