"""Departments' own databases, used as the departments would: plain SQLite, nothing of Ortoo.

What was exchanged is judged here and nowhere else: rows are read from the files and hashed.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

Value = str | int | float | None
Row = tuple[Value, ...]


@dataclass(frozen=True)
class TableAt:
    """A table, or some columns of it, in a department's database file."""

    database: Path
    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]

    def rows(self) -> list[Row]:
        """All rows in these columns, in no order; none while file or table are missing."""
        # Qualified: SQLite would take a quoted name that is no column for a text.
        names = ", ".join(f't."{name}"' for name in self.columns)
        try:
            with closing(_read_only(self.database)) as db:
                return db.execute(f'SELECT {names} FROM "{self.table}" AS t').fetchall()  # noqa: S608
        except sqlite3.OperationalError:
            return []

    def all_columns(self) -> tuple[str, ...]:
        """The columns that the table really has."""
        with closing(_read_only(self.database)) as db:
            about = db.execute(f'PRAGMA table_info("{self.table}")').fetchall()
        return tuple(each[1] for each in about)

    def digest(self) -> str:
        return digest(self.rows())


def digest(rows: Iterable[Sequence[Value]]) -> str:
    """SHA-256 over the rows as UTF-8 JSON arrays, sorted, one a line, in hexadecimal.

    With SQLite's shell: ``sqlite3 FILE 'SELECT json_array(a, b) FROM t' | LC_ALL=C sort |
    sha256sum``.
    """
    lines = sorted(
        json.dumps(list(row), ensure_ascii=False, separators=(",", ":")).encode() for row in rows
    )
    return hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest()


@contextmanager
def changing(database: Path) -> Iterator[sqlite3.Connection]:
    """One transaction of the department's own people."""
    with closing(sqlite3.connect(database, timeout=30)) as db, db:
        yield db


def create(database: Path) -> None:
    """An empty database of a department."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA journal_mode=WAL")


def settle(database: Path) -> None:
    """Fold the write-ahead log in, so that the one file holds everything; nobody has it open."""
    with closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA journal_mode=DELETE")


def create_table(at: TableAt, types: Sequence[str], rows: Iterable[Row]) -> None:
    """Make the department's table with SQL `types` and fill it."""
    described = [f'"{name}" {kind} NOT NULL' for name, kind in zip(at.columns, types, strict=True)]
    key = ", ".join(f'"{name}"' for name in at.key)
    with changing(at.database) as db:
        db.execute(f'CREATE TABLE "{at.table}" ({", ".join(described)}, PRIMARY KEY ({key}))')
        insert(db, at, rows)


def insert(db: sqlite3.Connection, at: TableAt, rows: Iterable[Row]) -> None:
    marks = ", ".join("?" * len(at.columns))
    db.executemany(f'INSERT INTO "{at.table}" VALUES ({marks})', rows)  # noqa: S608 - own names


def delete(db: sqlite3.Connection, at: TableAt, keys: Iterable[Row]) -> None:
    matches = " AND ".join(f'"{name}" = ?' for name in at.key)
    db.executemany(f'DELETE FROM "{at.table}" WHERE {matches}', keys)  # noqa: S608 - own names


def set_column(db: sqlite3.Connection, at: TableAt, column: str, values: Iterable[Row]) -> None:
    """`values` are (new value, *key)."""
    matches = " AND ".join(f'"{name}" = ?' for name in at.key)
    statement = f'UPDATE "{at.table}" SET "{column}" = ? WHERE {matches}'  # noqa: S608 - own names
    db.executemany(statement, values)


def real_rows(name: str) -> list[Row]:
    """Rows of a table that travels with the demo (data/, see NOTICE)."""
    text = files("ortoo_demo").joinpath("data", name).read_text(encoding="utf-8")
    return [tuple(row) for row in list(csv.reader(text.splitlines()))[1:]]


def _read_only(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=30)
