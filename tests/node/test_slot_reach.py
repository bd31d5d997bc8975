"""How far a reading of PostgreSQL's log reaches: not beyond what its snapshot of the table sees."""

from __future__ import annotations

import pytest

from ortoo_node.sources.tables.pgoutput import Changes, Transaction
from ortoo_node.sources.tables.slot import _seen_until

LOG = [Transaction(100, 10), Transaction(101, 20), Transaction(102, 30)]


@pytest.mark.parametrize(
    ("newest", "writing", "until"),
    [
        (103, set(), 30),
        (103, {101}, 10),  # committed in the log, and not seen yet
        (103, {100}, 5),
        (102, set(), 20),  # it began after the snapshot
        (103 + (7 << 32), set(), 30),  # the server counts in 64 bits, its log in 32
        (103 + (7 << 32), {101 + (7 << 32)}, 10),
    ],
)
def test_up_to_the_first_that_is_not_seen(newest: int, writing: set[int], until: int) -> None:
    assert _seen_until(Changes(transactions=list(LOG)), (newest, writing), 5) == until


def test_numbers_begin_anew() -> None:
    """The last before the numbers of transactions wrap, and the first behind."""
    last, first = (1 << 32) - 1, 3
    changes = Changes(transactions=[Transaction(last, 10), Transaction(first, 20)])
    assert _seen_until(changes, ((1 << 32) + 4, set()), 5) == 20
    assert _seen_until(changes, ((1 << 32) + 3, set()), 5) == 10
