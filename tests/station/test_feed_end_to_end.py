"""A table feed from one station's store to another's sink, over a broker in memory."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select

from ortoo_node.sinks import SinkTable
from ortoo_protocol.core import topology
from ortoo_protocol.core.feeds import DELETE, UPSERT, RowChange
from ortoo_protocol.station import feed_pump, feed_writer, table_feed
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import feed_out_unsent, feeds_in
from tests.support.stations import COLUMNS, Kit, give, receive, terms, until, until_read

FEED = "s150700.townships"


def publish(*changes: RowChange):  # type: ignore[no-untyped-def]
    def job(tx: Tx) -> int:
        feed_writer.open_feed(tx, FEED, sealed=True)
        schema = table_feed.declare(tx, FEED, COLUMNS, ("code",))
        return table_feed.publish_changes(tx, FEED, schema, changes)

    return job


def rows_of(path: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(path) as conn:
        try:
            return conn.execute("SELECT code, name FROM towns ORDER BY code").fetchall()
        except sqlite3.OperationalError:
            return []


async def test_rows_arrive_and_follow(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    provider, reader = kit.open("s150700"), kit.open("s150200")
    granted = terms("s150700", "s150200", FEED)
    kit.join("s150700", "s150200", FEED)
    sink = tmp_path / "department.sqlite"
    async with kit.running(provider, reader):
        first = [RowChange(UPSERT, (f"{n:03}", f"乡镇{n}")) for n in range(50)]
        await provider.write(publish(*first))
        await provider.write(lambda tx: give(tx, granted))
        await reader.write(lambda tx: receive(tx, granted))
        reader.read_queue(topology.feed_queue("s150200", FEED))
        reader.apply_to(FEED, "one", SinkTable(f"sqlite:///{sink}", "towns"))
        await until(lambda: len(rows_of(sink)) == 50)
        await provider.write(
            publish(RowChange(UPSERT, ("003", "改名镇")), RowChange(DELETE, ("004",)))
        )
        await until(lambda: ("003", "改名镇") in rows_of(sink))
        assert len(rows_of(sink)) == 49


async def test_an_item_that_goes_alone_is_noted_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_pump, "NOTE_S", 600.0)
    kit = Kit(tmp_path)
    provider, reader = kit.open("s150700"), kit.open("s150200")
    granted = terms("s150700", "s150200", FEED)
    kit.join("s150700", "s150200", FEED)
    unsent = select(feed_out_unsent.c.seq).where(feed_out_unsent.c.feed == FEED)
    come = select(feeds_in.c.seq).where(feeds_in.c.feed == FEED)

    async def publish_and_see(code: str) -> int:
        last: int = await provider.write(publish(RowChange(UPSERT, (code, "乡"))))
        await until_read(reader, lambda conn: conn.execute(come).scalar() == last)
        return last

    async with kit.running(provider, reader):
        await provider.write(lambda tx: feed_writer.open_feed(tx, FEED, sealed=True))
        await provider.write(lambda tx: give(tx, granted))
        await reader.write(lambda tx: receive(tx, granted))
        reader.read_queue(topology.feed_queue("s150200", FEED))
        for code in ("001", "002", "003"):
            last = await publish_and_see(code)
            waiting = await provider.read(lambda conn: conn.execute(unsent).scalars().all())
            assert waiting[-1:] == [last]
        assert waiting == [last], "those before it were noted when it was looked for"
