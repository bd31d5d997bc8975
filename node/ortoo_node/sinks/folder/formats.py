"""How rows stand in files: CSV, JSON Lines, Parquet. The same rows are always the same bytes.

Changes have a column ``op`` before the others (``ortoo_op`` where an item is called that): U for a
row as it is now, D for a key that is gone, with its other columns empty. Bytes are base64.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, Protocol

import msgspec

from ortoo_node.folders import TableOptions
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import SinkParquet
from ortoo_protocol.core.feeds import Column, TableSchema

UPSERTED, DELETED = "U", "D"
ROWS_AT_ONCE = 2_000
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_CODECS = {"utf-8": "utf-8", "utf-8-bom": "utf-8", "gb18030": "gb18030"}
Row = Sequence[Scalar]


class RowWriter(Protocol):
    """`rows` are as wide as the schema, and checked."""

    def write(self, rows: Iterable[Row], op: str) -> None: ...

    def finish(self) -> None:
        """Write what is left; closes nothing."""

    def abandon(self) -> None:
        """Write nothing more, also not when this is collected."""


def suffix(options: TableOptions) -> str:
    return f".{options.format}"


def op_column(schema: TableSchema) -> str:
    taken = {column.name.casefold() for column in schema.columns}
    return "op" if "op" not in taken else "ortoo_op"


@contextmanager
def writing(
    out: io.RawIOBase, schema: TableSchema, options: TableOptions, *, with_op: bool
) -> Iterator[RowWriter]:
    """Writes what is left at the end; after an error nothing more. Raises SinkParquet."""
    operation = op_column(schema) if with_op else ""
    writer: RowWriter
    if options.format == "csv":
        writer = _Csv(out, schema, options, operation)
    elif options.format == "jsonl":
        writer = _JsonLines(out, schema, operation)
    else:
        writer = _Parquet(out, schema, operation)
    finished = False
    try:
        yield writer
        writer.finish()
        finished = True
    finally:
        if not finished:
            writer.abandon()


def whole_row(schema: TableSchema, key: Row) -> Row:
    """A deleted key as a row: its other columns are empty."""
    values = dict(zip(schema.key, key, strict=True))
    return [values.get(column.name) for column in schema.columns]


class _Csv:
    """RFC 4180, lines end with CR LF. An empty text and no value look alike."""

    def __init__(
        self, out: io.RawIOBase, schema: TableSchema, options: TableOptions, operation: str
    ) -> None:
        self._out = out
        self._codec = _CODECS[options.encoding]
        self._text = io.StringIO(newline="")
        self._csv = csv.writer(self._text)
        self._operation = bool(operation)
        self._cells = [_cell_of(column, options.neutralise) for column in schema.columns]
        if options.encoding == "utf-8-bom":
            self._text.write("\ufeff")
        head = [column.name for column in schema.columns]
        if options.neutralise:
            head = [_harmless(name) for name in head]
        self._csv.writerow([operation, *head] if operation else head)
        self._count = 0

    def write(self, rows: Iterable[Row], op: str) -> None:
        first = [op] if self._operation else []
        for row in rows:
            cells = [
                None if v is None else cell(v) for cell, v in zip(self._cells, row, strict=True)
            ]
            self._csv.writerow(first + cells)
            self._count += 1
            if self._count % ROWS_AT_ONCE == 0:
                self.finish()

    def finish(self) -> None:
        self._out.write(self._text.getvalue().encode(self._codec))
        self._text.seek(0)
        self._text.truncate()

    def abandon(self) -> None:
        return


def _cell_of(column: Column, neutralise: bool) -> Any:
    if column.type == "L":
        return lambda value: "true" if value else "false"
    if column.type == "G":
        return lambda value: base64.b64encode(value).decode()
    return _harmless if neutralise and column.type in "CM" else str


def _harmless(text: str) -> str:
    """Spreadsheet programs run what begins like this as a formula."""
    return f"'{text}" if text.startswith(_FORMULAS) else text


class _JsonLines:
    def __init__(self, out: io.RawIOBase, schema: TableSchema, operation: str) -> None:
        self._out = out
        self._names = [column.name for column in schema.columns]
        self._operation = operation
        self._encode = msgspec.json.Encoder().encode_lines
        self._left: list[dict[str, Scalar]] = []

    def write(self, rows: Iterable[Row], op: str) -> None:
        for row in rows:
            first = {self._operation: op} if self._operation else {}
            self._left.append({**first, **dict(zip(self._names, row, strict=True))})
            if len(self._left) >= ROWS_AT_ONCE:
                self.finish()

    def finish(self) -> None:
        self._out.write(self._encode(self._left))
        self._left.clear()

    def abandon(self) -> None:
        return


class _Parquet:
    """Decimals and moments as text, exactly as they travel; dates as dates."""

    def __init__(self, out: io.RawIOBase, schema: TableSchema, operation: str) -> None:
        try:
            import pyarrow as arrow
            import pyarrow.parquet as parquet
        except ImportError:
            raise SinkParquet() from None
        kinds = {
            **dict.fromkeys("CMNYT", arrow.string()),
            **dict.fromkeys("BF", arrow.float64()),
            "I": arrow.int64(),
            "L": arrow.bool_(),
            "D": arrow.date32(),
            "G": arrow.binary(),
        }
        fields = [(column.name, kinds[column.type]) for column in schema.columns]
        if operation:
            fields.insert(0, (operation, arrow.string()))
        self._dates = [place for place, c in enumerate(schema.columns) if c.type == "D"]
        self._arrow = arrow
        self._schema = arrow.schema(fields)
        self._operation = operation
        self._writer = parquet.ParquetWriter(out, self._schema)
        self._left: list[list[object]] = []

    def write(self, rows: Iterable[Row], op: str) -> None:
        first = [op] if self._operation else []
        for row in rows:
            values: list[object] = list(row)
            for place in self._dates:
                day = values[place]
                values[place] = None if day is None else date.fromisoformat(str(day))
            self._left.append(first + values)
            if len(self._left) >= ROWS_AT_ONCE * 8:
                self._group()

    def finish(self) -> None:
        self._group()
        self._writer.close()

    def abandon(self) -> None:
        self._writer.is_open = False

    def _group(self) -> None:
        if self._left:
            columns = [
                self._arrow.array(values, field.type)
                for values, field in zip(zip(*self._left, strict=True), self._schema, strict=True)
            ]
            self._writer.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema))
            self._left.clear()
