"""Statements that run very often: made by SQLAlchemy, compiled once, then the driver's own.

At a few thousand rows a second most of a statement's cost is SQLAlchemy's way to the driver. What
the driver raises comes out as SQLAlchemy's errors do.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.exc import DBAPIError

Values = tuple[Any, ...]


class Prepared:
    """`statement` with the parameters `names`, given as tuples in that order."""

    def __init__(self, statement: Executable, names: Sequence[str]) -> None:
        self._statement = statement
        self._names = tuple(names)

    def many(self, conn: Connection, rows: Sequence[Values]) -> int:
        """Once for each of `rows`; how many rows of the table that touched."""
        if not rows:
            return 0
        text, order = _compiled(self, conn.dialect)
        cursor = _cursor(conn)
        try:
            cursor.executemany(text, rows if order is None else [order(row) for row in rows])
        except conn.dialect.loaded_dbapi.Error as error:
            raise wrapped(conn, text, error) from error
        return int(cursor.rowcount)

    def one(self, conn: Connection, *values: Any) -> int:
        return self.many(conn, [values])

    def rows(self, conn: Connection, *values: Any) -> list[Values]:
        """What a query finds."""
        text, order = _compiled(self, conn.dialect)
        cursor = _cursor(conn)
        try:
            cursor.execute(text, values if order is None else order(values))
            found: list[Values] = cursor.fetchall()
        except conn.dialect.loaded_dbapi.Error as error:
            raise wrapped(conn, text, error) from error
        return found

    def compile(self, dialect: Dialect) -> tuple[str, Any]:
        """The text, and what puts values as it wants them (None: as they are)."""
        compiled: Any = self._statement.compile(  # type: ignore[attr-defined]
            dialect=dialect, column_keys=list(self._names)
        )
        names = self._names
        fixed = {name: value for name, value in compiled.params.items() if name not in names}
        if not compiled.positional:
            return str(compiled), lambda row: {**fixed, **dict(zip(names, row, strict=True))}
        if tuple(compiled.positiontup) == names:
            return str(compiled), None
        tail = tuple(fixed)
        places = [(*names, *tail).index(name) for name in compiled.positiontup]
        constants = tuple(fixed.values())
        return str(compiled), lambda row: tuple([(*row, *constants)[place] for place in places])


@lru_cache(maxsize=1_024)
def _compiled(prepared: Prepared, dialect: Dialect) -> tuple[str, Any]:
    return prepared.compile(dialect)


def execute(conn: Connection, text: str, values: Any = ()) -> Any:
    """The driver's own cursor after `text`."""
    cursor = _cursor(conn)
    try:
        cursor.execute(text, values)
    except conn.dialect.loaded_dbapi.Error as error:
        raise wrapped(conn, text, error) from error
    return cursor


def _cursor(conn: Connection) -> Any:
    raw: Any = conn.connection.dbapi_connection
    return raw.cursor()


def wrapped(conn: Connection, text: str, error: Exception) -> BaseException:
    kind = conn.dialect.loaded_dbapi.Error
    return DBAPIError.instance(text, None, error, kind, dialect=conn.dialect)


class Savepoint:
    """A savepoint by the driver's own words; SQLAlchemy's costs ten times as much.

    Used as a pair: `release` or `rollback`, once, before anything around it ends.
    """

    def __init__(self, conn: Connection, name: str) -> None:
        self._cursor, self._name = _cursor(conn), name
        self._cursor.execute(f"SAVEPOINT {name}")

    def release(self) -> None:
        self._cursor.execute(f"RELEASE SAVEPOINT {self._name}")

    def back(self) -> None:
        """Take back what happened since; the savepoint stays."""
        self._cursor.execute(f"ROLLBACK TO SAVEPOINT {self._name}")

    def rollback(self) -> None:
        self.back()
        self.release()


def begin(conn: Connection) -> None:
    """Begin to write by the driver's own words, unless that is under way: what SQLAlchemy begins
    with a statement of its own is the same transaction. SQLite only."""
    raw: Any = conn.connection.dbapi_connection
    if not raw.in_transaction:
        execute(conn, "BEGIN IMMEDIATE")


def commit(conn: Connection) -> None:
    """End what `begin` began, and SQLAlchemy's with it if there is one."""
    if conn.in_transaction():
        conn.commit()
    else:
        execute(conn, "COMMIT")
