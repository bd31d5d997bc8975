"""A copy of a file with each problem marked in its cell, and a sheet that lists them all.

The copy of a workbook is the workbook: its looks, its other sheets, its formulas. One that is too
large to be held in memory, and a CSV file, come back as their cells alone. Marks of an earlier copy
are taken away first, so that a copy can be mended and brought again.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ortoo_node.catalog.sheets.csv_grid import CsvGrid
from ortoo_node.catalog.sheets.looks import cell, mark, unmark
from ortoo_node.catalog.sheets.problems import Problems
from ortoo_node.catalog.sheets.reading import CSV, EXCEL, JSON, Read
from ortoo_node.catalog.sheets.summary import SUMMARY, write_summary
from ortoo_node.catalog.sheets.workbook import Book, named
from ortoo_protocol.i18n import Translator

MOST_WHOLE_BYTES = 24 << 20  # unpacked; what is larger is not held in memory
MOST_MARKS = 2_000
_TITLE_CHARACTERS = 31  # of a sheet
Marks = Mapping[int, Mapping[int, str]]
"""By row and column (from 1): what is written on the cell."""


def write_marked(source: Path, target: Path, read: Read, say: Translator) -> None:
    """Write the marked copy of `source`, an .xlsx file, to `target`. Raises SheetError."""
    marks = _marks(read.problems, say)
    if read.form == EXCEL and _fits(source):
        _whole(source, target, read, marks, say)
    else:
        _cells_alone(source, target, read, marks, say)


def _marks(problems: Problems, say: Translator) -> Marks:
    marks: dict[int, dict[int, str]] = {}
    for number, problem in enumerate(problems):
        if problem.row and number < MOST_MARKS:
            _join(marks.setdefault(problem.row, {}), problem.place + 1, problem.error, say)
    return marks


def _join(row: dict[int, str], column: int, error: Any, say: Translator) -> None:
    text = "\n".join(say.error(error))
    row[column] = f"{row[column]}\n\n{text}" if column in row else text


def _fits(source: Path) -> bool:
    with zipfile.ZipFile(source) as archive:
        return sum(part.file_size for part in archive.infolist()) <= MOST_WHOLE_BYTES


# --- the workbook itself ------------------------------------------------------------------------


def _whole(source: Path, target: Path, read: Read, marks: Marks, say: Translator) -> None:
    import openpyxl

    with named(source.name):
        book = openpyxl.load_workbook(source, keep_links=False)
    for title in book.sheetnames:
        if title.startswith(SUMMARY) and title != read.sheet:
            del book[title]
    sheet = book[read.sheet]
    for cells in sheet.iter_rows():
        for each in cells:
            unmark(each)
    firsts = {place: one.bounds[1::-1] for one in sheet.merged_cells.ranges for place in one.cells}
    for row, columns in marks.items():
        for column, text in columns.items():
            mark(sheet.cell(*firsts.get((row, column), (row, column))), text)
    summary = book.create_sheet(SUMMARY, 0)
    write_summary(summary, read, say)
    book.active = 0
    for other in book.worksheets[1:]:
        other.sheet_view.tabSelected = False
    book.save(target)


# --- its cells alone ----------------------------------------------------------------------------


def _cells_alone(source: Path, target: Path, read: Read, marks: Marks, say: Translator) -> None:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    write_summary(book.create_sheet(SUMMARY), read, say)
    if read.form != JSON:
        sheet = book.create_sheet(read.sheet or source.stem[:_TITLE_CHARACTERS])
        for number, values in _everything(source, read):
            sheet.append(list(_marked(sheet, values, marks.get(number, {}))))
    book.save(target)


def _marked(sheet: Any, values: Sequence[Any], marks: Mapping[int, str]) -> Iterator[Any]:
    for column in range(1, max(len(values), *marks, 0) + 1):
        made = cell(sheet, values[column - 1] if column <= len(values) else None)
        if column in marks:
            mark(made, marks[column])
        yield made


def _everything(source: Path, read: Read) -> Iterator[tuple[int, Sequence[Any]]]:
    """Every row with the values of its cells."""
    if read.form == CSV:
        with source.open("rb") as file:
            yield from CsvGrid(file, source.name).everything()
        return
    book = Book(source)
    try:
        for grid in book.grids():
            if grid.title == read.sheet:
                yield from grid.everything()
                return
    finally:
        book.close()
