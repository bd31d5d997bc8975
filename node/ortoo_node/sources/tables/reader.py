"""A table of a department's database, read: what every way of capturing changes begins with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.sql import quoted_name

from ortoo_node.databases import (
    Trouble,
    as_written,
    judge,
    open_reader,
    place,
    read_url,
    split_name,
)
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
from ortoo_protocol.station.store.prepared import wrapped

ROWS_AT_ONCE = 4_096
_ERRORS: dict[Trouble, type[SourceError]] = {
    Trouble.UNREACHABLE: SourceUnreachable,
    Trouble.BUSY: SourceBusy,
    Trouble.FORBIDDEN: SourceForbidden,
}


class TableReader:
    """`columns` of `table` (``name`` or ``schema.name``), told apart by `key`.

    Opens nothing until asked. Raises DatabaseUrl and RowsSchema at once.
    """

    def __init__(self, url: str, table: str, columns: Sequence[Column], key: Sequence[str]) -> None:
        self.url = read_url(url, table)
        check_schema(TableSchema(number=1, columns=tuple(columns), key=tuple(key)))
        self.columns = tuple(columns)
        self.key = tuple(key)
        self.table = table
        self.name = place(self.url)
        self.schema_name, self.table_name = split_name(table, self.url)
        self.engine = open_reader(self.url)

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """A transaction of one moment that only reads. Drivers' errors become SourceErrors."""
        with self.named(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def named(self) -> Iterator[None]:
        try:
            yield
        except exc.SQLAlchemyError as error:
            trouble, detail = judge(error)
            kind = _ERRORS.get(trouble, SourceError)
            raise kind(name=self.name, table=self.table, detail=detail) from error

    def check_columns(self, connection: sa.Connection, *more: str) -> None:
        """Before any query: SQLite takes a quoted name that is no column for a text."""
        try:
            found = sa.inspect(connection).get_columns(self.table_name, schema=self.schema_name)
        except exc.NoSuchTableError:
            raise SourceMissing(name=self.name, table=self.table) from None
        dialect = connection.dialect.name
        missing = ({c.name for c in self.columns} | set(more)) - {
            as_written(c["name"], dialect) for c in found
        }
        if missing:
            raise SourceColumns(
                name=self.name, table=self.table, columns=", ".join(sorted(missing))
            )

    def clause(self, *more: str, alias: str | None = None) -> sa.FromClause:
        """The table, as queries name it."""
        names = dict.fromkeys([*(c.name for c in self.columns), *more])
        columns: list[sa.ColumnClause[object]] = [sa.column(quoted(name)) for name in names]
        table = sa.table(self.table_name, *columns, schema=self.schema_name)
        return table.alias(alias) if alias else table

    def select(self, *more: str) -> sa.Select[tuple[object, ...]]:
        """All columns, in order; `more` may be named in conditions."""
        table = self.clause(*more)
        return sa.select(*(table.c[c.name] for c in self.columns)).select_from(table)

    def stream(self, connection: sa.Connection, query: sa.Executable) -> Iterator[Sequence[object]]:
        if connection.dialect.name == "sqlite" and _as_they_are(query):
            yield from _driver_rows(connection, query)
            return
        streamed = connection.execution_options(yield_per=ROWS_AT_ONCE)
        with streamed.execute(query) as found:
            while rows := found.fetchmany(ROWS_AT_ONCE):
                yield from rows


def _as_they_are(query: sa.Executable) -> bool:
    """Whether SQLAlchemy would give the driver's values unchanged: it knows no type of them."""
    return isinstance(query, sa.Select) and all(
        isinstance(column.type, sa.types.NullType) for column in query.selected_columns
    )


def _driver_rows(connection: sa.Connection, query: sa.Executable) -> Iterator[Sequence[object]]:
    """The driver's own tuples: a million times not wrapped. For SQLite, where nothing is read
    ahead of who asks."""
    with connection.execute(query) as found:
        while found.cursor is not None:
            try:
                rows = found.cursor.fetchmany(ROWS_AT_ONCE)
            except connection.dialect.loaded_dbapi.Error as error:
                raise wrapped(connection, "SELECT", error) from error
            if not rows:
                return
            yield from rows


def quoted(name: str) -> quoted_name:
    return quoted_name(name, quote=True)
