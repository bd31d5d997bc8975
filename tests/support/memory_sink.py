"""A department's database in memory: outlives the station, and notices what comes twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import SinkError, SinkMoved
from ortoo_protocol.core.feeds import DELETE, UPSERT, Changes, RowChange, TableSchema
from ortoo_protocol.station.ports import Cursor

Row = tuple[Scalar, ...]


@dataclass
class MemorySink:
    """`failing` is raised by every write; `opened` unset holds a write back before it happens,
    `returns` unset holds it after it happened. `check` may refuse a change."""

    failing: SinkError | None = None
    check: Callable[[RowChange], None] = lambda _change: None
    cursor: Cursor | None = None
    schema: TableSchema | None = None
    by_key: dict[Row, Row] = field(default_factory=dict)
    seqs: list[int] = field(default_factory=list)
    snapshots: int = 0
    opened: threading.Event = field(default_factory=threading.Event)
    returns: threading.Event = field(default_factory=threading.Event)
    tried: int = 0

    def __post_init__(self) -> None:
        self.opened.set()
        self.returns.set()

    @property
    def rows(self) -> list[Row]:
        return sorted(self.by_key.values(), key=repr)

    def read_cursor(self, feed: str) -> Cursor | None:
        return self.cursor if self.cursor is not None and self.cursor.feed == feed else None

    def apply(self, schema: TableSchema, changes: Changes, cursor: Cursor) -> None:
        self._wait()
        if self.cursor is None or cursor.seq != self.cursor.seq + 1:
            raise SinkMoved(name="memory", table="-", feed=cursor.feed)
        for row in changes.upserts:
            self.check(RowChange(UPSERT, row))
        for key in changes.deletes:
            self.check(RowChange(DELETE, key))
        for key in changes.deletes:
            self.by_key.pop(key, None)
        for row in changes.upserts:
            self.by_key[_key(schema, row)] = row
        self.schema, self.cursor = schema, cursor
        self.seqs.append(cursor.seq)
        self.returns.wait(20)

    def replace(self, schema: TableSchema, rows: Iterable[Row], cursor: Cursor) -> None:
        self._wait()
        taken = list(rows)
        for row in taken:
            self.check(RowChange(UPSERT, row))
        self.by_key = {_key(schema, row): row for row in taken}
        self.schema, self.cursor = schema, cursor
        self.snapshots += 1
        self.returns.wait(20)

    def rewind(self, cursor: Cursor) -> None:
        self.cursor = cursor

    def close(self) -> None:
        return

    def _wait(self) -> None:
        self.tried += 1
        self.opened.wait(20)
        if self.failing is not None:
            raise self.failing


@dataclass
class SeveralSink(MemorySink):
    """Takes several items at once; `groups`: how many each time."""

    groups: list[int] = field(default_factory=list)

    def apply_all(self, steps: Sequence[tuple[TableSchema, Changes, Cursor]]) -> None:
        before = self.cursor, self.schema, dict(self.by_key), list(self.seqs)
        try:
            for step in steps:
                self.apply(*step)
        except BaseException:
            self.cursor, self.schema, self.by_key, self.seqs = before
            raise
        self.groups.append(len(steps))


def _key(schema: TableSchema, row: Row) -> Row:
    names = [column.name for column in schema.columns]
    return tuple(row[names.index(name)] for name in schema.key)
