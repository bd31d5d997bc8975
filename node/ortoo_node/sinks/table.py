"""SinkTable: rows of a feed in a table of a department's database, exactly once.

The cursor stands in table ``ortoo_cursor`` of the same database and moves in the transaction that
writes the rows: after any crash the two agree, and the engine goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

import sqlalchemy as sa
from sqlalchemy import exc

from ortoo_node import databases
from ortoo_node.databases import Trouble, judge, open_writer, place, read_url, split_name
from ortoo_node.sinks import mysql_table
from ortoo_node.sinks.target import Misfit, Target, fit, insert_into
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import (
    RowsSchema,
    SinkBusy,
    SinkConstraint,
    SinkError,
    SinkForbidden,
    SinkFull,
    SinkMismatch,
    SinkMoved,
    SinkTaken,
    SinkUnreachable,
    SinkValue,
)
from ortoo_protocol.core.feeds import Changes, TableSchema
from ortoo_protocol.core.rows import check_name, check_schema
from ortoo_protocol.station.ports import Cursor

_ERRORS: dict[Trouble, type[SinkError]] = {
    Trouble.UNREACHABLE: SinkUnreachable,
    Trouble.BUSY: SinkBusy,
    Trouble.FULL: SinkFull,
    Trouble.FORBIDDEN: SinkForbidden,
    Trouble.SHAPE: SinkMismatch,
    Trouble.VALUE: SinkValue,
    Trouble.CONSTRAINT: SinkConstraint,
}
_CURSORS = sa.Table(
    "ortoo_cursor",
    sa.MetaData(),
    # MySQL's keys are no TEXT.
    sa.Column("table_name", sa.Text().with_variant(sa.String(255), "mysql"), primary_key=True),
    sa.Column("feed", sa.Text, nullable=False),
    sa.Column("incarnation", sa.BigInteger, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    mysql_charset="utf8mb4",
    mysql_collate="utf8mb4_bin",
)


class SinkTable:
    """`table` (``name`` or ``schema.name``) in the database at `url`.

    Makes the table when it is missing, matches one that is there, adds columns announced later;
    a table belongs to one feed. Not for two threads at once. Opens nothing until asked.
    Raises DatabaseUrl and SinkMismatch (an unusable name) at once; the rest as `Sink` says.
    """

    def __init__(self, url: str, table: str) -> None:
        parsed = read_url(url, table)
        self._name = place(parsed)
        self._table = table
        self._engine = open_writer(parsed)
        self._path = split_name(table, parsed)
        try:
            parts = [check_name(part) for part in self._path if part is not None]
        except RowsSchema as error:
            raise self._mismatch(str(error.facts["detail"])) from None
        if parts[-1].casefold().startswith(("ortoo_", "sqlite_", "pg_")):
            raise self._mismatch("names that begin with ortoo_, sqlite_ or pg_ are taken")
        self._fitted: Target | None = None
        self._left: Cursor | None = None

    def read_cursor(self, feed: str) -> Cursor | None:
        with self._named():
            # Autocommit: one look, without SQLite's write lock.
            with self._engine.connect() as connection:
                connection = connection.execution_options(isolation_level="AUTOCOMMIT")
                owner = self._stored(connection)
            self._left = owner if owner is not None and owner.feed == feed else None
        return self._left

    def apply(self, schema: TableSchema, changes: Changes, cursor: Cursor) -> None:
        self.apply_all([(schema, changes, cursor)])

    def apply_all(self, steps: Sequence[tuple[TableSchema, Changes, Cursor]]) -> None:
        for schema, _changes, _cursor in steps:
            check_schema(schema)
        if self._fitted is not None and self._left is not None:
            with suppress(SinkMismatch):  # perhaps a table was dropped: then all is looked at
                self._apply(steps, self._owned_still)
                return
        self._apply(steps, self._owned)

    def _apply(
        self,
        steps: Sequence[tuple[TableSchema, Changes, Cursor]],
        owned: Callable[[sa.Connection, str], Cursor | None],
    ) -> None:
        last = steps[-1][2]
        with self._named(), self._engine.begin() as connection:
            stored = owned(connection, last.feed)
            rest = [step for step in steps if stored is None or not _covers(stored, step[2])]
            moved = len(rest) == len(steps) and stored != self._left
            if moved or (rest and stored and not _before(stored, rest[0][2])):
                raise SinkMoved(name=self._name, table=self._table, feed=last.feed)
            fitted = self._fitted
            for schema, changes, _cursor in rest:
                fitted = self._target(connection, schema, fitted)
                fitted.change(connection, changes)
            if rest:
                self._store(connection, last)
        self._fitted, self._left = fitted, last if rest else stored

    def replace(
        self, schema: TableSchema, rows: Iterable[tuple[Scalar, ...]], cursor: Cursor
    ) -> None:
        check_schema(schema)
        with self._named(), self._engine.begin() as connection:
            self._owned(connection, cursor.feed)
            target = self._target(connection, schema, self._fitted)
            target.replace(connection, rows)
            self._store(connection, cursor)
        self._fitted, self._left = target, cursor

    def rewind(self, cursor: Cursor) -> None:
        with self._named(), self._engine.begin() as connection:
            self._owned(connection, cursor.feed)
            self._store(connection, cursor)
        self._left = cursor

    def release(self, feed: str) -> None:
        """The subscription ended: forget its cursor, so that another feed may have the table.

        Rows stay.
        """
        with self._named(), self._engine.begin() as connection:
            self._owned(connection, feed)
            mine = _CURSORS.c.table_name == self._identity(connection)
            connection.execute(sa.delete(_CURSORS).where(mine))
        self._fitted, self._left = None, None

    def close(self) -> None:
        self._engine.dispose()

    # --- inside a transaction -------------------------------------------------------------------

    def _owned_still(self, connection: sa.Connection, feed: str) -> Cursor | None:
        """`_owned` of a table that was filled through this object before: what is there is not
        looked up again, and a statement fails if it is no longer."""
        self._lock(connection, self._identity(connection))
        return self._mine(feed, self._read(connection))

    def _owned(self, connection: sa.Connection, feed: str) -> Cursor | None:
        """Lock this table against other writers; its cursor. Raises SinkTaken."""
        self._lock(connection, self._identity(connection))
        if not sa.inspect(connection).has_table(_CURSORS.name):
            self._lock(connection, _CURSORS.name)
            _CURSORS.create(connection, checkfirst=True)
        return self._mine(feed, self._stored(connection))

    def _mine(self, feed: str, stored: Cursor | None) -> Cursor | None:
        if stored is not None and stored.feed != feed:
            raise SinkTaken(name=self._name, table=self._table, owner=stored.feed)
        return stored

    def _lock(self, connection: sa.Connection, what: str) -> None:
        """SQLite's whole file is locked already, by BEGIN IMMEDIATE."""
        if connection.dialect.name == "mysql":
            if not mysql_table.lock(connection, "ortoo " + what, databases.LOCK_TIMEOUT_S):
                raise SinkBusy(name=self._name, table=self._table, detail="another station writes")
        elif connection.dialect.name == "postgresql":
            key = sa.func.hashtextextended("ortoo " + what, 0)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))

    def _stored(self, connection: sa.Connection) -> Cursor | None:
        """The cursor of whoever fills the table. A cursor whose table was dropped is none."""
        inspector = sa.inspect(connection)
        if not inspector.has_table(_CURSORS.name):
            return None
        stored = self._read(connection)
        if stored is None or not inspector.has_table(self._path[1], schema=self._path[0]):
            self._fitted = None
            return None
        return stored

    def _read(self, connection: sa.Connection) -> Cursor | None:
        mine = _CURSORS.c.table_name == self._identity(connection)
        row = connection.execute(sa.select(_CURSORS).where(mine)).one_or_none()
        return None if row is None else Cursor(row.feed, row.incarnation, row.seq, row.hash)

    def _store(self, connection: sa.Connection, cursor: Cursor) -> None:
        values = {
            "feed": cursor.feed,
            "incarnation": cursor.incarnation,
            "seq": cursor.seq,
            "hash": cursor.hash,
        }
        if connection.dialect.name == "mysql":
            mysql_table.put(
                connection, _CURSORS, {"table_name": self._identity(connection)}, values
            )
            return
        insert = insert_into(_CURSORS, connection.dialect.name)
        connection.execute(
            insert.values(table_name=self._identity(connection), **values).on_conflict_do_update(
                index_elements=[_CURSORS.c.table_name], set_=values
            )
        )

    def _identity(self, connection: sa.Connection) -> str:
        """One name for one table, however it was written in the settings."""
        schema, name = self._path
        if connection.dialect.name == "sqlite":
            return str(name.casefold())
        return f"{schema or sa.inspect(connection).default_schema_name}.{name}"

    def _target(
        self, connection: sa.Connection, schema: TableSchema, fitted: Target | None
    ) -> Target:
        if fitted is not None and fitted.schema == schema:
            return fitted
        try:
            return fit(connection, self._path, schema)
        except Misfit as error:
            raise self._mismatch(str(error)) from None

    # --- errors ---------------------------------------------------------------------------------

    @contextmanager
    def _named(self) -> Iterator[None]:
        """A driver's error becomes a SinkError, and the table is looked at anew next time."""
        try:
            yield
        except exc.SQLAlchemyError as error:
            self._fitted = None
            trouble, detail = judge(error)
            kind = _ERRORS.get(trouble, SinkError)
            raise kind(name=self._name, table=self._table, detail=detail) from error

    def _mismatch(self, detail: str) -> SinkMismatch:
        return SinkMismatch(name=self._name, table=self._table, detail=detail)


def _before(stored: Cursor, wanted: Cursor) -> bool:
    return (stored.incarnation, stored.seq) < (wanted.incarnation, wanted.seq)


def _covers(stored: Cursor, wanted: Cursor) -> bool:
    """Whether everything up to `wanted` is in the table already."""
    return stored == wanted or _before(wanted, stored)
