"""What runs a declared query: bound parameters in, rows out, within its limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from ortoo_node.sources.values import converters
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import QuerySource, RowsValue
from ortoo_protocol.core.feeds import Column

Row = tuple[Scalar, ...]


@dataclass(frozen=True)
class Limits:
    rows: int
    bytes: int
    timeout_ms: int


@dataclass(frozen=True)
class Found:
    """`cut`: `rows` when there were more than may be given, else empty."""

    rows: Sequence[Row]
    cut: str


class Runner(Protocol):
    """For the threads of its query alone: it may block for as long as its timeout."""

    def run(self, bound: Mapping[str, Scalar], columns: Sequence[Column], limits: Limits) -> Found:
        """Rows of exactly `columns`, in this order, canonical. Raises QueryError."""
        ...


@lru_cache(maxsize=1_024)
def _converters(columns: tuple[Column, ...]) -> tuple[Callable[[object], Scalar], ...]:
    """They are made in more time than a row takes."""
    return converters(columns)


def typed(rows: Iterable[Sequence[object]], columns: Sequence[Column], most: int) -> Found:
    """Raises QuerySource: a value is not of its item's type. At most `most` rows; one more that
    was there is said, never given."""
    change = _converters(tuple(columns))
    taken: list[Row] = []
    for row in rows:
        if len(taken) == most:
            return Found(taken, "rows")
        try:
            taken.append(tuple([make(v) for make, v in zip(change, row, strict=True)]))
        except RowsValue as error:
            detail = f"{error.facts['column']} {error.facts['detail']}"
            raise QuerySource(detail=detail) from None
    return Found(taken, "")
