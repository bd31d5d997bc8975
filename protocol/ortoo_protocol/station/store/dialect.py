"""The one statement that SQLAlchemy leaves to dialects: insert, or update what stands there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`; where the primary key is taken, overwrite the other columns."""
    if not rows:
        return
    statement = upsert_of(table, conn.dialect.name, list(rows[0]))
    conn.execute(statement, [dict(row) for row in rows])


def upsert_of(table: Table, dialect: str, names: Sequence[str] | None = None) -> Any:
    """The statement of `upsert` for rows with the columns `names` (all)."""
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement: Any = make(table)
    keys = [column.name for column in table.primary_key]
    given = names if names is not None else list(table.c.keys())
    changed = {name: statement.excluded[name] for name in given if name not in keys}
    if changed:
        return statement.on_conflict_do_update(index_elements=keys, set_=changed)
    return statement.on_conflict_do_nothing(index_elements=keys)


def insert_new(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`; what is already there stays as it is."""
    if not rows:
        return
    conn.execute(insert_new_of(table, conn.dialect.name), [dict(row) for row in rows])


def insert_new_of(table: Table, dialect: str) -> Any:
    """The statement of `insert_new`."""
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return make(table).on_conflict_do_nothing()


def upsert_adding(
    conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], name: str
) -> None:
    """Insert `rows`; where the primary key is taken, add their column `name` to what stands
    there."""
    if not rows:
        return
    make = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    statement: Any = make(table)
    keys = [column.name for column in table.primary_key]
    grown = {name: table.c[name] + statement.excluded[name]}
    statement = statement.on_conflict_do_update(index_elements=keys, set_=grown)
    conn.execute(statement, [dict(row) for row in rows])
