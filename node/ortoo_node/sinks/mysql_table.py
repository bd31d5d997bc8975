"""What filling a table takes on MySQL and MariaDB beside the other databases.

Its upsert is ON DUPLICATE KEY UPDATE, which looks at every unique index; its text compares as the
collation says; its DDL commits. And pymysql finds VALUES in an insert by a pattern: column names
come from another party, so rows are put into a temporary table whose columns bear our own names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import mysql

from ortoo_protocol.core.errors import RowsKey

STAGE = "ortoo_stage"


def exact_collation(connection: sa.Connection) -> str:
    """Byte for byte, trailing spaces too."""
    if connection.dialect.is_mariadb:  # type: ignore[attr-defined]  # it is MySQL's dialect
        return "utf8mb4_nopad_bin"
    newer = (connection.dialect.server_version_info or (0,)) >= (8, 0, 17)
    return "utf8mb4_0900_bin" if newer else "utf8mb4_bin"


def misfit(
    connection: sa.Connection,
    path: tuple[str | None, str],
    key: Sequence[str],
    unique: Sequence[Sequence[str]],
) -> str:
    """Why a table of the department cannot be filled; "" if it can."""
    others = [columns for columns in unique if columns and set(columns) != set(key)]
    if others:
        return f"({', '.join(others[0])}) is unique too, and MySQL would take it for the key"
    query = sa.text(
        "SELECT column_name, collation_name FROM information_schema.columns "
        "WHERE table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name"
    )
    found = connection.execute(query, {"schema": path[0], "name": path[1]})
    for name, collation in found:
        if name in key and collation is not None and not str(collation).endswith("_bin"):
            return f"key column {name} is {collation}, which takes two keys for one: make it _bin"
    return ""


def lock(connection: sa.Connection, what: str, timeout_s: float) -> bool:
    """Until the connection goes back to its pool, which is after the commit."""
    query = sa.text("SELECT GET_LOCK(SHA2(:what, 256), :seconds)")
    values = {"what": what, "seconds": timeout_s}
    return bool(connection.execute(query, values).scalar())


def put(
    connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    """One row of a table of our own."""
    insert = mysql.insert(table).values(**key, **values)
    connection.execute(insert.on_duplicate_key_update(**values))


class Filling:
    """Rows into `table`, by a temporary one of the same types and collations."""

    def __init__(
        self,
        table: sa.Table,
        key: Sequence[sa.Column[object]],
        rest: Sequence[sa.Column[object]],
    ) -> None:
        self._table = table
        self._key = key
        self._rest = rest
        self._stage = sa.table(STAGE, *(sa.column(c.key, c.type) for c in table.c))

    def upsert(self, connection: sa.Connection, rows: Sequence[tuple[object, ...]]) -> None:
        self._create(connection)
        self._insert(connection, rows, "REPLACE")
        connection.execute(self._merge(only_what_differs=not self._rest))
        self._drop(connection)

    def replace(
        self, connection: sa.Connection, batches: Iterable[list[tuple[object, ...]]]
    ) -> None:
        """Raises RowsKey."""
        self._create(connection)
        try:
            for batch in batches:
                self._insert(connection, batch)
        except exc.IntegrityError:
            raise RowsKey() from None
        gone = sa.delete(self._table).where(~sa.exists().where(*self._same()))
        connection.execute(gone)
        connection.execute(self._merge(only_what_differs=True))
        self._drop(connection)

    def _create(self, connection: sa.Connection) -> None:
        """One that was left by a transaction that broke off goes first; neither commits."""
        self._drop(connection)
        like = sa.select(*(c.label(c.key) for c in self._table.c)).where(sa.false())
        keys = ", ".join(c.key for c in self._key)
        sql = str(like.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
        connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {STAGE} (PRIMARY KEY ({keys})) {sql}")

    def _drop(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"DROP TEMPORARY TABLE IF EXISTS {STAGE}")

    def _insert(
        self, connection: sa.Connection, rows: Sequence[tuple[object, ...]], verb: str = "INSERT"
    ) -> None:
        names = ", ".join(c.key for c in self._table.c)
        places = ", ".join("%s" for _ in self._table.c)
        sql = f"{verb} INTO {STAGE} ({names}) VALUES ({places})"
        connection.exec_driver_sql(sql, list(rows))

    def _same(self) -> list[sa.ColumnElement[bool]]:
        return [self._stage.c[c.key] == c for c in self._key]

    def _merge(self, *, only_what_differs: bool) -> sa.Executable:
        rows = sa.select(*self._stage.c)
        if only_what_differs:
            joined = self._stage.outerjoin(self._table, sa.and_(*self._same()))
            rows = rows.select_from(joined).where(self._differs())
        insert = mysql.insert(self._table).from_select([c.key for c in self._table.c], rows)
        if not self._rest:
            return insert
        return insert.on_duplicate_key_update({c.key: self._stage.c[c.key] for c in self._rest})

    def _differs(self) -> sa.ColumnElement[bool]:
        """Text byte for byte: the collation would take a capital for a small letter."""
        absent = self._key[0].is_(None)
        if not self._rest:
            return absent
        here = sa.tuple_(*(_bytes(c) for c in self._rest))
        there = sa.tuple_(*(_bytes(self._stage.c[c.key]) for c in self._rest))
        return sa.or_(absent, here.is_distinct_from(there))


def _bytes(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.cast(column, sa.LargeBinary) if isinstance(column.type, sa.String) else column
