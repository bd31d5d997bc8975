"""Statements that run very often: made by SQLAlchemy, compiled once, then handed to the driver.

At a few thousand rows a second most of a statement's cost is SQLAlchemy's way to the driver.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, CursorResult, Dialect, Executable

Values = tuple[Any, ...]


class Prepared:
    """`statement` with the parameters `names`, given as tuples in that order."""

    def __init__(self, statement: Executable, names: Sequence[str]) -> None:
        self._statement = statement
        self._names = tuple(names)

    def many(self, conn: Connection, rows: Sequence[Values]) -> CursorResult[Any] | None:
        """Once for each of `rows`; None when there are none."""
        return conn.exec_driver_sql(*self._bound(conn, rows)) if rows else None

    def one(self, conn: Connection, *values: Any) -> CursorResult[Any]:
        text, rows = self._bound(conn, [values])
        return conn.exec_driver_sql(text, rows[0])

    def _bound(self, conn: Connection, rows: Sequence[Values]) -> tuple[str, Any]:
        text, order = _compiled(self, conn.dialect)
        if order is None:
            return text, [dict(zip(self._names, row, strict=True)) for row in rows]
        if order != self._names:
            places = [self._names.index(name) for name in order]
            return text, [tuple([row[place] for place in places]) for row in rows]
        return text, rows

    def compile(self, dialect: Dialect) -> tuple[str, tuple[str, ...] | None]:
        """The text, and the order of its parameters where they have no names."""
        compiled: Any = self._statement.compile(  # type: ignore[attr-defined]
            dialect=dialect, column_keys=list(self._names)
        )
        return str(compiled), tuple(compiled.positiontup) if compiled.positional else None


@lru_cache(maxsize=1_024)
def _compiled(prepared: Prepared, dialect: Dialect) -> tuple[str, tuple[str, ...] | None]:
    return prepared.compile(dialect)
