"""CSV as a grid: UTF-8, GB18030 (GBK) or UTF-16, separated by , ; tab or |.

References are those that a spreadsheet program shows when it has opened the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO

from ortoo_node.catalog.sheets.grid import (
    HEADER_ROWS,
    MOST_CHARACTERS,
    MOST_COLUMNS,
    Row,
    Span,
    Value,
)
from ortoo_node.catalog.sheets.header import score
from ortoo_node.folders import FileOptions
from ortoo_node.sources.folder.csv_reader import DELIMITERS, Text, find_encoding
from ortoo_node.sources.folder.rows import Asked
from ortoo_node.sources.folder.spool import Copied
from ortoo_protocol.core.errors import (
    CellText,
    SheetEncoding,
    SheetLine,
    SourceFileEncoding,
    SourceFileLine,
)

# What a spreadsheet program would calculate is written with this before it.
APOSTROPHE = "'"
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class CsvGrid:
    """Looked through once before it is read. Raises SheetEncoding, SheetLine."""

    title = ""
    spans: Sequence[Span] = ()

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = name
        copied = Copied(file, name, "")
        asked = Asked(name, (), {}, FileOptions())
        try:
            self._text = Text(copied, asked, find_encoding(copied, asked))
        except SourceFileEncoding as error:
            facts = {each: error.facts[each] for each in ("encoding", "place")}
            raise SheetEncoding(file=name, **facts) from None
        self._delimiter = max(DELIMITERS, key=self._score)
        self.last_row = sum(1 for _ in self._records(self._delimiter))

    def head(self) -> Sequence[Sequence[str]]:
        return self._first(self._delimiter)

    def rows(self, after: int, places: Sequence[int]) -> Iterator[Row]:
        for number, cells in enumerate(self._records(self._delimiter), 1):
            if number > after:
                yield number, [_value(cells, place) for place in places]

    def everything(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Every row with its cells, as they stand there."""
        return enumerate(self._records(self._delimiter), 1)

    def _score(self, delimiter: str) -> int:
        try:
            return score(self._first(delimiter))
        except SheetLine:  # quotes that do not match between these
            return -1

    def _first(self, delimiter: str) -> list[list[str]]:
        head = []
        for cells in islice(self._records(delimiter), HEADER_ROWS + 1):
            head.append([cell[:200] for cell in cells[:MOST_COLUMNS]])
        return head

    def _records(self, delimiter: str) -> Iterator[list[str]]:
        try:
            for _, cells in self._text.records(delimiter):
                yield cells
        except SourceFileLine as error:
            line, detail = error.facts["line"], error.facts["detail"]
            raise SheetLine(file=self._file, line=line, detail=detail) from None


def _value(cells: Sequence[str], place: int) -> Value:
    text = cells[place] if place < len(cells) else ""
    if len(text) > MOST_CHARACTERS:
        return CellText(characters=len(text), limit=MOST_CHARACTERS)
    return unguarded(text) or None


def guarded(text: str) -> str:
    """`text` so that a spreadsheet program does not calculate it."""
    return APOSTROPHE + text if text.startswith((*FORMULA, APOSTROPHE)) else text


def unguarded(text: str) -> str:
    """What `guarded` was given."""
    if text.startswith(APOSTROPHE) and text[1:].startswith((*FORMULA, APOSTROPHE)):
        return text[1:]
    return text
