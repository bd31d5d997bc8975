"""One look through the XML of a worksheet before it is read: whether it is whole and within bounds,
and what openpyxl does not tell.

Reading row by row, openpyxl knows no merged cells, gives nothing both for an empty cell and for a
formula that was never calculated, and makes as many cells as a reference claims.
"""

from __future__ import annotations

import lzma
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

PIECE_BYTES = 1 << 18
# What openpyxl and the libraries below it raise on a file that is no workbook.
UNREADABLE: tuple[type[Exception], ...] = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    EOFError,
    OSError,
    SyntaxError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
)
MOST_NOTED = 100_000
MOST_ROWS = 1_048_576
_NUMBER = re.compile(r"[+-]?(\d{1,400}\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_REF = re.compile(r"[A-Z]{1,3}([1-9][0-9]{0,6})", re.ASCII)


class Unfit(Exception):
    """The sheet is no acceptable XML, or has more merged cells or bare formulas than are noted."""


class Beyond(Unfit):
    """Cell `ref` goes beyond a bound."""

    def __init__(self, ref: str, bound: str) -> None:
        super().__init__(f"cell {ref} is beyond the {bound}")
        self.ref = ref
        self.bound = bound


@dataclass(frozen=True)
class Bounds:
    """`row`: the last that may hold something. `characters`: of one cell."""

    row: int = MOST_ROWS
    characters: int = 1 << 30


@dataclass
class Noted:
    """References as they stand in the file (``B2:B9``, ``C5``); the last row with something."""

    merged: list[str] = field(default_factory=list)
    bare_formulas: set[str] = field(default_factory=set)
    last_row: int = 0


@dataclass
class _Cell:
    ref: str
    kind: str  # n number, s shared text, str and inlineStr text, b truth, e error, d date
    has_formula: bool = False
    value: str = ""
    characters: int = 0  # of everything in it


class _Look:
    def __init__(self, texts: int, bounds: Bounds) -> None:
        self.noted = Noted()
        self._texts = texts
        self._bounds = bounds
        self._row = 0
        self._cell: _Cell | None = None
        self._in_value = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        if name == "c":
            ref = attributes.get("r", "")
            if ref:
                _check(ref)
            self._cell = _Cell(ref, attributes.get("t", "n"))
        elif name == "row":
            number = attributes.get("r", str(self._row + 1))
            if len(number) > 7 or not number.isdecimal() or int(number) > MOST_ROWS:
                raise Unfit("a row beyond the last one")
            self._row = int(number)
        elif name == "f" and self._cell is not None:
            self._cell.has_formula = True
        elif name == "v":
            self._in_value = True
        elif name == "mergeCell":
            self._note(len(self.noted.merged))
            ref = attributes.get("ref", "")
            for corner in ref.split(":", 1):
                _check(corner)
            self.noted.merged.append(ref)

    def end(self, tag: str) -> None:
        name = tag.rpartition(" ")[2]
        if name == "v":
            self._in_value = False
        elif name == "c" and self._cell is not None:
            cell, self._cell = self._cell, None
            if cell.characters:
                self._note_row(cell)
            if cell.value:
                self._check_value(cell)
            elif cell.has_formula and cell.kind not in ("str", "inlineStr"):
                self._note(len(self.noted.bare_formulas))
                self.noted.bare_formulas.add(cell.ref)

    def text(self, text: str) -> None:
        cell = self._cell
        if cell is None:
            return
        cell.characters += len(text)
        if cell.characters > self._bounds.characters:
            raise Beyond(cell.ref, "characters")
        if self._in_value:
            cell.value += text

    def _note_row(self, cell: _Cell) -> None:
        if self._row > self._bounds.row:
            raise Beyond(cell.ref, "row")
        self.noted.last_row = max(self.noted.last_row, self._row)

    def _check_value(self, cell: _Cell) -> None:
        """What openpyxl would stumble over in the middle of the rows."""
        value = cell.value.strip()
        if cell.kind == "s" and not (value.isdecimal() and int(value) < self._texts):
            raise Unfit(f"cell {cell.ref} names a text that is not there")
        if cell.kind == "n" and not _NUMBER.fullmatch(value):
            raise Unfit(f"cell {cell.ref} is no number")

    def _note(self, count: int) -> None:
        if count >= MOST_NOTED:
            raise Unfit(f"more than {MOST_NOTED} merged cells or formulas without a value")


def _check(ref: str) -> None:
    found = _REF.fullmatch(ref)
    if not found or int(found[1]) > MOST_ROWS:
        raise Unfit("a cell beyond the last one")


_ORDINARY = Bounds()


def look_through(sheet: BinaryIO, texts: int, bounds: Bounds = _ORDINARY) -> Noted:
    """Read `sheet` to its end; the workbook shares so many `texts`. Raises Unfit, which is Beyond
    for what goes beyond `bounds`; errors of the archive are its own."""
    parser = expat.ParserCreate(namespace_separator=" ")
    look = _Look(texts, bounds)
    parser.StartElementHandler = look.start
    parser.EndElementHandler = look.end
    parser.CharacterDataHandler = look.text
    parser.StartDoctypeDeclHandler = _no_doctype
    try:
        while piece := sheet.read(PIECE_BYTES):
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Unfit(str(error)) from None
    return look.noted


def _no_doctype(*_: object) -> None:
    raise Unfit("it declares a document type")
