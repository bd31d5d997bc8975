"""CSV as it comes: with or without BOM, UTF-8, GB18030 (GBK) or UTF-16, separated by , ; tab or |.

Encoding and separator are found by rules that look at the whole file, never by likelihood: the same
bytes are always read alike. The file is looked through once before its first row leaves, so that
one whose quotes or encoding break in the middle leaves nothing. Memory is bounded by a line.
"""

from __future__ import annotations

import codecs
import csv
import io
import logging
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO

from ortoo_node.sources.folder.rows import (
    HEADER_ROWS,
    Asked,
    Header,
    Line,
    check_complete,
    find_header,
    shown,
)
from ortoo_node.sources.folder.spool import PIECE_BYTES, Copied
from ortoo_node.sources.folder.text import change_of
from ortoo_protocol.core.errors import SourceFileEncoding, SourceFileLine, SourceRowWidth
from ortoo_protocol.i18n import mark

MOST_LINE_CHARACTERS = 4 << 20  # a row that travels has at most 256 KiB
DELIMITERS = (",", ";", "\t", "|")
_HINTS = {"utf-8": "utf-8-sig", "gb18030": "gb18030", "gbk": "gb18030", "utf-16": "utf-16"}
_log = logging.getLogger(__name__)


def read_csv(copied: Copied, asked: Asked) -> Iterator[Line]:
    """The rows of a CSV file. Raises SourceFileEncoding, SourceFileLine, SourceFileColumns,
    SourceFileTwice, all before the first row."""
    text = Text(copied, asked, find_encoding(copied, asked))
    delimiter = asked.options.delimiter or _delimiter(text, asked)
    header, at = find_header(islice(text.records(delimiter), HEADER_ROWS), asked, copied.name)
    header = check_complete(header, asked, copied.name)
    if header.extra:
        _log.info("%s: columns that nobody asked for: %s", copied.name, ", ".join(header.extra))
    deque(text.records(delimiter), maxlen=0)
    return _rows(text, delimiter, header, at, asked)


def first_rows(copied: Copied, asked: Asked) -> list[tuple[int, Sequence[object]]]:
    """The rows among which a header may stand, by the delimiter that divides them most.

    Raises SourceFileEncoding, SourceFileLine.
    """
    text = Text(copied, asked, find_encoding(copied, asked))
    delimiters = (asked.options.delimiter,) if asked.options.delimiter else DELIMITERS
    most = max(HEADER_ROWS, asked.options.header_row)
    found: list[list[tuple[int, Sequence[object]]]] = []
    for delimiter in delimiters:
        try:
            found.append(list(islice(text.records(delimiter), most)))
        except SourceFileLine:
            if delimiter == delimiters[-1] and not found:
                raise
    return max(found, key=lambda rows: max((len(cells) for _, cells in rows), default=0))


def _rows(text: Text, delimiter: str, header: Header, at: int, asked: Asked) -> Iterator[Line]:
    places = [place for place in header.places if place is not None]
    pairs = list(zip(places, map(change_of, asked.letters), strict=True))
    records = text.records(delimiter)
    width = next(len(cells) for number, cells in records if number == at)
    for number, cells in records:
        if len(cells) != width:
            if not any(cells):
                continue
            if len(cells) < header.width or any(cells[header.width :]):
                facts = {"found": len(cells), "wanted": width}
                yield number, SourceRowWidth(file=shown(text.name), line=number, **facts)
                continue
        elif not any(cells):
            continue
        yield number, tuple([change(cells[place]) for place, change in pairs])


class Text:
    """A file's records, read from its beginning as often as asked."""

    def __init__(self, copied: Copied, asked: Asked, encoding: str) -> None:
        self.name = copied.name
        self._file = copied.file
        self._source = asked.source
        self._encoding = encoding

    def records(self, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        """(line it begins in, fields) of each record. Raises SourceFileLine."""
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, self._encoding, newline="")
        try:
            reader = csv.reader(self._lines(text), delimiter=delimiter, strict=True)
            line = 1
            try:
                for cells in reader:
                    yield line, cells
                    line = reader.line_num + 1
            except csv.Error as error:
                too_long = "field larger" in str(error)
                said = (
                    mark("one of its fields is too long")
                    if too_long
                    else mark("its quotes do not match")
                )
                raise self._broken(line, said) from None
        finally:
            text.detach()

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        number = 0
        while line := text.readline(MOST_LINE_CHARACTERS):
            number += 1
            if len(line) == MOST_LINE_CHARACTERS:
                raise self._broken(number, mark("it is longer than a row may be"))
            yield line.removeprefix("\ufeff") if number == 1 else line

    def _broken(self, line: int, detail: str) -> SourceFileLine:
        return SourceFileLine(file=shown(self.name), name=self._source, line=line, detail=detail)


def _delimiter(text: Text, asked: Asked) -> str:
    """The first of `DELIMITERS` with which a row is a complete header, else the one with which a
    row has the most of it."""
    best, most = DELIMITERS[0], -1
    for delimiter in DELIMITERS:
        try:
            header, _ = find_header(islice(text.records(delimiter), HEADER_ROWS), asked, text.name)
        except SourceFileLine:
            continue
        found = header.found if header is not None else 0
        if header is not None and header.complete:
            return delimiter
        if found > most:
            best, most = delimiter, found
    return best


def find_encoding(copied: Copied, asked: Asked) -> str:
    """The codec of a file: of the hint; of its BOM; UTF-8 if all of it is, else GB18030.

    Raises SourceFileEncoding with the place of the first byte that does not fit.
    """
    copied.file.seek(0)
    start = copied.file.read(3)
    if asked.options.encoding:
        tried = [_HINTS[asked.options.encoding]]
    elif start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        tried = ["utf-16"]
    elif start == codecs.BOM_UTF8:
        tried = ["utf-8-sig"]
    else:
        tried = ["utf-8-sig", "gb18030"]
    places = []
    for encoding in tried:
        place = misfit(copied.file, encoding)
        if place is None:
            return encoding
        places.append(place)
    names = " / ".join(encoding.removesuffix("-sig").upper() for encoding in tried)
    raise SourceFileEncoding(
        file=shown(copied.name), name=asked.source, encoding=names, place=max(places)
    )


def misfit(file: BinaryIO, encoding: str) -> int | None:
    """The place, from 1, of the first byte that is not text in `encoding`; None if all is."""
    decoder = codecs.getincrementaldecoder(encoding.removesuffix("-sig"))("strict")
    file.seek(0)
    before = 0
    while True:
        piece = file.read(PIECE_BYTES)
        # What the decoder kept of the piece before comes first in what it complains about.
        kept = len(decoder.getstate()[0])
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            return before - kept + error.start + 1
        if not piece:
            return None
        before += len(piece)
