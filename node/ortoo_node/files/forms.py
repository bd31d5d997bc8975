"""A table as one file: the forms that can be ordered, written row by row.

CSV, JSON Lines and Parquet are those of front-end machines (sinks/folder/formats.py).
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from ortoo_node.files.workbook import write_workbook
from ortoo_node.folders import TableOptions
from ortoo_node.sinks.folder.formats import UPSERTED, Row, writing
from ortoo_protocol.core.errors import FileForm, SinkParquet
from ortoo_protocol.core.feeds import TableSchema
from ortoo_protocol.i18n import mark

_OPTIONS = {
    "csv": TableOptions(format="csv"),
    "csv-bom": TableOptions(format="csv", encoding="utf-8-bom"),
    "csv-gb18030": TableOptions(format="csv", encoding="gb18030"),
    "jsonl": TableOptions(format="jsonl"),
    "parquet": TableOptions(format="parquet"),
}


class Stopped(Exception):
    """The station ends; what was begun is begun again."""


def write_table(
    path: Path, form: str, schema: TableSchema, rows: Iterable[Row], stop: threading.Event
) -> int:
    """Write `rows` to `path` (mode 0600) as `form`, anew; returns how many. What is in memory is
    bounded whatever their number.

    Raises FileForm: this table does not fit this form, or this station lacks what writes it;
    Stopped, OSError.
    """
    path.unlink(missing_ok=True)
    counted = _Counted(rows, stop)
    with open(path, "xb", buffering=0, opener=_private) as out:
        if form == "xlsx":
            write_workbook(out, schema, counted)
        else:
            _write(out, form, schema, counted)
        os.fsync(out.fileno())
    return counted.count


def _write(out: io.RawIOBase, form: str, schema: TableSchema, rows: Iterable[Row]) -> None:
    try:
        with writing(out, schema, _OPTIONS[form], with_op=False) as writer:
            writer.write(rows, UPSERTED)
    except SinkParquet as error:
        raise FileForm(detail=mark("its provider's station has no pyarrow")) from error
    except UnicodeEncodeError as error:
        raise FileForm(detail=f"a text is none of {error.encoding}") from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


class _Counted:
    """`rows`, counted as they go by; ends when the station does."""

    def __init__(self, rows: Iterable[Row], stop: threading.Event) -> None:
        self._rows = rows
        self._stop = stop
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            if self._stop.is_set():
                raise Stopped
            self.count += 1
            yield row
