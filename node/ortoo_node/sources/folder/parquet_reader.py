"""Parquet, read a batch at a time from its row groups. pyarrow is imported when one is met."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ortoo_node.sources.folder.rows import Asked, Line, check_complete, read_header, shown
from ortoo_node.sources.folder.spool import Copied
from ortoo_node.sources.folder.text import change_of
from ortoo_protocol.core.errors import SourceFile, SourceFileSize, SourceParquet

ROWS_AT_ONCE = 1_024
BUFFER_BYTES = 1 << 20
MOST_GROUP_BYTES = 1 << 30
_log = logging.getLogger(__name__)


def read_parquet(copied: Copied, asked: Asked) -> Iterator[Line]:
    """The rows of a Parquet file. Raises SourceParquet without pyarrow, SourceFile for what it
    cannot read, SourceFileColumns, SourceFileTwice, SourceFileSize: all before the first row."""
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise SourceParquet() from None
    file = shown(copied.name)
    with _named(arrow, file, asked):
        opened = parquet.ParquetFile(copied.file, buffer_size=BUFFER_BYTES, pre_buffer=False)
    names = opened.schema_arrow.names
    header = check_complete(read_header(names, asked, copied.name), asked, copied.name)
    if header.extra:
        _log.info("%s: columns that nobody asked for: %s", file, ", ".join(header.extra))
    for group in range(opened.num_row_groups):
        if opened.metadata.row_group(group).total_byte_size > MOST_GROUP_BYTES:
            limit_mb = MOST_GROUP_BYTES >> 20
            raise SourceFileSize(file=file, name=asked.source, limit_mb=limit_mb)
    wanted = [names[place] for place in header.places if place is not None]
    with _named(arrow, file, asked):
        for _ in _batches(arrow, opened, wanted):
            continue  # all pages are whole
    return _rows(arrow, opened, wanted, file, asked)


def first_rows(copied: Copied, asked: Asked) -> list[tuple[int, Sequence[object]]]:
    """Its names, as the one row of a header. Raises SourceParquet, SourceFile."""
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise SourceParquet() from None
    with _named(arrow, shown(copied.name), asked):
        opened = parquet.ParquetFile(copied.file, buffer_size=BUFFER_BYTES, pre_buffer=False)
        return [(1, list(opened.schema_arrow.names))]


def _rows(arrow: Any, opened: Any, wanted: list[str], file: str, asked: Asked) -> Iterator[Line]:
    changes = [change_of(letter) for letter in asked.letters]
    number = 0
    with _named(arrow, file, asked):
        for columns in _batches(arrow, opened, wanted):
            lists = [
                [change(v) if type(v) is str and v else v for v in column.to_pylist()]
                for column, change in zip(columns, changes, strict=True)
            ]
            for values in zip(*lists, strict=True):
                number += 1
                yield number, values


def _batches(arrow: Any, opened: Any, wanted: list[str]) -> Iterator[list[Any]]:
    """The wanted columns, in order; moments in microseconds, which is what travels."""
    batches = opened.iter_batches(ROWS_AT_ONCE, columns=wanted, use_threads=False)
    for batch in batches:
        columns = []
        for name in wanted:
            column = batch.column(name)
            if arrow.types.is_timestamp(column.type) and column.type.unit == "ns":
                column = column.cast(arrow.timestamp("us", column.type.tz))
            columns.append(column)
        yield columns


@contextmanager
def _named(arrow: Any, file: str, asked: Asked) -> Iterator[None]:
    try:
        yield
    except (arrow.ArrowException, OSError, ValueError, KeyError) as error:
        lines = str(error).strip().splitlines()
        detail = lines[0][:200] if lines else type(error).__name__
        raise SourceFile(file=file, name=asked.source, detail=detail) from None
