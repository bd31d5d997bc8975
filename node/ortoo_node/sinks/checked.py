"""Rows off the wire, looked at before any is written, as every sink must."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from ortoo_node.publishing.seen import SeenKeys
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import RowsKey, RowsSchema, SinkFull
from ortoo_protocol.core.feeds import Changes, TableSchema
from ortoo_protocol.core.row_codec import RowCodec
from ortoo_protocol.core.rows import check_schema, checks

ROWS_AT_ONCE = 2_000
Row = tuple[Scalar, ...]


class Checker:
    """For one schema. Raises RowsSchema for one that no table could have."""

    def __init__(self, schema: TableSchema) -> None:
        self.schema = check_schema(schema)
        self.codec = RowCodec(schema)
        by_name = dict(zip((c.name for c in schema.columns), checks(schema), strict=True))
        self._key_checks = [by_name[name] for name in schema.key]

    def changes(self, changes: Changes) -> Changes:
        """Raises RowsSchema, RowsValue."""
        if changes.checked:
            return changes
        upserts = self._rows(list(changes.upserts))
        return Changes(upserts, [self._key(key) for key in changes.deletes], checked=True)

    def chunks(self, rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
        """All rows of a snapshot. Raises RowsSchema, RowsValue, RowsKey."""
        seen = SeenKeys()
        source = iter(rows)
        try:
            while chunk := list(islice(source, ROWS_AT_ONCE)):
                good = self._rows(chunk)
                keys = [self.codec.key(row) for row in good]
                if len(set(keys)) != len(keys) or _add(seen, keys):
                    raise RowsKey()
                yield good
        finally:
            seen.close()

    def _rows(self, rows: list[Row]) -> list[Row]:
        width = len(self.schema.columns)
        for row in rows:
            if len(row) != width:
                raise RowsSchema(detail=f"{len(row)} values, {width} columns")
        return rows if self.codec.fits(rows) else [self.codec.check(row) for row in rows]

    def _key(self, key: Row) -> Row:
        if len(key) != len(self._key_checks):
            raise RowsSchema(detail=f"{len(key)} values, {len(self._key_checks)} key columns")
        return tuple([check(value) for check, value in zip(self._key_checks, key, strict=True)])


def _add(seen: SeenKeys, keys: Sequence[bytes]) -> set[int]:
    try:
        return seen.add(keys)
    except sqlite3.OperationalError as error:  # its temporary file has no room
        raise SinkFull(name="TMPDIR", table="", detail=str(error)) from error
