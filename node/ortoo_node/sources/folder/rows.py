"""What readers of files have in common: what is asked for, the header, a row that is set aside."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ortoo_node.folders import FileOptions
from ortoo_node.sources.folder.spool import Copied
from ortoo_protocol.core.errors import SourceFileColumns, SourceFileTwice, SourceRow
from ortoo_protocol.core.feeds import Column

HEADER_ROWS = 30  # where a header may stand, below titles and notes
Line = tuple[int, tuple[object, ...] | SourceRow]
"""(line or row of the file, its values in the order asked for; or why it has none)."""


@dataclass(frozen=True)
class Asked:
    """What is wanted of a file: `columns`, and behind them the column of the operation if the
    options name one. `titles` are the items' names (信息项名称), by column. `source` names the
    folder in errors."""

    source: str
    columns: Sequence[Column]
    titles: Mapping[str, str]
    options: FileOptions

    @property
    def headers(self) -> list[tuple[str, str]]:
        """(column, item's name) of everything that is wanted."""
        headers = [(column.name, self.titles.get(column.name, "")) for column in self.columns]
        operation = self.options.op_column
        return [*headers, (operation, "")] if operation else headers

    @property
    def letters(self) -> list[str]:
        letters = [column.type for column in self.columns]
        return [*letters, "C"] if self.options.op_column else letters


Reader = Callable[[Copied, Asked], Iterator[Line]]


@dataclass(frozen=True)
class Header:
    """`places`: where in a row each wanted header stands, None if it is not there."""

    places: tuple[int | None, ...]
    width: int
    extra: tuple[str, ...]

    @property
    def found(self) -> int:
        return sum(place is not None for place in self.places)

    @property
    def complete(self) -> bool:
        return self.found == len(self.places)


def read_header(cells: Sequence[object], asked: Asked, file: str) -> Header:
    """Match `cells` to what is wanted: by column or by the item's name. Raises SourceFileTwice."""
    names = [_folded(str(cell)) if cell is not None else "" for cell in cells]
    width = max((place for place, name in enumerate(names, 1) if name), default=0)
    places: list[int | None] = []
    for column, title in asked.headers:
        wanted = {_folded(column), _folded(title)} - {""}
        at = [place for place, name in enumerate(names) if name in wanted]
        if len(at) > 1:
            raise SourceFileTwice(file=shown(file), name=asked.source, columns=column)
        places.append(at[0] if at else None)
    used = set(places)
    extra = [str(cells[n]) for n in range(width) if names[n] and n not in used]
    return Header(tuple(places), width, tuple(extra))


def check_complete(header: Header | None, asked: Asked, file: str) -> Header:
    """Raises SourceFileColumns."""
    places = header.places if header is not None else (None,) * len(asked.headers)
    missing = [
        f"{title} ({column})" if title else column
        for (column, title), place in zip(asked.headers, places, strict=True)
        if place is None
    ]
    if header is None or missing:
        raise SourceFileColumns(file=shown(file), name=asked.source, columns=", ".join(missing))
    return header


def find_header(
    rows: Iterable[tuple[int, Sequence[object]]], asked: Asked, file: str
) -> tuple[Header | None, int]:
    """The header among the first `rows` and its row's number: the one that the options name, else
    the first that has all that is wanted, else the one that has the most of it.

    Raises SourceFileTwice when none has all and one names something twice.
    """
    named = asked.options.header_row
    best: tuple[Header | None, int] = (None, 0)
    twice: SourceFileTwice | None = None
    for number, cells in rows:
        if number < named:
            continue
        if number > max(HEADER_ROWS, named):
            break
        try:
            header = read_header(cells, asked, file)
        except SourceFileTwice as error:
            twice = error
            header = None
        if header is not None and (named or header.complete):
            return header, number
        if header is not None and (best[0] is None or header.found > best[0].found):
            best = (header, number)
        if named:
            break
    if twice is not None:
        raise twice
    return best


def shown(name: str) -> str:
    """A file's name within a sentence, without what would break its line."""
    return "".join(c if c.isprintable() else "\ufffd" for c in name)


_SPACES = re.compile(r"\s+")


def _folded(name: str) -> str:
    """Headers are compared without spaces, capitals and the width of characters."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", name)).casefold()
