"""The rows of a table that a folder holds as one file: a small SQLite beside it, in ``.ortoo``.

Rows and cursor move in one transaction. A rollback journal and no WAL: the folder may be a mount.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ortoo_protocol.core.codec import Scalar, decode, encode, unpack
from ortoo_protocol.core.errors import RowsKey
from ortoo_protocol.core.feeds import Changes, TableSchema
from ortoo_protocol.core.row_codec import RowCodec, key_bytes
from ortoo_protocol.station.ports import Cursor

FILE = "table.sqlite"
TIMEOUT_S = 5.0
Row = tuple[Scalar, ...]
_HELD = "CREATE TABLE IF NOT EXISTS {name} (key BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID"
_STATE = """
CREATE TABLE IF NOT EXISTS state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    feed TEXT NOT NULL, incarnation INTEGER NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL,
    schema BLOB NOT NULL, current INTEGER NOT NULL
)
"""


class Misfit(Exception):
    """Why what is held cannot go on under a schema."""


@dataclass(frozen=True)
class State:
    """`current`: the file says what the rows say."""

    cursor: Cursor
    schema: TableSchema
    current: bool


@contextmanager
def opened(folder: Path) -> Iterator[Held]:
    """One transaction on what is held in `folder`. Raises sqlite3.Error, Misfit, RowsKey."""
    db = sqlite3.connect(folder / FILE, timeout=TIMEOUT_S, isolation_level=None)
    try:
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN IMMEDIATE")
        db.execute(_HELD.format(name="held"))
        db.execute(_STATE)
        yield Held(db)
        db.execute("COMMIT")
    finally:
        db.close()  # what was not committed is undone


class Held:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def state(self) -> State | None:
        row = self._db.execute(
            "SELECT feed, incarnation, seq, hash, schema, current FROM state"
        ).fetchone()
        if row is None:
            return None
        return State(Cursor(*row[:4]), decode(row[4], TableSchema), bool(row[5]))

    def move(self, cursor: Cursor, schema: TableSchema) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO state VALUES (1, ?, ?, ?, ?, ?, 0)",
            (cursor.feed, cursor.incarnation, cursor.seq, cursor.hash, encode(schema)),
        )

    def is_current(self) -> None:
        self._db.execute("UPDATE state SET current = 1")

    def change(self, codec: RowCodec, changes: Changes) -> None:
        self._db.executemany(
            "DELETE FROM held WHERE key = ?", [(key_bytes(key),) for key in changes.deletes]
        )
        self._db.executemany(
            "INSERT OR REPLACE INTO held VALUES (?, ?)",
            [(codec.key(row), encode(list(row))) for row in changes.upserts],
        )

    def replace(self, codec: RowCodec, chunks: Iterable[Sequence[Row]]) -> None:
        """Raises RowsKey."""
        self._db.execute("DELETE FROM held")
        for chunk in chunks:
            self._insert("held", codec, chunk)

    def fit(self, old: TableSchema, codec: RowCodec) -> None:
        """Bring rows held under `old` under a newer schema: columns come and go, types stay."""
        new = codec.schema
        types = {column.name: column.type for column in old.columns}
        for column in new.columns:
            known = types.get(column.name, column.type)
            if known != column.type:
                raise Misfit(f"{column.name} is item type {known}, announced is {column.type}")
        if set(old.key) != set(new.key):
            raise Misfit(f"its key is ({', '.join(old.key)}), announced is ({', '.join(new.key)})")
        places = {column.name: place for place, column in enumerate(old.columns)}
        self._db.execute(_HELD.format(name="fitted"))
        fitted = (
            tuple([row[places[c.name]] if c.name in places else None for c in new.columns])
            for row in self.rows()
        )
        self._insert("fitted", codec, fitted)
        self._db.execute("DROP TABLE held")
        self._db.execute("ALTER TABLE fitted RENAME TO held")

    def _insert(self, table: str, codec: RowCodec, rows: Iterable[Row]) -> None:
        """Raises RowsKey."""
        values = ((codec.key(row), encode(list(row))) for row in rows)
        try:
            self._db.executemany(f"INSERT INTO {table} VALUES (?, ?)", values)  # noqa: S608
        except sqlite3.IntegrityError:
            raise RowsKey() from None

    def rows(self) -> Iterator[Row]:
        """In order of their keys' bytes: the same rows are always the same file."""
        for (row,) in self._db.execute("SELECT row FROM held ORDER BY key"):
            yield tuple(unpack(row))
