"""Rows a second through sinks and sources, beside the bare driver doing the same in the same run.

    PYTHONPATH=.:protocol:hub:node python -m tests.bench.sinks [rows]

Ratios travel between machines, rates do not.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from ortoo_node.sinks import SinkTable
from ortoo_node.sources import SourceTable
from ortoo_protocol.core.feeds import Changes, Column, TableSchema
from ortoo_protocol.station.ports import Cursor
from tests.support.postgres import PrivatePostgres

ITEM_ROWS = 4_000
SCHEMA = TableSchema(
    number=1,
    columns=(
        Column("code", "C", 12),
        Column("name", "C", 40),
        Column("count", "I", 0),
        Column("amount", "Y", 0),
        Column("day", "D", 0),
        Column("active", "L", 0),
    ),
    key=("code",),
)
Row = tuple[str, str, int, str, str, bool]
_COLUMNS = (
    "code VARCHAR(12) PRIMARY KEY, name VARCHAR(40), count BIGINT, amount NUMERIC, day DATE, "
    "active BOOLEAN"
)
_INSERT = (
    "INSERT INTO raw VALUES ({0}, {0}, {0}, {0}, {0}, {0}) ON CONFLICT (code) DO UPDATE SET "
    "name = excluded.name, count = excluded.count, amount = excluded.amount, day = excluded.day, "
    "active = excluded.active"
)


def make(count: int) -> list[Row]:
    return [
        (f"{n:012}", f"苏木乡镇 {n}", n, f"{n}.25", f"2026-01-{n % 28 + 1:02}", n % 2 == 0)
        for n in range(count)
    ]


def raw_sqlite(url: str, rows: list[Row]) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"CREATE TABLE raw ({_COLUMNS})")
        for batch in batches(rows):
            connection.executemany(_INSERT.format("?"), batch)
            connection.commit()


def raw_postgresql(url: str, rows: list[Row]) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(f"CREATE TABLE raw ({_COLUMNS})".encode())
        for batch in batches(rows):
            connection.cursor().executemany(_INSERT.format("%s").encode(), batch)
            connection.commit()


def batches(rows: list[Row]) -> Iterator[list[Row]]:
    for at in range(0, len(rows), ITEM_ROWS):
        yield rows[at : at + ITEM_ROWS]


def cursor(seq: int) -> Cursor:
    return Cursor("s150700.bench", 1, seq, b"x" * 32)


def apply(sink: SinkTable, rows: list[Row]) -> None:
    for seq, batch in enumerate(batches(rows), 1):
        sink.apply(SCHEMA, Changes(batch), cursor(seq))


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def compare(name: str, url: str, raw: Callable[[str, list[Row]], None], rows: list[Row]) -> None:
    changed = [
        (code, "changed", *rest) if n % 100 == 0 else (code, old, *rest)
        for n, (code, old, *rest) in enumerate(rows)
    ]
    with closing(SinkTable(url, "one")) as one, closing(SinkTable(url, "two")) as two:
        source = SourceTable(url, "two", SCHEMA.columns, SCHEMA.key)
        base = seconds(lambda: raw(url, rows))
        figures = {
            f"bare driver, {ITEM_ROWS} rows a commit": base,
            f"apply, {ITEM_ROWS} rows a commit": seconds(lambda: apply(one, rows)),
            "replace, empty table": seconds(lambda: two.replace(SCHEMA, rows, cursor(1))),
            "replace, nothing changed": seconds(lambda: two.replace(SCHEMA, rows, cursor(2))),
            "replace, 1 % changed": seconds(lambda: two.replace(SCHEMA, changed, cursor(3))),  # type: ignore[arg-type]
            "source, all rows": seconds(lambda: sum(1 for _ in source.read().rows)),
        }
    print(f"{name}, {len(rows)} rows of {len(SCHEMA.columns)} columns")
    for what, took in figures.items():
        print(f"  {what:32} {len(rows) / took:10,.0f} rows/s   {base / took:5.2f} of bare")


@contextmanager
def cluster() -> Iterator[PrivatePostgres]:
    private = PrivatePostgres()
    try:
        private.start()
        yield private
    finally:
        private.remove()


def main() -> None:
    rows = make(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
    with tempfile.TemporaryDirectory() as folder:
        compare("SQLite", f"sqlite:///{Path(folder) / 'bench.sqlite'}", raw_sqlite, rows)
    with cluster() as private, private.database() as url:
        compare("PostgreSQL", url, raw_postgresql, rows)


if __name__ == "__main__":
    main()
