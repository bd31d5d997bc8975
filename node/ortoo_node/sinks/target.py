"""The table behind a sink: made or matched to what is announced, then filled.

Names come from another party. They are never put into SQL as text: SQLAlchemy quotes them as
identifiers, and parameters bear names of our own (c0, c1, …).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.sql import quoted_name

from ortoo_node.databases import as_written
from ortoo_node.sinks import mysql_table
from ortoo_node.sinks.columns import AnyType, Store, converts, fits, made, narrow, storer
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import RowsKey, RowsSchema
from ortoo_protocol.core.feeds import Changes, Column, TableSchema
from ortoo_protocol.core.rows import checks
from ortoo_protocol.station.store.prepared import execute

STAGE = "ortoo_stage"
ROWS_AT_ONCE = 2_000
ROWS_A_STATEMENT = 100
SQLITE_VARIABLES = 32_766  # of one statement, since SQLite 3.32
Path = tuple[str | None, str]


Insert = sqlite.Insert | postgresql.Insert


def insert_into(table: sa.Table, dialect: str) -> Insert:
    """The two dialects spell ON CONFLICT alike, but SQLAlchemy keeps them apart."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


class Misfit(Exception):
    """Internal to the sinks: why an existing table cannot take the announced rows."""


def fit(connection: sa.Connection, path: Path, schema: TableSchema) -> Target:
    """Make the table, or match the existing one and add what was announced since.

    Columns that are there and not announced stay as they are. Raises Misfit.
    """
    schema_name, name = path
    try:
        found = sa.inspect(connection).get_columns(name, schema=schema_name)
    except exc.NoSuchTableError:
        dialect = connection.dialect.name
        types = {c.name: made(c, dialect, key=c.name in schema.key) for c in schema.columns}
        table = _table(path, schema, types)
        if dialect == "mysql":
            table.dialect_options["mysql"]["charset"] = "utf8mb4"
            table.dialect_options["mysql"]["collate"] = mysql_table.exact_collation(connection)
        table.create(connection)
        return Target(schema, table, connection.dialect.name)
    have = {as_written(each["name"], connection.dialect.name): each for each in found}
    _match_key(connection, path, schema)
    for column in schema.columns:
        _match(column, have, connection.dialect.name)
    types = {
        column.name: _altered(connection, path, schema, column, have) for column in schema.columns
    }
    return Target(schema, _table(path, schema, types), connection.dialect.name)


def _table(path: Path, schema: TableSchema, types: dict[str, AnyType]) -> sa.Table:
    columns = {
        column.name: sa.Column(
            quoted_name(column.name, quote=True),
            types[column.name],
            key=f"c{place}",
            nullable=column.name not in schema.key,
            autoincrement=False,
        )
        for place, column in enumerate(schema.columns)
    }
    key = sa.PrimaryKeyConstraint(*(columns[name] for name in schema.key))
    return sa.Table(path[1], sa.MetaData(), *columns.values(), key, schema=path[0])


def _match_key(connection: sa.Connection, path: Path, schema: TableSchema) -> None:
    inspector = sa.inspect(connection)
    primary = inspector.get_pk_constraint(path[1], schema=path[0])["constrained_columns"]
    unique = [each["column_names"] for each in inspector.get_unique_constraints(path[1], path[0])]
    dialect = connection.dialect.name
    primary = [as_written(name, dialect) for name in primary]
    unique = [[as_written(name, dialect) for name in columns if name] for columns in unique]
    if not any(set(columns) == set(schema.key) for columns in (primary, *unique)):
        raise Misfit(
            f"its primary key is ({', '.join(primary)}), announced is ({', '.join(schema.key)})"
        )
    if dialect == "mysql":
        why = mysql_table.misfit(connection, path, schema.key, [primary, *unique])
        if why:
            raise Misfit(why)


