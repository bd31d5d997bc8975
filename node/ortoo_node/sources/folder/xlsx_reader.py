"""Excel workbooks (.xlsx), streamed row by row through openpyxl.

Merged cells have the value of their first cell, formulas the value that was calculated when the
file was saved. A formula without one, a cell that shows an error, and a code that was kept as a
number and rounded set their row aside by name. Zeros that a number format shows (``000000``)
belong to a code and are kept.
"""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

from ortoo_node.sources.folder import xlsx_sheet
from ortoo_node.sources.folder.rows import (
    HEADER_ROWS,
    Asked,
    Header,
    Line,
    check_complete,
    find_header,
    shown,
)
from ortoo_node.sources.folder.spool import Copied
from ortoo_node.sources.folder.xlsx_cells import CellValue, Merged
from ortoo_protocol.core.errors import (
    SourceFile,
    SourceFileSize,
    SourceRow,
)
from ortoo_protocol.i18n import mark

MOST_BYTES = 4 << 30  # unpacked: sheets are streamed
MOST_KEPT_BYTES = 64 << 20  # unpacked: of what openpyxl keeps in memory
MOST_PARTS = 10_000
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # .xls, and .xlsx with a password
_log = logging.getLogger(__name__)


def read_xlsx(copied: Copied, asked: Asked) -> Iterator[Line]:
    """The rows of the sheet that the options name, else of the first. Raises SourceFile and what
    is below it, all before the first row."""
    file = shown(copied.name)
    with _named(file, asked):
        _check_archive(copied, file, asked)
        sheet = _open(copied, file, asked)
        noted = _noted(sheet)
    merged = Merged(noted.merged)
    first = (
        (number, [cell.value for cell in merged.fill(number, cells, across=False)])
        for number, cells in _cells(sheet, file, asked)
    )
    most = max(HEADER_ROWS, asked.options.header_row)
    header, at = find_header(islice(first, most), asked, copied.name)
    header = check_complete(header, asked, copied.name)
    if header.extra:
        _log.info("%s: columns that nobody asked for: %s", file, ", ".join(header.extra))
    return _rows(sheet, noted, header, at, asked, file)


def first_rows(copied: Copied, asked: Asked) -> list[tuple[int, Sequence[object]]]:
    """The rows among which a header may stand. Raises SourceFile and what is below it."""
    file = shown(copied.name)
    with _named(file, asked):
        _check_archive(copied, file, asked)
        sheet = _open(copied, file, asked)
        merged = Merged(_noted(sheet).merged)
    most = max(HEADER_ROWS, asked.options.header_row)
    return [
        (number, [cell.value for cell in merged.fill(number, cells, across=False)])
        for number, cells in islice(_cells(sheet, file, asked), most)
    ]


def _check_archive(copied: Copied, file: str, asked: Asked) -> None:
    """Sizes that the archive states are bounds: zipfile unpacks no more than them."""
    copied.file.seek(0)
    if copied.file.read(len(_OLE)) == _OLE:
        detail = mark("it is an old .xls or has a password: save it as .xlsx without one")
        raise SourceFile(file=file, name=asked.source, detail=detail)
    with zipfile.ZipFile(copied.file) as archive:
        parts = archive.infolist()
    sheets = [part for part in parts if part.filename.startswith("xl/worksheets/")]
    kept = sum(part.file_size for part in parts if part not in sheets and _is_read(part.filename))
    all_ = sum(part.file_size for part in sheets)
    for size, limit in ((kept, MOST_KEPT_BYTES), (all_, MOST_BYTES)):
        if size > limit or len(parts) > MOST_PARTS:
            raise SourceFileSize(file=file, name=asked.source, limit_mb=limit >> 20)


def _is_read(name: str) -> bool:
    """Pictures and the like are never unpacked."""
    return name.endswith((".xml", ".rels"))


def _open(copied: Copied, file: str, asked: Asked) -> Any:
    import openpyxl  # 10 MB that only stations with workbooks need

    copied.file.seek(0)
    book = openpyxl.load_workbook(
        copied.file, read_only=True, data_only=True, keep_links=False, keep_vba=False
    )
    wanted = asked.options.sheet
    if wanted and wanted not in book.sheetnames:
        detail = mark("it has no sheet of the name in [[folders.files]]")
        raise SourceFile(file=file, name=asked.source, detail=detail)
    sheet = book[wanted] if wanted else next(iter(book.worksheets), None)
    if sheet is None:
        raise SourceFile(file=file, name=asked.source, detail=mark("it has no sheet with cells"))
    # The extent that a file states is often wrong, and rows would be cut by it.
    sheet.reset_dimensions()
    return sheet


def _noted(sheet: Any) -> xlsx_sheet.Noted:
    # Which part of the archive a sheet is, openpyxl alone has worked out.
    with closing(sheet._get_source()) as part:
        return xlsx_sheet.look_through(part, len(sheet._shared_strings))


def _cells(sheet: Any, file: str, asked: Asked) -> Iterator[tuple[int, Sequence[Any]]]:
    with _named(file, asked):
        yield from enumerate(sheet.iter_rows(), 1)


def _rows(
    sheet: Any, noted: xlsx_sheet.Noted, header: Header, at: int, asked: Asked, file: str
) -> Iterator[Line]:
    places = [place for place in header.places if place is not None]
    merged = Merged(noted.merged)
    values = [
        CellValue(letter, place, file, noted.bare_formulas)
        for letter, place in zip(asked.letters, places, strict=True)
    ]
    head: list[object] = []
    for number, cells in _cells(sheet, file, asked):
        filled = merged.fill(number, cells, across=True)
        shown_ = [value.cell(filled).value for value in values]
        if number <= at:
            head = shown_
        elif shown_ == head:
            continue  # the header again, as on each page of a printed table
        elif any(each is not None for each in shown_) or _bare(noted, number, values):
            try:
                yield number, tuple([value.of(number, filled) for value in values])
            except SourceRow as error:
                yield number, error


def _bare(noted: xlsx_sheet.Noted, number: int, values: Sequence[CellValue]) -> bool:
    """Whether a row that looks empty has formulas that were never calculated."""
    refs = noted.bare_formulas
    return bool(refs) and any(value.ref(number) in refs for value in values)


@contextmanager
def _named(file: str, asked: Asked) -> Iterator[None]:
    """openpyxl raises whatever its parsers met in a file that is none."""
    try:
        yield
    except (SourceFile, SourceRow):
        raise
    except xlsx_sheet.Unfit as error:
        raise SourceFile(file=file, name=asked.source, detail=str(error)) from None
    except (zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        raise SourceFile(file=file, name=asked.source, detail=str(error)) from None
    except xlsx_sheet.UNREADABLE as error:
        detail = mark("it is no workbook that can be read")
        _log.info("%s: %s: %s", file, type(error).__name__, error)
        raise SourceFile(file=file, name=asked.source, detail=detail) from error
