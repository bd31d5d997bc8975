"""SQL queries on a department's database: one SELECT, bound parameters, its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, exc, text

from ortoo_node import databases
from ortoo_node.databases import Trouble
from ortoo_node.queries.connections import Connections, ran_out
from ortoo_node.queries.declared import Declaration
from ortoo_node.queries.running import Found, Limits, typed
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import QuerySource, QueryTimeout
from ortoo_protocol.core.feeds import Column

ROWS_AT_ONCE = 500


class SqlRunner:
    """`connections` are shared by the queries of one source."""

    def __init__(self, declared: Declaration, connections: Connections) -> None:
        self._connections = connections
        self._statement = text(declared.sql.rstrip().rstrip(";"))
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
        result = conn.execute(
            self._statement, dict(bound), execution_options={"yield_per": ROWS_AT_ONCE}
        )
        try:
            given = list(result.keys())
            places = []
            for column in columns:
                name = self._names[column.name]
                if given.count(name) != 1:
                    raise QuerySource(detail=f"the query gives no column {name}, or several")
                places.append(given.index(name))
            rows = ([row[at] for at in places] for row in result)
            return typed(rows, columns, limits.rows)
        finally:
            result.close()


def _named(error: exc.SQLAlchemyError, limits: Limits) -> QuerySource | QueryTimeout:
    """Nothing of the statement or of its parameters goes to the one who asked."""
    if ran_out(error):
        return QueryTimeout(detail=f"{limits.timeout_ms} ms")
    trouble, _detail = databases.judge(error)
    return QuerySource(detail=_SAID.get(trouble, "it refused the query"))


_SAID = {
    Trouble.UNREACHABLE: "it cannot be reached",
    Trouble.BUSY: "it is busy",
    Trouble.FORBIDDEN: "it does not allow this query",
    Trouble.SHAPE: "it does not have what the query names",
    Trouble.VALUE: "it cannot take a parameter as it is",
}