def _match(column: Column, have: Mapping[str, ReflectedColumn], dialect: str) -> None:
    """Before anything is altered: MySQL takes no DDL back."""
    found = have.get(column.name)
    if found is None:
        if column.name.casefold() in {name.casefold() for name in have}:
            raise Misfit(f"it has {column.name} in other capitals")
    elif not fits(column, found["type"], dialect):
        raise Misfit(f"{column.name} is {found['type']!r}, announced is item type {column.type}")


def _altered(
    connection: sa.Connection,
    path: Path,
    schema: TableSchema,
    column: Column,
    have: Mapping[str, ReflectedColumn],
) -> AnyType:
    """The type of the column behind `column`, added or widened where that is needed."""
    # Memory of stations that alter no table (store/migrate.py).
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    dialect = connection.dialect.name
    alter = Operations(MigrationContext.configure(connection))
    found = have.get(column.name)
    wanted = made(column, dialect, key=column.name in schema.key)
    if found is None:
        new: sa.Column[object] = sa.Column(quoted_name(column.name, quote=True), wanted)
        alter.add_column(path[1], new, schema=path[0])
        return wanted
    if dialect == "sqlite" or not narrow(column, found["type"]):
        return found["type"]
    if isinstance(wanted, sa.String):
        wanted = wanted.copy()
        wanted.collation = getattr(found["type"], "collation", None)
    alter.alter_column(
        path[1],
        quoted_name(column.name, quote=True),
        type_=wanted,
        existing_nullable=found["nullable"],
        schema=path[0],
    )
    return wanted


