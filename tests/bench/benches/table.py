"""A million rows of the real township table of China, SQLite to SQLite."""

from __future__ import annotations

import csv
import gzip
import io
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import count as counting
from pathlib import Path

from tests.bench.children import Child, together
from tests.bench.costs import Cost
from tests.bench.measuring import Row, against, in_turn, median
from tests.bench.rig import READER, SENDER, Rig

DATA = Path(__file__).parents[1] / "data" / "china-townships.csv.gz"
PEER = "SQLAlchemy SELECT → executemany, one process, no network"
ITEMS = [
    {"name": name, "column": column, "type": kind, "length": length, "key": column == "id"}
    for name, column, kind, length in (
        ("序号", "id", "I", 10),
        ("代码", "code", "C", 12),
        ("名称", "name", "C", 100),
        ("县级代码", "area_code", "C", 6),
        ("省级代码", "province_code", "C", 2),
        ("地级代码", "city_code", "C", 4),
    )
]


def townships(rows: int) -> Iterator[tuple[object, ...]]:
    """The table over and over, each row with a number of its own."""
    text = gzip.decompress(DATA.read_bytes()).decode()
    real = list(csv.reader(io.StringIO(text)))[1:]
    for number in range(rows):
        code, name, area, province, city = real[number % len(real)]
        yield (number, code, name, area, province, city)


def make_source(path: Path, rows: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as conn:
        for table in ("townships", "no_rows"):
            conn.execute(
                f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, code TEXT, name TEXT, "
                "area_code TEXT, province_code TEXT, city_code TEXT)"
            )
        conn.executemany("INSERT INTO townships VALUES (?, ?, ?, ?, ?, ?)", townships(rows))
        conn.commit()


async def run(rig: Rig) -> list[Row]:
    rows = rig.size(1_000_000, 2_000)
    source = rig.folder / "townships.sqlite"
    make_source(source, rows)
    feeds = [f"{SENDER}.t{number}" for number in range(rig.rounds)]
    numbers = counting()
    async with (
        rig.plane("table", feeds=[(feed, READER) for feed in feeds]) as plane,
        plane.station(SENDER, source=str(source)) as sender,
        plane.station(READER) as reader,
        rig.child("copy", "copying:CopyRole", source=str(source), folder=str(rig.folder)) as copy,
    ):
        cost = Cost(rig, sender, reader)

        async def ours() -> float:
            number = next(numbers)
            await _join(sender, reader, feeds[number], number)
            return await cost.of(partial(_carry, sender, reader, number, rows), rows)

        async def theirs() -> float:
            return float(rows / await copy.do("sqlalchemy", table="townships"))

        async def bare() -> float:
            return float(rows / await copy.do("raw", table="townships"))

        mine, plain, raw = await in_turn(rig.rounds, ours, theirs, bare)
        note = (
            f"{rows} rows of 6 columns; {cost}; peak {sender.peak_mib:.0f} MiB at the publisher, "
            f"{reader.peak_mib:.0f} MiB at the reader; raw sqlite3 copy {median(raw):,.0f} rows/s"
        )
        return [against("table", "rows/s", mine, PEER, plain, bar=1.0, note=note)]


async def _join(sender: Child, reader: Child, feed: str, number: int) -> None:
    """A new resource and its grant: the reader's table is empty, and it follows."""
    resource = f"10300{number}/000001"
    await sender.do("declare", resource=resource, feed=feed, items=ITEMS)
    await sender.do("publish", resource=resource, table="no_rows")  # the schema
    grant = {"provider": SENDER, "reader": READER, "feed": feed, "number": number + 1}
    await sender.do("offer", **grant)
    await reader.do("subscribe", table=f"townships_{number}", **grant)


async def _carry(sender: Child, reader: Child, number: int, rows: int) -> float:
    begun = time.monotonic()
    _, ended = await together(
        sender.do("publish", resource=f"10300{number}/000001", table="townships"),
        reader.do("applied", table=f"townships_{number}", count=rows),
    )
    return rows / float(ended - begun)
