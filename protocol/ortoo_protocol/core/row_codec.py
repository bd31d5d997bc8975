"""Rows of one table schema, many at a time: compiled once, checked a column at a time.

The bytes are those of `feeds.row_part`. What `rows.checks` would say of each value is found here
for a whole batch by a few passes in C; a batch in which anything is amiss is judged row by row, by
the same checks, so that the error names the column.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any

import msgspec

from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import CodecShape, RowsValue
from ortoo_protocol.core.feeds import (
    DELETE,
    EVENT_COLUMNS,
    UPSERT,
    Changes,
    Column,
    TableSchema,
    read_row_part,
)
from ortoo_protocol.core.rows import checks

Row = tuple[Scalar, ...]
_INT64 = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
_TYPES: dict[str, Any] = {
    **dict.fromkeys("CMNYDT", str),
    **dict.fromkeys("BF", float),
    "I": _INT64,
    "L": bool,
    "G": bytes,
}
_encode: Callable[[object], bytes] = msgspec.msgpack.Encoder().encode


def upsert_part(row: Sequence[Scalar]) -> bytes:
    """A checked row as it travels."""
    return _encode((UPSERT, *row))


def delete_part(key: Sequence[Scalar]) -> bytes:
    return _encode((DELETE, *key))


def key_bytes(key: Sequence[Scalar]) -> bytes:
    """What names a row: the msgpack array of its key values."""
    return _encode(list(key))


class RowCodec:
    """Reads and writes rows under `schema`."""

    def __init__(self, schema: TableSchema) -> None:
        self.schema = schema
        self.key_of = key_picker(schema)
        self._checks = checks(schema)
        by_name = {column.name: place for place, column in enumerate(schema.columns)}
        self._key_checks = [self._checks[by_name[name]] for name in schema.key]
        self._tests = [
            (place, _tester(column, column.name in schema.key))
            for place, column in enumerate(schema.columns)
        ]
        types = (int, *(_TYPES[column.type] | None for column in schema.columns))
        self._bare: RowCodec | None = None
        # A type made of values: mypy reads tuple[…] only where it is written out.
        self._decode = msgspec.msgpack.Decoder(tuple.__class_getitem__(types)).decode

    def key(self, row: Row) -> bytes:
        return _encode(list(self.key_of(row)))

    def fits(self, rows: Sequence[Row]) -> bool:
        """Whether every value of every row is of its column's type; rows are as wide as the schema.
        False says only that somebody has to look closer (`check`)."""
        if not rows:
            return True
        columns = list(zip(*rows, strict=True))
        return all(test(columns[place]) for place, test in self._tests)

    def check(self, row: Sequence[object]) -> Row:
        """Raises RowsValue for the first value that its column's item type does not allow."""
        return tuple([check(v) for check, v in zip(self._checks, row, strict=True)])

    def read(self, parts: Sequence[bytes]) -> Changes:
        """Changes as they came, checked; the last change of each key decides.

        Raises CodecMalformed, CodecShape, RowsValue.
        """
        fast = self._fast(parts)
        if fast is not None:
            last: dict[Any, Row] = dict(zip(map(self.key_of, fast), fast, strict=True))
            upserts = fast if len(last) == len(fast) else list(last.values())
            return Changes(upserts, (), checked=True)
        return self._slow(parts)

    def read_rows(self, parts: Sequence[bytes]) -> Sequence[Row]:
        """The rows of a snapshot. Raises what `read` does; CodecShape for a delete."""
        fast = self._fast(parts)
        if fast is not None:
            return fast
        changes = [read_row_part(part, self.schema) for part in parts]
        if any(change.op != UPSERT for change in changes):
            raise CodecShape(expected="row", detail="a snapshot holds a delete")
        return [self.check(change.values) for change in changes]

    def read_events(self, parts: Sequence[bytes], seq: int) -> Changes:
        """Events of item `seq` under a schema of `feeds.is_events`, each with its place as key."""
        bare = self._events()
        fast = bare._fast(parts)
        if fast is not None:
            rows = [(seq, place, *row) for place, row in enumerate(fast)]
            return Changes(rows, (), checked=True)
        rows = []
        for place, part in enumerate(parts):
            change = read_row_part(part, bare.schema)
            if change.op != UPSERT:
                raise CodecShape(expected="row", detail="an event is not an upsert")
            rows.append((seq, place, *change.values))
        if rows and not self.fits(rows):
            rows = [self.check(row) for row in rows]
        return Changes(rows, (), checked=True)

    def _events(self) -> RowCodec:
        """Of what events carry: without the two columns of the key. Any of the rest may be nil, so
        the key that a schema must name is not looked at."""
        if self._bare is None:
            columns = self.schema.columns[len(EVENT_COLUMNS) :]
            name = columns[0].name
            schema = TableSchema(number=self.schema.number, columns=columns, key=(name,))
            self._bare = RowCodec(schema)
        return self._bare

    def _fast(self, parts: Sequence[bytes]) -> list[Row] | None:
        """Rows when all are upserts and nothing is amiss."""
        try:
            decoded = list(map(self._decode, parts))
        except (msgspec.ValidationError, msgspec.DecodeError):
            return None
        if any(row[0] != UPSERT for row in decoded):
            return None
        rows = [row[1:] for row in decoded]
        return rows if self.fits(rows) else None

    def _slow(self, parts: Sequence[bytes]) -> Changes:
        last: dict[Row, Row | None] = {}
        for part in parts:
            change = read_row_part(part, self.schema)
            if change.op == UPSERT:
                row = self.check(change.values)
                last[self.key_of(row)] = row
            else:
                key = zip(self._key_checks, change.values, strict=True)
                last[tuple([check(v) for check, v in key])] = None
        upserts = [row for row in last.values() if row is not None]
        deletes = [key for key, row in last.items() if row is None]
        return Changes(upserts, deletes, checked=True)


