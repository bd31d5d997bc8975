"""The gate before a feed: rows become canonical, or are set aside with the reason.

A row that fails stops itself and nobody else. Reasons name the column and never the value: rows may
be personal data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ortoo_node.sources.port import Unread
from ortoo_node.sources.values import canonical
from ortoo_protocol.core.batches import MOST_PART_BYTES
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import RowsError, RowsKey, RowsSchema, RowsTooLarge, RowsValue
from ortoo_protocol.core.feeds import TableSchema
from ortoo_protocol.core.row_codec import Columns, RowCodec, columns_of

T = TypeVar("T")
Row = tuple[Scalar, ...]
Wrong = tuple[str, str]
"""(stable code, column) of what is wrong with a row."""
RowCheck = Callable[[Row], Wrong | None]


@dataclass(frozen=True)
class Reject:
    """A row that did not leave. `number`: its place in the reading, from 1; `key`: its key values
    where they could be read."""

    number: int
    key: Row | None
    column: str
    code: str
    detail: str


@dataclass
class Chunk:
    """Rows that may leave, with their numbers, their key bytes and the parts that travel."""

    rows: list[Row] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)

    def without(self, places: set[int]) -> None:
        """Drop the rows at these places."""
        self.rows = _without(self.rows, places)
        self.numbers = _without(self.numbers, places)
        self.keys = _without(self.keys, places)
        self.parts = _without(self.parts, places)


def _without(values: list[T], places: set[int]) -> list[T]:
    return [value for place, value in enumerate(values) if place not in places]


def _earlier(keys: Sequence[bytes]) -> set[int]:
    """The places of keys that come again later."""
    last = {key: place for place, key in enumerate(keys)}
    return set(range(len(keys))) - set(last.values())


class Gate:
    """Lets rows of `schema` pass that are of its types and that every check passes. `all_pass`, if
    it is there, says of many rows at once whether they do; False is no verdict."""

    def __init__(
        self,
        schema: TableSchema,
        checks: Sequence[RowCheck] = (),
        all_pass: Callable[[Sequence[Row]], bool] | None = None,
    ) -> None:
        self.codec = RowCodec(schema)
        self._width = len(schema.columns)
        self._canonical = canonical(schema)
        self._checks = tuple(checks)
        self._all_pass = all_pass
        # A moment has several forms that are allowed, of which one is ours.
        self._has_moments = any(column.type == "T" for column in schema.columns)
        self._names = [column.name for column in schema.columns]
        self._key_places = [self._names.index(name) for name in schema.key]

    def take(
        self, given: Sequence[Sequence[object]], first: int, *, in_order: bool = False
    ) -> Chunk:
        """`given` rows of a reading, the first of which is number `first`. `in_order`: the last of
        several rows with one key is what counts; else the first, and the others are set aside."""
        chunk = Chunk()
        as_they_are: list[tuple[object, ...]] = list(map(tuple, given))
        columns = None if self._has_moments else self._fitting(as_they_are)
        if columns is not None:
            chunk.rows = as_they_are  # type: ignore[assignment]  # just proved by `fits`
            chunk.numbers = list(range(first, first + len(given)))
        else:
            self._one_by_one(given, first, chunk)
        if self._checks:
            self._check(chunk)
        if columns is None or len(chunk.rows) < len(given):
            columns = columns_of(chunk.rows)
        chunk.keys = self.codec.keys(columns)
        chunk.parts = self.codec.upserts(columns)
        if chunk.parts and max(map(len, chunk.parts)) > MOST_PART_BYTES:
            self._drop_too_large(chunk)
        if len(set(chunk.keys)) != len(chunk.keys):
            if in_order:
                chunk.without(_earlier(chunk.keys))
            else:
                self._drop_twice(chunk)
        return chunk

    def key(self, values: Sequence[object]) -> Row:
        """The canonical key of a row that is gone. Raises RowsValue, RowsSchema."""
        if len(values) != len(self._key_places):
            raise RowsSchema(detail=f"{len(values)} values, {len(self._key_places)} key columns")
        places = zip(self._key_places, values, strict=True)
        return tuple([self._canonical[place](value) for place, value in places])

    def twice(self, row: Row, number: int) -> Reject:
        """The reject of a row whose key the reading gave before."""
        return self._reject(row, number, RowsKey())

    def _reject(self, row: Row, number: int, error: RowsError) -> Reject:
        column = str(error.facts.get("column", ""))
        return Reject(number, self.codec.key_of(row), column, error.code, str(error))

    def _fitting(self, rows: Sequence[tuple[object, ...]]) -> Columns | None:
        """The columns of `rows` if every value is as it has to be."""
        try:
            columns: Columns = columns_of(rows)  # type: ignore[arg-type]  # `columns_fit` finds that out
        except ValueError:  # rows of several widths
            return None
        if rows and len(columns) != self._width:
            return None
        return columns if self.codec.columns_fit(columns) else None

    def _one_by_one(self, given: Sequence[Sequence[object]], first: int, chunk: Chunk) -> None:
        for number, row in enumerate(given, first):
            if isinstance(row, Unread):
                code, detail = row.error.code, str(row.error)
                chunk.rejects.append(Reject(number, None, "", code, detail))
                continue
            try:
                if len(row) != self._width:
                    raise RowsSchema(detail=f"{len(row)} values, {self._width} columns")
                chunk.rows.append(tuple([c(v) for c, v in zip(self._canonical, row, strict=True)]))
                chunk.numbers.append(number)
            except (RowsValue, RowsSchema) as error:
                column = str(error.facts.get("column", ""))
                reject = Reject(number, self._key_of(row), column, error.code, str(error))
                chunk.rejects.append(reject)

    def _key_of(self, row: Sequence[object]) -> Row | None:
        try:
            return tuple([self._canonical[place](row[place]) for place in self._key_places])
        except (RowsValue, IndexError):
            return None

    def _check(self, chunk: Chunk) -> None:
        if self._all_pass is not None and self._all_pass(chunk.rows):
            return
        failed = set()
        for place, row in enumerate(chunk.rows):
            for check in self._checks:
                wrong = check(row)
                if wrong is not None:
                    code, column = wrong
                    key = self.codec.key_of(row)
                    chunk.rejects.append(Reject(chunk.numbers[place], key, column, code, code))
                    failed.add(place)
                    break
        if failed:
            chunk.without(failed)

    def _drop_too_large(self, chunk: Chunk) -> None:
        failed = {at for at, part in enumerate(chunk.parts) if len(part) > MOST_PART_BYTES}
        for place in sorted(failed):
            error = RowsTooLarge(size_bytes=len(chunk.parts[place]), most_bytes=MOST_PART_BYTES)
            reject = self._reject(chunk.rows[place], chunk.numbers[place], error)
            chunk.rejects.append(reject)
        chunk.without(failed)

    def _drop_twice(self, chunk: Chunk) -> None:
        """Of rows with one key the first stays."""
        known: set[bytes] = set()
        twice = set()
        for place, key in enumerate(chunk.keys):
            if key in known:
                twice.add(place)
                chunk.rejects.append(self.twice(chunk.rows[place], chunk.numbers[place]))
            known.add(key)
        chunk.without(twice)
