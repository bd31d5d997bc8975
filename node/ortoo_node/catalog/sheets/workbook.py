"""Workbooks (.xlsx) as grids, streamed through openpyxl within bounds.

What stands outside the sheets is read by openpyxl as a whole, wherever the archive's list of parts
says it is: so every part that is no worksheet has to be small, whatever its name.
"""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree import ElementTree

from ortoo_node.catalog.sheets.grid import (
    HEADER_ROWS,
    MOST_CHARACTERS,
    MOST_COLUMNS,
    MOST_ROWS,
    Row,
    Span,
    Value,
)
from ortoo_node.sources.folder.xlsx_cells import CellValue, Merged
from ortoo_node.sources.folder.xlsx_sheet import (
    UNREADABLE,
    Beyond,
    Bounds,
    Noted,
    Unfit,
    look_through,
)
from ortoo_protocol.core.errors import (
    CellDigits,
    CellError,
    CellFormula,
    CellShowsError,
    CellText,
    SheetCellSize,
    SheetError,
    SheetKind,
    SheetMacros,
    SheetOld,
    SheetPassword,
    SheetRows,
    SheetUnpacks,
    SourceRow,
    SourceRowCell,
    SourceRowDigits,
)
from ortoo_protocol.i18n import mark

MOST_SHEET_BYTES = 512 << 20  # unpacked: of all sheets, which are streamed
MOST_TEXT_BYTES = 64 << 20  # unpacked: of the texts that cells share
MOST_PART_BYTES = 8 << 20  # unpacked: of any other part
MOST_PARTS = 2_000
MOST_SHEETS = 50
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_MANIFEST = "[Content_Types].xml"
_PIECE_BYTES = 1 << 20
_log = logging.getLogger(__name__)


