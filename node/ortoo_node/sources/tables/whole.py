"""SourceTable: the whole table, each time; what differs is for the publisher to find."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ortoo_node.sources.port import Reading
from ortoo_node.sources.tables.reader import TableReader
from ortoo_protocol.core.feeds import Column


class SourceTable:
    """Rows of `columns` of `table` (``name`` or ``schema.name``), told apart by `key`.

    Opens nothing until asked. Raises DatabaseUrl and RowsSchema at once.
    """

    def __init__(self, url: str, table: str, columns: Sequence[Column], key: Sequence[str]) -> None:
        self._reader = TableReader(url, table, columns, key)

    def check(self) -> None:
        """Raises SourceMissing, SourceColumns, SourceUnreachable and other SourceErrors."""
        with self._reader.connect() as connection:
            self._reader.check_columns(connection)

    def read(self, _mark: str = "") -> Reading:
        """All rows as they stand at one moment, fetched some thousand at a time, in no order.

        On SQLite without WAL the department's writers wait while this is not exhausted: read on.
        """
        return Reading(self._rows())

    def _rows(self) -> Iterator[Sequence[object]]:
        with self._reader.connect() as connection:
            self._reader.check_columns(connection)
            yield from self._reader.stream(connection, self._reader.select())

    def close(self) -> None:
        self._reader.close()
