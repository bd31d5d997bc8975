"""SourceTable: a table or view of a department's database, read as rows of a feed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.sql import quoted_name

from ortoo_node.databases import Trouble, judge, open_reader, place, read_url, split_name
from ortoo_node.sources.port import Reading
from ortoo_protocol.core.errors import (
    SourceBusy,
    SourceColumns,
    SourceError,
    SourceForbidden,
    SourceMissing,
    SourceUnreachable,
)
from ortoo_protocol.core.feeds import Column, TableSchema
from ortoo_protocol.core.rows import check_schema

ROWS_AT_ONCE = 4_096
_ERRORS: dict[Trouble, type[SourceError]] = {
    Trouble.UNREACHABLE: SourceUnreachable,
    Trouble.BUSY: SourceBusy,
    Trouble.FORBIDDEN: SourceForbidden,
}


class SourceTable:
    """Rows of `columns` of `table` (``name`` or ``schema.name``), told apart by `key`.

    The schema carries `number`. SQLite and PostgreSQL. Opens nothing until asked.
    Raises DatabaseUrl and RowsSchema at once.
    """

    def __init__(
        self,
        url: str,
        table: str,
        columns: Sequence[Column],
        key: Sequence[str],
        *,
        number: int = 1,
    ) -> None:
        parsed = read_url(url, table)
        self._schema = check_schema(
            TableSchema(number=number, columns=tuple(columns), key=tuple(key))
        )
        self._engine = open_reader(parsed)
        self._name = place(parsed)
        self._table = table
        self._path = split_name(table, parsed)

    def check(self) -> None:
        """Raises SourceMissing, SourceColumns, SourceUnreachable and other SourceErrors."""
        try:
            with self._engine.connect() as connection:
                self._check_columns(connection)
        except exc.SQLAlchemyError as error:
            raise self._named(error) from error

    def read(self, _mark: str = "") -> Reading:
        """All rows as they stand at one moment, fetched some thousand at a time, in no order.

        On SQLite without WAL the department's writers wait while this is not exhausted: read on.
        """
        return Reading(self._rows())

    def _rows(self) -> Iterator[Sequence[object]]:
        schema_name, name = self._path
        columns: list[sa.ColumnClause[object]] = [
            sa.column(quoted_name(c.name, quote=True)) for c in self._schema.columns
        ]
        query = sa.select(*columns).select_from(sa.table(name, *columns, schema=schema_name))
        try:
            with self._engine.connect() as connection:
                self._check_columns(connection)
                streamed = connection.execution_options(yield_per=ROWS_AT_ONCE)
                with streamed.execute(query) as found:
                    while rows := found.fetchmany(ROWS_AT_ONCE):
                        yield from rows
        except exc.SQLAlchemyError as error:
            raise self._named(error) from error

    def close(self) -> None:
        self._engine.dispose()

    def _check_columns(self, connection: sa.Connection) -> None:
        """Before any query: SQLite takes a quoted name that is no column for a text."""
        schema_name, name = self._path
        try:
            found = sa.inspect(connection).get_columns(name, schema=schema_name)
        except exc.NoSuchTableError:
            raise SourceMissing(name=self._name, table=self._table) from None
        missing = {c.name for c in self._schema.columns} - {c["name"] for c in found}
        if missing:
            raise SourceColumns(
                name=self._name, table=self._table, columns=", ".join(sorted(missing))
            )

    def _named(self, error: exc.SQLAlchemyError) -> SourceError:
        trouble, detail = judge(error)
        kind = _ERRORS.get(trouble, SourceError)
        return kind(name=self._name, table=self._table, detail=detail)
