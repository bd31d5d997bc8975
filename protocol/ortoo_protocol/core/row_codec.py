"""Rows of one table schema, many at a time: compiled once, checked a column at a time.

The bytes are those of `feeds.row_part`. What `rows.checks` would say of each value is found here
for a whole batch by a few passes in C; a batch in which anything is amiss is judged row by row, by
the same checks, so that the error names the column.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from operator import itemgetter
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
Columns = Sequence[Sequence[Scalar]]
"""The values of some rows, each column's together: what most of this file looks at."""
_INT64 = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
_TYPES: dict[str, Any] = {
    **dict.fromkeys("CMNYDT", str),
    **dict.fromkeys("BF", float),
    "I": _INT64,
    "L": bool,
    "G": bytes,
}
_encode: Callable[[object], bytes] = msgspec.msgpack.Encoder().encode
_without_op: Callable[[Any], Row] = itemgetter(slice(1, None))


def upsert_part(row: Sequence[Scalar]) -> bytes:
    """A checked row as it travels."""
    return _encode((UPSERT, *row))


def delete_part(key: Sequence[Scalar]) -> bytes:
    return _encode((DELETE, *key))


def key_bytes(key: Sequence[Scalar]) -> bytes:
    """What names a row: the msgpack array of its key values."""
    return _encode(list(key))


def columns_of(rows: Iterable[Row]) -> Columns:
    """Rows of one width, turned on their side; of no rows there are no columns."""
    return list(zip(*rows, strict=True))


class RowCodec:
    """Reads and writes rows under `schema`."""

    def __init__(self, schema: TableSchema) -> None:
        self.schema = schema
        self.key_of = key_picker(schema)
        self._checks = checks(schema)
        by_name = {column.name: place for place, column in enumerate(schema.columns)}
        self._key_places = [by_name[name] for name in schema.key]
        self._key_checks = [self._checks[place] for place in self._key_places]
        self._tests = [_tester(column, column.name in schema.key) for column in schema.columns]
        self._decoded_tests = [
            (place, test)
            for place, column in enumerate(schema.columns, 1)
            if (test := _decoded_tester(column)) is not None
        ]
        self._bare: RowCodec | None = None
        types = (int, *(_decoded_type(c, c.name in schema.key) for c in schema.columns))
        # A type made of values: mypy reads tuple[…] only where it is written out.
        self._decode = msgspec.msgpack.Decoder(tuple.__class_getitem__(types)).decode

    def key(self, row: Row) -> bytes:
        return _encode(list(self.key_of(row)))

    def keys(self, columns: Columns) -> list[bytes]:
        """`key` of each row."""
        if not columns:
            return []
        return list(map(_encode, zip(*(columns[place] for place in self._key_places), strict=True)))

    def upserts(self, columns: Columns) -> list[bytes]:
        """`upsert_part` of each row."""
        return list(map(_encode, zip(repeat(UPSERT), *columns, strict=False))) if columns else []

    def fits(self, rows: Sequence[Row]) -> bool:
        """Whether every value of every row is of its column's type; rows are as wide as the schema.
        False says only that somebody has to look closer (`check`)."""
        return self.columns_fit(columns_of(rows))

    def columns_fit(self, columns: Columns) -> bool:
        """`fits` of rows turned on their side."""
        return all(test(values) for test, values in zip(self._tests, columns, strict=False))

    def check(self, row: Sequence[object]) -> Row:
        """Raises RowsValue for the first value that its column's item type does not allow."""
        return tuple([check(v) for check, v in zip(self._checks, row, strict=True)])

    def read(self, parts: Sequence[bytes]) -> Changes:
        """Changes as they came, checked; the last change of each key decides.

        Raises CodecMalformed, CodecShape, RowsValue.
        """
        fast = self._fast(parts)
        if fast is None:
            return self._slow(parts)
        keys = list(zip(*(map(itemgetter(place), fast) for place in self._key_places), strict=True))
        if len(set(keys)) < len(fast):
            fast = list(dict(zip(keys, fast, strict=True)).values())
        return Changes(fast, (), checked=True)

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
        if not self.fits(rows):
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
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        columns = columns_of(decoded)
        if not columns:
            return []
        if set(columns[0]) != {UPSERT}:
            return None
        if not all(test(columns[place]) for place, test in self._decoded_tests):
            return None
        return list(map(_without_op, decoded))

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


def _decoded_type(column: Column, key: bool) -> Any:
    kind = _TYPES[column.type]
    if column.type in "CM" and column.length:
        kind = Annotated[str, msgspec.Meta(max_length=column.length)]
    return kind if key else kind | None


def _decoded_tester(column: Column) -> Test | None:
    """What `_tester` still has to look at in values of `_decoded_type`."""
    if column.type in "CM":
        return lambda texts: "\0" not in "".join(filter(None, texts))  # type: ignore[arg-type]
    return None if column.type in "ILG" else _tester(column, key=False)


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
