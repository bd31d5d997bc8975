"""Which columns the files of a folder have, where nobody has said yet what is wanted of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath

from ortoo_node.folders import Folder
from ortoo_node.sources.folder import csv_reader, parquet_reader, xlsx_reader
from ortoo_node.sources.folder.rows import Asked, shown
from ortoo_node.sources.folder.settled import Found, settled_files
from ortoo_node.sources.folder.spool import Changed, Copied, copied
from ortoo_protocol.core.errors import SourceMissing, SourceSettling

First = Callable[[Copied, Asked], Sequence[tuple[int, Sequence[object]]]]
_FIRST: Mapping[str, First] = {
    ".csv": csv_reader.first_rows,
    ".tsv": csv_reader.first_rows,
    ".txt": csv_reader.first_rows,
    ".xlsx": xlsx_reader.first_rows,
    ".xlsm": xlsx_reader.first_rows,
    ".parquet": parquet_reader.first_rows,
}


def headers(
    folder: Folder, pattern: str, spool: Path, clock: Callable[[], float]
) -> tuple[str, ...]:
    """The names above the columns of the newest file that has settled: of the row that the options
    name, else of the first that is filled furthest.

    Raises SourceMissing, SourceSettling, SourceFile and what is below it.
    """
    options = folder.options_of(pattern)
    rows = first_rows(folder, pattern, spool, clock)
    if options.header_row:
        rows = [row for row in rows if row[0] >= options.header_row][:1]
    best = max((_names(cells) for _, cells in rows), key=len, default=())
    return tuple(name for name in best if name != options.op_column)


def first_rows(
    folder: Folder, pattern: str, spool: Path, clock: Callable[[], float]
) -> Sequence[tuple[int, Sequence[object]]]:
    """The first rows of the newest file that has settled, with their numbers; raises as
    `headers`."""
    found = settled_files(folder.read_path, pattern, folder.settle_s, clock)
    readable = [each for each in found if _suffix(each) in _FIRST]
    if not readable:
        raise SourceMissing(name=folder.name, table=pattern)
    newest = max(readable, key=lambda each: (each.stamp.mtime_ns, each.name))
    asked = Asked(folder.name, (), {}, folder.options_of(pattern))
    try:
        with copied(newest, spool) as copy:
            return _FIRST[_suffix(newest)](copy, asked)
    except Changed:
        raise SourceSettling(
            name=folder.name, file=shown(newest.name), settle_s=f"{folder.settle_s:g}"
        ) from None


def _suffix(found: Found) -> str:
    return PurePath(found.name).suffix.lower()


def _names(cells: Sequence[object]) -> tuple[str, ...]:
    texts = (str(cell).strip() for cell in cells if cell is not None)
    return tuple(dict.fromkeys(text for text in texts if text))
