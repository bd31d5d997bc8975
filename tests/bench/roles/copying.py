"""The local peers of the table bench: one process copies the table, row dicts or bare tuples."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

COLUMNS = ("id", "code", "name", "area_code", "province_code", "city_code")
BATCH = 1_000


class CopyRole:
    def __init__(self, source: str, folder: str) -> None:
        self.source, self.folder = source, Path(folder)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def sqlalchemy(self, table: str) -> float:
        """As one ordinarily writes it: SELECT, rows as dicts, executemany in batches of 1,000; one
        durable commit."""
        target = self._fresh("sqlalchemy")
        read = sa.create_engine(f"sqlite:///{self.source}")
        write = sa.create_engine(f"sqlite:///{target}")
        columns = [sa.Column(COLUMNS[0], sa.Integer, primary_key=True)]
        columns += [sa.Column(name, sa.Text) for name in COLUMNS[1:]]
        copy = sa.Table("copy", sa.MetaData(), *columns)
        origin = sa.Table(table, sa.MetaData(), *(sa.Column(c.name, c.type) for c in columns))
        begun = time.perf_counter()
        copy.create(write)
        with read.connect() as reading, write.begin() as writing:
            rows = reading.execution_options(yield_per=BATCH).execute(sa.select(origin))
            for batch in rows.mappings().partitions():
                writing.execute(sa.insert(copy), [dict(row) for row in batch])
        seconds = time.perf_counter() - begun
        read.dispose()
        write.dispose()
        return seconds

    async def raw(self, table: str) -> float:
        """The floor: bare sqlite3, tuples, one durable commit."""
        target = self._fresh("raw")
        names = ", ".join(COLUMNS)
        marks = ", ".join("?" * len(COLUMNS))
        begun = time.perf_counter()
        with closing(sqlite3.connect(self.source)) as read, closing(sqlite3.connect(target)) as to:
            to.execute("PRAGMA synchronous = FULL")
            to.execute(f"CREATE TABLE copy (id INTEGER PRIMARY KEY, {', '.join(COLUMNS[1:])})")
            rows = read.execute(f"SELECT {names} FROM {table}")  # noqa: S608
            while batch := rows.fetchmany(BATCH):
                to.executemany(f"INSERT INTO copy VALUES ({marks})", batch)  # noqa: S608
            to.commit()
        return time.perf_counter() - begun

    def _fresh(self, name: str) -> Path:
        path = self.folder / f"{name}.sqlite"
        path.unlink(missing_ok=True)
        return path