def key_picker(schema: TableSchema) -> Callable[[Row], Row]:
    """From a row to its key, in key order."""
    names = [column.name for column in schema.columns]
    places = [names.index(name) for name in schema.key]
    if len(places) == 1:
        place = places[0]
        return lambda row: (row[place],)
    return lambda row: tuple([row[place] for place in places])


Test = Callable[[Sequence[object]], bool]


def _tester(column: Column, key: bool) -> Test:
    """Whether all values of a column are certainly what `rows.checks` lets through."""
    kind = {**dict.fromkeys("CM", str), **dict.fromkeys("BF", float)}.get(column.type)
    if column.type == "I":
        return _typed(int, key, lambda values: min(values) >= -(1 << 63) and max(values) < 1 << 63)
    if column.type == "L":
        return _typed(bool, key, lambda _values: True)
    if column.type == "G":
        return _typed(bytes, key, lambda _values: True)
    if kind is float:
        return _typed(float, key, lambda values: all(map(math.isfinite, values)))
    if kind is str:
        most = column.length or math.inf
        return _typed(str, key, lambda texts: max(map(len, texts)) <= most and _no_nul(texts))
    (check,) = checks(TableSchema(number=1, columns=(column,), key=(column.name,)))
    return _typed(str, key, lambda values: _all_pass(check, values))


def _all_pass(check: Callable[[object], Scalar], values: Iterable[object]) -> bool:
    try:
        for value in values:
            check(value)
    except RowsValue:
        return False
    return True


def _no_nul(texts: Iterable[str]) -> bool:
    return "\0" not in "".join(texts)


def _typed(kind: type, key: bool, rest: Callable[[Any], bool]) -> Test:
    def test(values: Sequence[object]) -> bool:
        kinds = set(map(type, values))
        if kinds == {kind}:
            return rest(values)
        if key or not kinds <= {kind, type(None)}:
            return False
        present = [value for value in values if value is not None]
        return not present or rest(present)

    return test