class Book:
    """An open workbook; `close` it. Raises SheetError."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._file: BinaryIO = path.open("rb")
        try:
            with named(self.name):
                _check_file(self._file, self.name)
                self._book = _load(self._file)
        except SheetError:
            self._file.close()
            raise

    def close(self) -> None:
        self._book.close()
        self._file.close()

    def grids(self) -> Iterator[WorkbookGrid]:
        """The sheets in their order; each is looked through before it is read."""
        for sheet in self._book.worksheets[:MOST_SHEETS]:
            with named(self.name):
                sheet.reset_dimensions()
                noted = _noted(sheet, self.name)
            yield WorkbookGrid(sheet, noted, self.name)


class WorkbookGrid:
    def __init__(self, sheet: Any, noted: Noted, file: str) -> None:
        self.title = str(sheet.title)
        self.last_row = noted.last_row
        self.spans: Sequence[Span] = sorted(_spans(noted))
        self._sheet = sheet
        self._noted = noted
        self._file = file

    def head(self) -> Sequence[Sequence[str]]:
        merged = Merged(self._noted.merged)
        head = []
        for number, cells in self._cells(HEADER_ROWS + 1, MOST_COLUMNS):
            filled = merged.fill(number, cells, across=True)[:MOST_COLUMNS]
            head.append(["" if c.value is None else str(c.value)[:200] for c in filled])
        return head

    def rows(self, after: int, places: Sequence[int]) -> Iterator[Row]:
        merged = Merged(self._noted.merged)
        readers = [CellValue("C", place, self._file, self._noted.bare_formulas) for place in places]
        for number, cells in self._cells(self.last_row, max(places) + 1):
            filled = merged.fill(number, cells, across=False)
            if number > after:
                yield number, [_text(reader, number, filled) for reader in readers]

    def everything(self) -> Iterator[tuple[int, Sequence[Any]]]:
        """Every row with the values of its cells, as they stand there."""
        for number, cells in self._cells(self.last_row, MOST_COLUMNS):
            yield number, [cell.value for cell in cells]

    def _cells(self, last: int, columns: int) -> Iterator[tuple[int, Sequence[Any]]]:
        last = min(last, self.last_row)
        if last:
            with named(self._file):
                yield from enumerate(self._sheet.iter_rows(max_row=last, max_col=columns), 1)


def _text(reader: CellValue, number: int, cells: Sequence[Any]) -> Value:
    try:
        value = reader.of(number, cells)
    except SourceRow as error:
        return _said(error)
    if value is None:
        return None
    if isinstance(value, bool):
        return "是" if value else "否"
    text = str(value) if not isinstance(value, timedelta) else str(value.total_seconds())
    if len(text) > MOST_CHARACTERS:
        return CellText(characters=len(text), limit=MOST_CHARACTERS)
    return text


def _said(error: SourceRow) -> CellError:
    if isinstance(error, SourceRowCell):
        return CellShowsError(shown=error.facts["shown"])
    return CellDigits() if isinstance(error, SourceRowDigits) else CellFormula()


# --- before anything is read --------------------------------------------------------------------


def _check_file(file: BinaryIO, name: str) -> None:
    """What is no workbook, is locked, holds programs, or unpacks to more than is read."""
    if file.read(len(_OLE)) == _OLE:
        raise (SheetPassword if _holds(file, _ENCRYPTED) else SheetOld)(file=name)
    if not zipfile.is_zipfile(file):
        raise SheetKind(file=name)
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
        if any(part.flag_bits & 1 for part in parts):
            raise SheetPassword(file=name)
        if len(parts) > MOST_PARTS:
            raise SheetUnpacks(file=name, limit_mb=MOST_SHEET_BYTES >> 20)
        manifest = next((part for part in parts if part.filename == _MANIFEST), None)
        if manifest is None:
            raise SheetKind(file=name)
        if manifest.file_size > MOST_PART_BYTES:
            raise SheetUnpacks(file=name, limit_mb=MOST_PART_BYTES >> 20)
        kinds = _kinds(archive.read(manifest))
    programs = ("vbaproject.bin", "xl/macrosheets/")
    if any("macroenabled" in kind for kind in kinds.values()) or any(
        each in part.filename.casefold() for part in parts for each in programs
    ):
        raise SheetMacros(file=name)
    _check_sizes(parts, kinds, name)


def _check_sizes(parts: Sequence[zipfile.ZipInfo], kinds: dict[str, str], name: str) -> None:
    """Sizes that the archive states are bounds: zipfile unpacks no more than them."""
    sheets = 0
    for part in parts:
        kind = kinds.get(part.filename.casefold(), "")
        if kind.endswith("worksheet+xml"):
            sheets += part.file_size
            continue
        limit = MOST_TEXT_BYTES if kind.endswith("sharedstrings+xml") else MOST_PART_BYTES
        if part.file_size > limit and part.filename.endswith((".xml", ".rels", ".bin", ".vml")):
            raise SheetUnpacks(file=name, limit_mb=limit >> 20)
    if sheets > MOST_SHEET_BYTES:
        raise SheetUnpacks(file=name, limit_mb=MOST_SHEET_BYTES >> 20)


def _kinds(manifest: bytes) -> dict[str, str]:
    """The kind of each part that the manifest names, both in small letters."""
    if b"<!" in manifest:
        raise Unfit("it declares a document type")
    return {
        each.get("PartName", "").lstrip("/").casefold(): each.get("ContentType", "").casefold()
        for each in ElementTree.fromstring(manifest)  # noqa: S314 - small, without declarations
        if each.tag.endswith("}Override")
    }


def _holds(file: BinaryIO, wanted: bytes) -> bool:
    before = b""
    while piece := file.read(_PIECE_BYTES):
        if wanted in before + piece:
            return True
        before = piece[-len(wanted) :]
    return False


def _load(file: BinaryIO) -> Any:
    import openpyxl  # 10 MB that only those who import workbooks need

    file.seek(0)
    return openpyxl.load_workbook(
        file, read_only=True, data_only=True, keep_links=False, keep_vba=False
    )


def _noted(sheet: Any, file: str) -> Noted:
    # Which part of the archive a sheet is, openpyxl alone has worked out.
    bounds = Bounds(MOST_ROWS + HEADER_ROWS, MOST_CHARACTERS)
    with closing(sheet._get_source()) as part:
        try:
            return look_through(part, len(sheet._shared_strings), bounds)
        except Beyond as error:
            if error.bound == "row":
                raise SheetRows(file=file, limit=MOST_ROWS, cell=error.ref) from None
            raise SheetCellSize(file=file, cell=error.ref, limit=MOST_CHARACTERS) from None


def _spans(noted: Noted) -> Iterator[Span]:
    from openpyxl.utils import range_boundaries

    for reference in noted.merged:
        left, top, right, bottom = (each or 1 for each in range_boundaries(reference))
        yield Span(left - 1, top, bottom, right - 1)


@contextmanager
def named(file: str) -> Iterator[None]:
    """openpyxl raises whatever its parsers met in a file that is none."""
    try:
        yield
    except SheetError:
        raise
    except Unfit as error:
        raise SheetError(file=file, detail=str(error)) from None
    except zipfile.BadZipFile as error:
        raise SheetError(file=file, detail=str(error)) from None
    except UNREADABLE as error:
        _log.info("%s: %s: %s", file, type(error).__name__, error)
        detail = mark("it is no workbook that can be read")
        raise SheetError(file=file, detail=detail) from error


def is_workbook(start: bytes) -> bool:
    """Whether a file that begins with `start` is one, or was meant to be."""
    return start.startswith((b"PK", _OLE))
