"""When events leave: once they fill an item, or the first has waited for the linger time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from ortoo_protocol.core.batches import ITEM_BYTES
from ortoo_protocol.core.feeds import UPSERT, Column, RowChange, row_part
from ortoo_protocol.station import event_feed, feed_writer
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import feed_out_items
from tests.support.stations import QUICK, Kit, until, until_read

A = "s150700"
FEED = f"{A}.gauges"
NEVER_MS = 3_600_000
ITEMS = select(feed_out_items.c.seq).where(feed_out_items.c.seq > 1)  # behind the schema


def declare(tx: Tx) -> None:
    feed_writer.open_feed(tx, FEED, sealed=True)
    event_feed.declare(tx, FEED, [Column("text", "C", 0)])


async def append(station: Station, *texts: str) -> None:
    parts = [row_part(RowChange(UPSERT, (text,))) for text in texts]
    await station.write(lambda tx: event_feed.append(tx, FEED, parts))


@pytest.mark.parametrize(("linger_ms", "fills"), [(NEVER_MS, True), (30, False)])
async def test_events_leave_when_they_fill_an_item_or_have_waited(
    tmp_path: Path, linger_ms: int, fills: bool
) -> None:
    station = Kit(tmp_path).open(A, online=False, timing=replace(QUICK, linger_ms=linger_ms))
    await station.write(declare)
    sealing = asyncio.create_task(event_feed.run_sealing(station.database, station.parts))
    try:
        await until(lambda: station.parts.signals.events._event._waiters)  # it has looked once
        await append(station, "一", "二")
        if fills:
            assert await station.read(lambda conn: conn.execute(ITEMS).all()) == []
            for _ in range(8):
                await append(station, "x" * (ITEM_BYTES // 8))
        await until_read(
            station, lambda conn: len(conn.execute(ITEMS).all()) == (2 if fills else 1)
        )
    finally:
        sealing.cancel()
        with suppress(asyncio.CancelledError):
            await sealing
        await station.close()
