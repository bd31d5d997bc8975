"""SQL queries on a department's database: one SELECT, bound parameters, its limits."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection, exc, text
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from ortoo_node import databases
from ortoo_node.databases import Trouble
from ortoo_node.queries.connections import Connections, ran_out
from ortoo_node.queries.declared import Declaration
from ortoo_node.queries.running import Found, Limits, typed
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import QuerySource, QueryTimeout
from ortoo_protocol.core.feeds import Column
from ortoo_protocol.station.store.prepared import execute, wrapped

ROWS_AT_ONCE = 500


class SqlRunner:
    """`connections` are shared by the queries of one source."""

    def __init__(self, declared: Declaration, connections: Connections) -> None:
        self._connections = connections
        self._statement = text(declared.sql.rstrip().rstrip(";"))
        self._sqlite_text = str(self._statement.compile(dialect=sqlite_dialect(paramstyle="named")))
        self._names = {each.named: each.column for each in declared.columns}

    def run(self, bound: Mapping[str, Scalar], columns: Sequence[Column], limits: Limits) -> Found:
        try:
            with self._connections.reading(limits.timeout_ms) as conn:
                return self._read(conn, bound, columns, limits)
        except exc.SQLAlchemyError as error:
            raise _named(error, limits) from None

    def _read(
        self,
        conn: Connection,
        bound: Mapping[str, Scalar],
        columns: Sequence[Column],
        limits: Limits,
    ) -> Found:
        """More rows than may be given are not fetched."""
        if conn.dialect.name == "sqlite":
            return self._read_sqlite(conn, bound, columns, limits)
        result = conn.execute(
            self._statement, dict(bound), execution_options={"yield_per": ROWS_AT_ONCE}
        )
        try:
            pick = self._picked(list(result.keys()), columns)
            return typed(map(pick, result), columns, limits.rows)
        finally:
            result.close()

    def _read_sqlite(
        self,
        conn: Connection,
        bound: Mapping[str, Scalar],
        columns: Sequence[Column],
        limits: Limits,
    ) -> Found:
        """By the driver's own cursor: a file beside us answers in less time than SQLAlchemy takes
        on its way there."""
        cursor = execute(conn, self._sqlite_text, dict(bound))
        try:
            pick = self._picked([each[0] for each in cursor.description], columns)
            return typed(map(pick, cursor), columns, limits.rows)
        except sqlite3.Error as error:  # on the way to a later row
            raise wrapped(conn, self._sqlite_text, error) from error
        finally:
            cursor.close()

    def _picked(
        self, given: Sequence[str], columns: Sequence[Column]
    ) -> Callable[[Sequence[object]], Sequence[object]]:
        places = []
        for column in columns:
            name = self._names[column.name]
            if given.count(name) != 1:
                raise QuerySource(detail=f"the query gives no column {name}, or several")
            places.append(given.index(name))
        return lambda row: [row[at] for at in places]


def _named(error: exc.SQLAlchemyError, limits: Limits) -> QuerySource | QueryTimeout:
    """Nothing of the statement or of its parameters goes to the one who asked; what the database
    said about the statement is a note for the provider's own log."""
    if ran_out(error):
        return QueryTimeout(detail=f"{limits.timeout_ms} ms")
    trouble, words = databases.judge(error)
    refused = QuerySource(detail=_SAID.get(trouble, "it refused the query"))
    if trouble in _ABOUT_THE_STATEMENT and not _quotes_values(error):
        refused.add_note(words)
    return refused


def _quotes_values(error: exc.SQLAlchemyError) -> bool:
    """PyMySQL sends values within the statement, of which the server repeats a part."""
    original = error.orig if isinstance(error, exc.DBAPIError) else None
    return type(original).__module__.partition(".")[0] == "pymysql"


_ABOUT_THE_STATEMENT = frozenset((Trouble.SHAPE, Trouble.FORBIDDEN, Trouble.UNREACHABLE))
_SAID = {
    Trouble.UNREACHABLE: "it cannot be reached",
    Trouble.BUSY: "it is busy",
    Trouble.FORBIDDEN: "it does not allow this query",
    Trouble.SHAPE: "it does not have what the query names",
    Trouble.VALUE: "it cannot take a parameter as it is",
}