class Target:
    """Statements, compiled once, that fill one table under one schema."""

    def __init__(self, schema: TableSchema, table: sa.Table, dialect: str) -> None:
        self.schema = schema
        names = [column.name for column in schema.columns]
        self._key_places = [names.index(name) for name in schema.key]
        types = [table.c[f"c{place}"].type for place in range(len(schema.columns))]
        self._stores: list[Store] = [
            storer(column, check, found, dialect)
            for column, check, found in zip(schema.columns, checks(schema), types, strict=True)
        ]
        self._as_they_are = not any(
            converts(column, found, dialect)
            for column, found in zip(schema.columns, types, strict=True)
        )
        self._table = table
        self._dialect = dialect
        self._stage = self._temporary()
        self._many: str | None = None
        self._mysql = mysql_table.Filling(table, self._columns(key=True), self._columns(key=False))

    def change(self, connection: sa.Connection, changes: Changes) -> None:
        """Deletes and upserts go as two bulk runs."""
        deletes = [self._key(key) for key in changes.deletes]
        upserts: Sequence[tuple[object, ...]] = changes.upserts
        if not (changes.checked and self._as_they_are):
            upserts = [self._row(row) for row in changes.upserts]
        if deletes:
            connection.exec_driver_sql(self._compiled(connection, self._delete()), deletes)
        if upserts and self._dialect == "mysql":
            self._mysql.upsert(connection, upserts)
        elif upserts and self._dialect == "sqlite":
            self._upsert_at_once(connection, upserts)
        elif upserts:
            connection.exec_driver_sql(self._compiled(connection, self._upsert()), upserts)

    def _upsert_at_once(
        self, connection: sa.Connection, upserts: Sequence[tuple[object, ...]]
    ) -> None:
        """Many rows a statement, the rest one each. SQLite runs a statement without Python's lock:
        one for each row costs half as much again, and a fight for the lock with other threads."""
        most = max(1, min(ROWS_A_STATEMENT, SQLITE_VARIABLES // len(self.schema.columns)))
        whole = len(upserts) - len(upserts) % most
        if whole and self._many is None:
            self._many = self._compiled(connection, self._upsert(rows=most))
        for at in range(0, whole, most):
            values = tuple(chain.from_iterable(upserts[at : at + most]))
            execute(connection, self._many or "", values)
        if whole < len(upserts):
            statement = self._compiled(connection, self._upsert())
            connection.exec_driver_sql(statement, list(upserts[whole:]))

    def replace(self, connection: sa.Connection, rows: Iterable[tuple[Scalar, ...]]) -> None:
        """Make the table exactly `rows`, writing only what differs.

        Rows are staged in a temporary table and compared there, in the database: readers see the
        old table until the commit, and an unchanged row costs no write. Raises RowsKey.
        """
        if self._dialect == "mysql":
            self._mysql.replace(connection, self._batches(rows))
            return
        self._stage.create(connection)
        insert = self._compiled(connection, self._stage.insert())
        try:
            for batch in self._batches(rows):
                connection.exec_driver_sql(insert, batch)
        except exc.IntegrityError:
            raise RowsKey() from None
        if self._dialect == "postgresql":
            # Temporary tables are not analysed by themselves, and the plan hangs on their size.
            connection.execute(sa.text(f"ANALYZE {STAGE}"))
        for statement in self._differences():
            connection.execute(statement)
        self._stage.drop(connection)

    def _batches(self, rows: Iterable[tuple[Scalar, ...]]) -> Iterator[list[tuple[object, ...]]]:
        source = map(self._row, rows)
        while batch := list(islice(source, ROWS_AT_ONCE)):
            yield batch

    def _row(self, values: tuple[Scalar, ...]) -> tuple[object, ...]:
        if len(values) != len(self._stores):
            raise RowsSchema(detail=f"{len(values)} values, {len(self._stores)} columns")
        return tuple([store(v) for store, v in zip(self._stores, values, strict=True)])

    def _key(self, values: tuple[Scalar, ...]) -> tuple[object, ...]:
        if len(values) != len(self._key_places):
            raise RowsSchema(detail=f"{len(values)} values, {len(self._key_places)} key columns")
        stores = [self._stores[place] for place in self._key_places]
        return tuple([store(v) for store, v in zip(stores, values, strict=True)])

    def _columns(self, *, key: bool) -> list[sa.Column[object]]:
        places = range(len(self.schema.columns))
        wanted = self._key_places if key else [p for p in places if p not in self._key_places]
        return [self._table.c[f"c{place}"] for place in wanted]

    def _compiled(self, connection: sa.Connection, statement: sa.Executable) -> str:
        return str(statement.compile(dialect=connection.dialect))  # type: ignore[attr-defined]

    def _delete(self) -> sa.Delete:
        matches = [c == sa.bindparam(f"k_{c.key}", type_=c.type) for c in self._columns(key=True)]
        return sa.delete(self._table).where(*matches)

    def _upsert(self, stage: sa.Table | None = None, rows: int = 1) -> Insert:
        """Of bound rows; of the staged rows that differ when `stage` is given."""
        insert = insert_into(self._table, self._dialect)
        if rows > 1:
            insert = insert.values([dict.fromkeys([c.key for c in self._table.c])] * rows)
        key, rest = self._columns(key=True), self._columns(key=False)
        if stage is not None:
            # The condition is for SQLite, whose parser takes ON for a join otherwise.
            insert = insert.from_select(
                [c.key for c in self._table.c], sa.select(*stage.c).where(sa.true())
            )
        if not rest:
            return insert.on_conflict_do_nothing(index_elements=key)
        new = {c.key: insert.excluded[c.key] for c in rest}
        differs = sa.tuple_(*rest).is_distinct_from(sa.tuple_(*new.values()))
        return insert.on_conflict_do_update(
            index_elements=key, set_=new, where=differs if stage is not None else None
        )

    def _differences(self) -> tuple[sa.Executable, ...]:
        same = [self._stage.c[c.key] == c for c in self._columns(key=True)]
        gone = sa.delete(self._table).where(~sa.exists().where(*same))
        return gone, self._upsert(self._stage)

    def _temporary(self) -> sa.Table:
        columns = [
            sa.Column(c.name, c.type, key=c.key, nullable=c.nullable, autoincrement=False)
            for c in self._table.c
        ]
        by_key = {column.key: column for column in columns}
        return sa.Table(
            STAGE,
            sa.MetaData(),
            *columns,
            sa.PrimaryKeyConstraint(*(by_key[c.key] for c in self._columns(key=True))),
            prefixes=["TEMPORARY"],
        )
