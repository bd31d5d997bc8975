"""A sheet of cells, whatever file it stands in: first rows, rows of text, merged cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ortoo_protocol.core.errors import CellError

HEADER_ROWS = 30  # where a header may stand, below titles and notes
MOST_ROWS = 100_000  # below the header
MOST_COLUMNS = 400
MOST_CHARACTERS = 32_767  # of a cell, as spreadsheet programs have it

Value = str | CellError | None
Row = tuple[int, Sequence[Value]]
"""(number of the row, what stands in the columns that were asked for)."""


@dataclass(frozen=True, order=True)
class Span:
    """Rows `first` to `last` of column `left` (from 0) that are one merged cell, `right` its last
    column."""

    left: int
    first: int
    last: int
    right: int


class Grid(Protocol):
    """`title`: of the worksheet, empty for a file that has none. `last_row`: with something in
    it."""

    title: str
    last_row: int
    spans: Sequence[Span]

    def head(self) -> Sequence[Sequence[str]]:
        """The first rows; a merged cell's text in each of its columns."""
        ...

    def rows(self, after: int, places: Sequence[int]) -> Iterator[Row]:
        """The rows below row `after`: the cells at `places` (from 0). A cell without a usable text
        is an error."""
        ...


def letter(place: int) -> str:
    """The name of a column (from 0): A to XFD."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(65 + rest) + name
    return name


def ref(row: int, place: int) -> str:
    return f"{letter(place)}{row}"
