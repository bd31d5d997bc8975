"""The header of a sheet: found by its headings, in one row or in two where groups stand above."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ortoo_node.catalog.sheets.choices import folded
from ortoo_node.catalog.sheets.columns import BY_NAME, COLUMNS, Column
from ortoo_node.catalog.sheets.grid import HEADER_ROWS, ref
from ortoo_protocol.core.errors import SheetColumns, SheetError, SheetHeader, SheetTwice

LEAST = 4  # headings that make a header
_ASIDE = re.compile(r"\([^()]*\)")
_NUMBERED = re.compile(r"^[0-9一二三四五六七八九十]+[.、)\s]+")


@dataclass(frozen=True)
class Header:
    """`places` (from 0) of the columns that were found; the header ends in `row`. `first`: the row
    in which it begins. `unknown`: headings that mean nothing here. `errors`: what stops reading,
    each with its place."""

    row: int
    first: int
    places: dict[Column, int]
    unknown: tuple[str, ...]
    errors: tuple[tuple[SheetError, int], ...]

    def has(self, level: str, field: str) -> bool:
        return any(each.level == level and each.field == field for each in self.places)


def find_header(head: Sequence[Sequence[str]], file: str) -> Header:
    """The best header among the first rows. Raises SheetHeader if there is none."""
    found = _best(head)
    if found is None:
        raise SheetHeader(file=file, rows=HEADER_ROWS)
    first, row = found
    columns = _columns(head, first, row)
    places: dict[Column, int] = {}
    errors: list[tuple[SheetError, int]] = []
    for place, column in enumerate(columns):
        if column is None:
            continue
        if column in places:
            cells = {"cell": ref(row + 1, place), "other": ref(row + 1, places[column])}
            errors.append((SheetTwice(file=file, heading=column.heading, **cells), place))
        else:
            places[column] = place
    lacking = [each.heading for each in COLUMNS if each.needed and each not in places]
    if lacking:
        error = SheetColumns(file=file, row=row + 1, columns="、".join(lacking))
        errors.append((error, min(places.values(), default=0)))
    texts = head[row]
    unknown = [
        texts[n].strip() for n, each in enumerate(columns) if each is None and n < len(texts)
    ]
    named = tuple(dict.fromkeys(filter(None, unknown)))
    return Header(row + 1, first + 1, places, named, tuple(errors))


def score(head: Sequence[Sequence[str]]) -> int:
    """How many columns the best header among these rows has."""
    found = _best(head)
    return 0 if found is None else _found(_columns(head, *found))


def _best(head: Sequence[Sequence[str]]) -> tuple[int, int] | None:
    """(first row, last row), from 0, of the header with the most columns; one row before two."""
    best, most = None, LEAST - 1
    for last in range(min(len(head), HEADER_ROWS)):
        for first in (last, last - 1):
            if first >= 0 and (found := _found(_columns(head, first, last))) > most:
                best, most = (first, last), found
    return best


def _found(columns: Sequence[Column | None]) -> int:
    return len({each for each in columns if each is not None})


def _columns(head: Sequence[Sequence[str]], first: int, last: int) -> list[Column | None]:
    lower = head[last]
    if first == last:
        return [_column(text) for text in lower]
    upper = head[first]
    width = max(len(upper), len(lower))
    pairs = zip(_padded(upper, width), _padded(lower, width), strict=True)
    return [_column(above + below) or _column(below) or _column(above) for above, below in pairs]


def _padded(texts: Sequence[str], width: int) -> list[str]:
    return [*texts, *[""] * (width - len(texts))]


def _column(text: str) -> Column | None:
    """The column that a heading names, whatever stands around the name."""
    narrow = unicodedata.normalize("NFKC", text).strip()
    bare = _NUMBERED.sub("", _ASIDE.sub("", narrow))
    for each in (narrow, bare):
        if found := BY_NAME.get(folded(each)):
            return found
    return None
