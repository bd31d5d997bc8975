"""Tables that are larger than memory should be: another shape, and a snapshot into a database.

Each runs in a process of its own. Its rows are random, so that nothing makes them smaller; the
store alone keeps 32 MiB of pages in memory.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from sqlalchemy import func, select

from ortoo_node.sinks.table import SinkTable
from ortoo_protocol.core.errors import SubscriptionUnknown
from ortoo_protocol.core.feeds import UPSERT, Column, RowChange, SnapshotPart, TableSchema
from ortoo_protocol.core.row_codec import RowCodec, columns_of, upsert_part
from ortoo_protocol.station import applied, feed_writer, shadow, snapshots, table_feed
from ortoo_protocol.station.apply import ApplyWorker
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.ports import Cursor
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.dialect import upsert
from ortoo_protocol.station.store.tables import feed_in_snapshots
from tests.contracts.engine_rig import FEED, A, B, EngineRig
from tests.contracts.memory_rig import MemoryRig
from tests.support import memory
from tests.support.letters import make_letter
from tests.support.memory import MIB, measured
from tests.support.memory_sink import MemorySink, Row
from tests.support.trust import Region

ROWS, AT_ONCE, BYTES = 30_000, 1_000, 2_000  # 57 MiB
MOST_BYTES = 40 * MIB
COLUMNS = (Column("id", "C", 20), Column("name", "C", 20), Column("photo", "G", 0))
LONGER = (*COLUMNS[:2], Column("note", "C", 100), COLUMNS[2])
SCHEMA = TableSchema(number=1, columns=COLUMNS, key=("id",))


def rows(first: int, count: int) -> list[Row]:
    return [
        (f"{n:08}", f"乡镇{n}", hashlib.shake_128(b"%d" % n).digest(BYTES))
        for n in range(first, first + count)
    ]


def in_a_rig(work: Callable[[EngineRig], Awaitable[str]]) -> str:
    async def run() -> str:
        with tempfile.TemporaryDirectory() as folder:
            rig = EngineRig(Path(folder), Region(), MemoryRig())
            await rig.program()
            try:
                return await work(rig)
            finally:
                await rig.end()

    return asyncio.run(run())


# --- another shape ------------------------------------------------------------------------------


async def filled(provider: Station, count: int) -> None:
    def begin(tx: Tx) -> TableSchema:
        feed_writer.open_feed(tx, FEED, sealed=True)
        return table_feed.declare(tx, FEED, COLUMNS, ("id",))

    schema = await provider.write(begin)
    codec = RowCodec(schema)
    for first in range(0, count, AT_ONCE):
        columns = columns_of(rows(first, min(AT_ONCE, count - first)))
        keys, parts = codec.keys(columns), codec.upserts(columns)
        await provider.write(
            lambda tx, k=keys, p=parts: table_feed.append_new(tx, FEED, schema, k, p)  # type: ignore[misc]
        )


async def _reshape(rig: EngineRig) -> str:
    provider = rig.kit.open(A, online=False)
    await filled(provider, ROWS)
    memory.begin()
    await provider.write(lambda tx: table_feed.declare(tx, FEED, LONGER, ("id",)), alone=True)
    count = await provider.read(lambda conn: shadow.count(conn, FEED))
    await provider.close()
    return str(count)


def reshape() -> str:
    return in_a_rig(_reshape)


def test_a_large_table_takes_another_shape_in_little_memory() -> None:
    count, grown_bytes = measured(__name__, "reshape", within_s=240)
    assert count == str(ROWS)
    assert grown_bytes < MOST_BYTES


@pytest.fixture
async def provider(tmp_path: Path) -> Station:
    rig = EngineRig(tmp_path, Region(), MemoryRig())
    await rig.program()
    return rig.kit.open(A, online=False)


@pytest.mark.parametrize("key", [("id",), ("id", "name"), ("name",)])
async def test_every_row_under_the_new_shape(provider: Station, key: tuple[str, ...]) -> None:
    """Also when there are several pages, and when the key is another."""
    with mock.patch.object(shadow, "ROWS_A_PAGE", 100):
        await filled(provider, 250)
        columns = (*LONGER[1:], COLUMNS[0])
        schema = await provider.write(
            lambda tx: table_feed.declare(tx, FEED, columns, key), alone=True
        )
    codec = RowCodec(schema)
    of = await provider.read(lambda conn: snapshots.cut(conn, FEED, "0" * 32))
    parts = await provider.read(lambda conn: list(shadow.rows(conn, FEED)))
    await provider.close()
    assert of is not None
    assert of.schema == schema
    found = sorted(codec.read_rows(parts), key=lambda row: str(row[3]))
    assert found == [(name, None, photo, id_) for id_, name, photo in rows(0, 250)]


async def test_keys_that_stood_for_other_rows(provider: Station) -> None:
    """Two columns that change places as keys: none overwrites a row that was not looked at yet."""

    def swap(tx: Tx) -> None:
        feed_writer.open_feed(tx, FEED, sealed=True)
        columns = (Column("one", "C", 9), Column("two", "C", 9))
        schema = table_feed.declare(tx, FEED, columns, ("one",))
        changes = [RowChange(UPSERT, (str(n), str(9 - n))) for n in range(10)]
        table_feed.publish_changes(tx, FEED, schema, changes)
        table_feed.declare(tx, FEED, columns, ("two",))

    await provider.write(swap)
    pages = await provider.read(lambda conn: list(shadow.pages(conn, FEED)))
    await provider.close()
    parts = [part for page in pages for _key, part, _seq in page]
    assert parts == [upsert_part((str(9 - n), str(n))) for n in range(10)]


async def test_a_job_alone_that_fails_takes_nothing_else_with_it(provider: Station) -> None:
    def fail(tx: Tx) -> None:
        feed_writer.open_feed(tx, f"{FEED}-other", sealed=True)
        raise SubscriptionUnknown(subscription="x")

    begun = [
        provider.database.start(lambda tx: feed_writer.open_feed(tx, FEED, sealed=True)),
        asyncio.ensure_future(provider.write(fail, alone=True)),
        provider.database.start(lambda tx: int(feed_writer.feed_row(tx, FEED).seq)),
    ]
    ends = await asyncio.gather(*begun, return_exceptions=True)
    assert isinstance(ends[1], SubscriptionUnknown)
    assert ends[2] == 0
    names = await provider.read(
        lambda conn: list(conn.execute(select(feed_writer.feeds_out.c.feed)).scalars())
    )
    await provider.close()
    assert names == [FEED]


# --- a snapshot into a department's database ----------------------------------------------------


async def hold_snapshot(rig: EngineRig, reader: Station, name: str, parts: int) -> None:
    """As accepting leaves it: every part in the store."""
    for number in range(parts):
        body = SnapshotPart(
            feed=FEED, snapshot=name, incarnation=1, seq=5, hash=b"h" * 32,
            part=number, parts=parts, schema=SCHEMA,
        )  # fmt: skip
        each = [upsert_part(row) for row in rows(number * 100, 100)]
        values = {
            "feed": FEED, "snapshot": name, "part": number, "parts": parts, "incarnation": 1,
            "seq": 5, "hash": b"h" * 32, "raw": make_letter(rig.kit, A, B, body, rows=each),
        }  # fmt: skip
        await reader.write(lambda tx, v=values: upsert(tx.conn, feed_in_snapshots, [v]))  # type: ignore[misc]


async def _take(rig: EngineRig) -> str:
    reader = rig.kit.open(B, online=False)
    await hold_snapshot(rig, reader, "a" * 32, ROWS // 100)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "department.db"
        sink = SinkTable(f"sqlite:///{path}", "people")
        worker = ApplyWorker(reader.database, reader.parts, FEED, "one", sink)
        await reader.write(lambda tx: applied.register(tx, FEED, "one"))
        memory.begin()
        await worker._advance()
        sink.close()
        department = sqlite3.connect(path)
        count = department.execute("SELECT count(*) FROM people").fetchone()[0]
        department.close()
    await reader.close()
    return str(count)


def take() -> str:
    return in_a_rig(_take)


def test_a_large_snapshot_into_a_database_in_little_memory() -> None:
    count, grown_bytes = measured(__name__, "take", within_s=240)
    assert count == str(ROWS)
    assert grown_bytes < MOST_BYTES


class Meanwhile(MemorySink):
    """A newer snapshot comes whole while the first is read."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self._then: Callable[[], None] | None = then

    def replace(self, schema: TableSchema, rows: Iterator[Row], cursor: Cursor) -> None:  # type: ignore[override]
        def between() -> Iterator[Row]:
            for place, row in enumerate(rows):
                if place == 50 and self._then is not None:
                    then, self._then = self._then, None
                    then()
                yield row

        super().replace(schema, between(), cursor)


async def test_a_newer_snapshot_takes_the_place_of_the_one_that_is_read(tmp_path: Path) -> None:
    rig = EngineRig(tmp_path, Region(), MemoryRig())
    await rig.program()
    reader = rig.kit.open(B, online=False)
    loop = asyncio.get_running_loop()

    async def newer() -> None:
        await reader.write(lambda tx: tx.conn.execute(feed_in_snapshots.delete()))
        await hold_snapshot(rig, reader, "b" * 32, 3)

    sink = Meanwhile(lambda: asyncio.run_coroutine_threadsafe(newer(), loop).result(30))
    worker = ApplyWorker(reader.database, reader.parts, FEED, "one", sink)
    await reader.write(lambda tx: applied.register(tx, FEED, "one"))
    await hold_snapshot(rig, reader, "a" * 32, 2)
    await worker._advance()
    assert sink.cursor is None
    await worker._advance()
    left = await reader.read(
        lambda conn: conn.execute(select(func.count()).select_from(feed_in_snapshots)).scalar()
    )
    await reader.close()
    assert sorted(sink.rows) == rows(0, 300)
    assert left == 0
