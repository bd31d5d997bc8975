"""An item or a snapshot as JSON pages of bounded size: the same rows are always the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.feeds import Changes, TableSchema
from ortoo_protocol.station.ports import Cursor

Row = tuple[Scalar, ...]


@dataclass(frozen=True)
class Page:
    id: str
    number: int
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Pager:
    """`table` is what the subscription calls its place; programs may go by it."""

    table: str
    page_bytes: int

    def of_changes(self, schema: TableSchema, changes: Changes, cursor: Cursor) -> Iterator[Page]:
        """None for an item without rows."""
        rows = _encoded("upserts", changes.upserts, [c.name for c in schema.columns])
        keys = _encoded("deletes", changes.deletes, schema.key)
        found = _Pages(self, schema, cursor, "changes")
        for name, encoded in (*rows, *keys):
            yield from found.add(name, encoded)
        if found.size:
            yield found.end(last=True)

    def of_snapshot(
        self, schema: TableSchema, chunks: Iterable[Sequence[Row]], cursor: Cursor
    ) -> Iterator[Page]:
        """At least one: an empty table is said too."""
        names = [column.name for column in schema.columns]
        found = _Pages(self, schema, cursor, "snapshot")
        for chunk in chunks:
            for name, encoded in _encoded("upserts", chunk, names):
                yield from found.add(name, encoded)
        yield found.end(last=True)


def _encoded(name: str, rows: Iterable[Row], columns: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Bytes become base64, all else what JSON has for it."""
    encoder = msgspec.json.Encoder()
    for row in rows:
        yield name, encoder.encode(dict(zip(columns, row, strict=True)))


class _Pages:
    """Gathers encoded rows; hands out a page when the next row would not fit."""

    def __init__(self, pager: Pager, schema: TableSchema, cursor: Cursor, kind: str) -> None:
        self.size = 0
        self._most = pager.page_bytes
        self._rows: dict[str, list[bytes]] = {"upserts": [], "deletes": []}
        self._number = 0
        part = ":snapshot" if kind == "snapshot" else ""
        self._id = f"{cursor.feed}:{cursor.incarnation}:{cursor.seq}{part}"
        self._about = {
            "type": kind,
            "table": pager.table,
            "feed": cursor.feed,
            "incarnation": cursor.incarnation,
            "seq": cursor.seq,
            "schema": schema.number,
            "key": list(schema.key),
        }

    def add(self, name: str, encoded: bytes) -> Iterator[Page]:
        if self.size and self.size + len(encoded) > self._most:
            yield self.end(last=False)
        self._rows[name].append(encoded)
        self.size += len(encoded) + 1

    def end(self, *, last: bool) -> Page:
        number, self._number = self._number, self._number + 1
        name = f"{self._id}:{number}"
        about = {"id": name, **self._about, "page": number, "last": last}
        upserts, deletes = (b",".join(self._rows[part]) for part in ("upserts", "deletes"))
        head = msgspec.json.encode(about)[:-1]
        body = b'%b,"upserts":[%b],"deletes":[%b]}' % (head, upserts, deletes)
        self._rows = {"upserts": [], "deletes": []}
        self.size = 0
        return Page(name, number, body)
