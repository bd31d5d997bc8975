"""Cells of a worksheet that is read row by row: merged ranges filled, values made exact."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from ortoo_node.sources.folder.text import change_of
from ortoo_protocol.core.errors import SourceRowCell, SourceRowDigits, SourceRowFormula

EXACT_DIGITS = 15  # of a number in a spreadsheet
_ZEROS = re.compile(r"0{2,}")


class Merged:
    """Fills cells below and right of a merged range's first cell. Rows come in order."""

    def __init__(self, refs: Sequence[str]) -> None:
        from openpyxl.utils import range_boundaries

        bounds = []
        for ref in refs:
            left, top, right, bottom = (each or 1 for each in range_boundaries(ref))
            bounds.append((top, left, bottom, right))
        self._coming = sorted(bounds, reverse=True)
        self._open: list[tuple[int, int, int, Any]] = []  # bottom, left, right, first cell

    def fill(self, number: int, cells: Sequence[Any], *, across: bool) -> Sequence[Any]:
        """`across`: also to the right, which in a header would be one name twice."""
        while self._coming and self._coming[-1][0] <= number:
            top, left, bottom, right = self._coming.pop()
            if top == number and left <= len(cells):
                self._open.append((bottom, left, right, cells[left - 1]))
        if not self._open:
            return cells
        self._open = [each for each in self._open if each[0] >= number]
        filled = list(cells)
        for _, left, right, first in self._open:
            # A range over all columns is a line of text, not 16,384 values.
            last = min(right, max(len(filled), left + 1_000)) if across else left
            filled.extend([NOTHING] * (last - len(filled)))
            filled[left - 1 : last] = [first] * (last - left + 1)
        return filled


class _Nothing:
    value, data_type, number_format = None, "n", "General"


NOTHING = _Nothing()


class CellValue:
    """The value of one item in a row."""

    def __init__(self, letter: str, place: int, file: str, bare: set[str]) -> None:
        from openpyxl.utils import get_column_letter

        self._letter = letter
        self._place = place
        self._file = file
        self._bare = bare
        self._column = get_column_letter(place + 1)
        self._change = change_of(letter)

    def ref(self, number: int) -> str:
        return f"{self._column}{number}"

    def cell(self, cells: Sequence[Any]) -> Any:
        return cells[self._place] if self._place < len(cells) else NOTHING

    def of(self, number: int, cells: Sequence[Any]) -> object:
        """Raises SourceRow."""
        cell = self.cell(cells)
        value = cell.value
        if value is None:
            if self._bare and self.ref(number) in self._bare:
                raise SourceRowFormula(line=number, file=self._file, cell=self.ref(number))
            return None
        if cell.data_type == "e":
            where = self.ref(number)
            raise SourceRowCell(line=number, file=self._file, cell=where, shown=str(value))
        if type(value) is str:
            return self._change(value)
        return self._text(value, cell, number) if self._letter in "CM" else value

    def _text(self, value: object, cell: Any, number: int) -> object:
        if isinstance(value, datetime) and value.time() == time(0):
            return value.date().isoformat()
        if isinstance(value, (date, time)):
            return value.isoformat()
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int:
            return value
        if len(str(abs(value))) > EXACT_DIGITS:
            raise SourceRowDigits(line=number, file=self._file, cell=self.ref(number))
        shape = _shape(cell)
        return str(value).zfill(len(shape)) if _ZEROS.fullmatch(shape) else str(value)


def _shape(cell: Any) -> str:
    """The cell's number format, if the workbook has it."""
    try:
        return cell.number_format or ""
    except (IndexError, KeyError):
        return ""
