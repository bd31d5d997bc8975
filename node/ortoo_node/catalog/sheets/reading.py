"""A file of catalog entries, read: workbook, CSV or JSON, told by what stands in it.

Reading takes the processor for seconds, so it is done by whoever brings the file, never by the
service: it is handed resources, not workbooks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ortoo_node.catalog.sheets.assembling import assemble
from ortoo_node.catalog.sheets.csv_grid import CsvGrid
from ortoo_node.catalog.sheets.drafts import Draft
from ortoo_node.catalog.sheets.grid import MOST_ROWS, Grid, ref
from ortoo_node.catalog.sheets.header import Header, find_header
from ortoo_node.catalog.sheets.json_form import read_json
from ortoo_node.catalog.sheets.problems import Problem, Problems
from ortoo_node.catalog.sheets.whole import check_whole
from ortoo_node.catalog.sheets.workbook import Book, is_workbook
from ortoo_protocol.core.catalog import law
from ortoo_protocol.core.errors import (
    SheetEmpty,
    SheetError,
    SheetHeader,
    SheetRows,
)

EXCEL, CSV, JSON = "excel", "csv", "json"
MOST_JSON_BYTES = 64 << 20
_TOLD_ROWS = 100
Rules = Callable[[Mapping[str, Any]], Iterable[law.Problem]]
"""What the law and the form of an entry say against its fields."""
Progress = Callable[[int, int], None]
"""(rows read, rows in all or 0)."""


@dataclass
class Read:
    """`sheet`: the worksheet that was read; `unknown`: headings that mean nothing here."""

    form: str
    drafts: list[Draft]
    problems: Problems
    sheet: str = ""
    unknown: tuple[str, ...] = ()
    header_row: int = 0


def read(path: Path, rules: Rules, progress: Progress = lambda done, all_: None) -> Read:
    """The resources of a file and all that is wrong with them, as far as it can be seen here.

    Raises SheetError when the file as a whole cannot be used.
    """
    form = form_of(path)
    if form == JSON:
        found = Read(JSON, read_json(path, MOST_JSON_BYTES), Problems())
    else:
        with _grids(path, form) as grids:
            found = _read_grid(grids, path.name, form, progress)
    if not found.drafts and not found.problems:
        raise SheetEmpty(file=path.name)
    for draft in found.drafts:
        for each in rules(draft.fields):
            problem = draft.problem(each.error, each.field, each.item_index)
            if not draft.follows(each.field, each.item_index) or not found.problems.has(problem):
                found.problems.add(problem)
    for problem in check_whole(found.drafts):
        if not found.problems.has(problem):
            found.problems.add(problem)
    return found


def form_of(path: Path) -> str:
    """Told by its first bytes; a name alone is believed of nothing. Raises SheetError."""
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise SheetError(file=path.name, detail=error.strerror or str(error)) from None
    if is_workbook(start):
        return EXCEL
    return JSON if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")) else CSV


@contextmanager
def _grids(path: Path, form: str) -> Iterator[Iterable[Grid]]:
    if form == CSV:
        with path.open("rb") as file:
            yield [CsvGrid(file, path.name)]
        return
    book = Book(path)
    try:
        yield book.grids()
    finally:
        book.close()


def _read_grid(grids: Iterable[Grid], file: str, form: str, progress: Progress) -> Read:
    grid, header = _chosen(grids, file)
    problems = Problems()
    if header.errors:
        for error, place in header.errors:
            heading = str(error.facts.get("heading", ""))
            problems.add(Problem(error, header.row, place, heading))
        return Read(form, [], problems, grid.title, header.unknown, header.row)
    rows_in_all = max(grid.last_row - header.row, 0)
    if rows_in_all > MOST_ROWS:
        raise SheetRows(file=file, limit=MOST_ROWS, cell=ref(header.row + MOST_ROWS + 1, 0))

    def count(number: int) -> None:
        if number % _TOLD_ROWS == 0 or number == grid.last_row:
            progress(number - header.row, rows_in_all)

    rows = grid.rows(header.row, list(header.places.values()))
    drafts = list(assemble(rows, header, grid.spans, problems, count))
    return Read(form, drafts, problems, grid.title, header.unknown, header.row)


def _chosen(grids: Iterable[Grid], file: str) -> tuple[Grid, Header]:
    """The first sheet with a header that has all it needs, else the first with any."""
    best: tuple[Grid, Header] | None = None
    for grid in grids:
        try:
            header = find_header(grid.head(), file)
        except SheetHeader:
            continue
        if not header.errors:
            return grid, header
        best = best or (grid, header)
    if best is None:
        raise SheetHeader(file=file, rows=30)
    return best
