"""A publisher that was restored from a backup: what its readers get, and when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from ortoo_protocol.core.errors import FeedUnread
from ortoo_protocol.core.feeds import UPSERT, Changes, Column, RowChange, TableSchema, row_part
from ortoo_protocol.station import anew, event_feed, feed_writer, snapshots
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.ports import Cursor
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import feed_out_unsent, feeds_in
from tests.contracts.engine_rig import FEED, A, B, EngineRig, publish, upserts
from tests.contracts.memory_rig import MemoryRig
from tests.support.memory_sink import MemorySink
from tests.support.stations import give, receive, terms, until, until_read
from tests.support.trust import Region

NEWER = ("00001", "乡镇1 改")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[EngineRig]:
    rig = EngineRig(tmp_path, Region(), MemoryRig())
    await rig.program()
    try:
        yield rig
    finally:
        await rig.end()


def restored(tx: Tx) -> None:
    anew.begin(tx, tx.now_ms - 3_600_000, tx.now_ms)


async def noted(reader: Station, error: str) -> None:
    query = select(feeds_in.c.error).where(feeds_in.c.feed == FEED)
    await until_read(reader, lambda conn: conn.execute(query).scalar() == error)


# --- tables ---------------------------------------------------------------------------------------


async def test_no_snapshot_before_the_table_was_read_again(rig: EngineRig) -> None:
    """What stands in the backup is older than what the reader has: it keeps that."""
    provider, sinks = await rig.exchange(B, rows=5)
    sinks[B].by_key[("00001",)] = NEWER  # it came after the backup
    had = sinks[B].rows
    await provider.write(restored)
    await noted(rig.running[B][0], FeedUnread.code)
    assert sinks[B].rows == had
    await provider.write(publish(RowChange(UPSERT, NEWER)))
    await provider.write(lambda tx: anew.was_read(tx, [FEED]))
    await until(lambda: sinks[B].snapshots == 2)
    await until(lambda: sinks[B].rows == had)


async def test_without_it_the_table_goes_back(
    rig: EngineRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots.anew, "check_read", lambda _tx, _feed: None)
    provider, sinks = await rig.exchange(B, rows=5)
    sinks[B].by_key[("00001",)] = NEWER
    await provider.write(restored)
    await until(lambda: sinks[B].snapshots == 2)
    assert sinks[B].rows == [tuple(row.values) for row in upserts(5)]


# --- events ---------------------------------------------------------------------------------------


@dataclass
class EventSink(MemorySink):
    """Takes whatever follows, of one incarnation or the next."""

    def apply(self, schema: TableSchema, changes: Changes, cursor: Cursor) -> None:
        for row in changes.upserts:
            assert row[:2] not in self.by_key, "an event came twice"
            self.by_key[row[:2]] = row
        self.schema, self.cursor = schema, cursor

    @property
    def texts(self) -> list[object]:
        return [row[-1] for row in sorted(self.by_key.values(), key=lambda row: str(row[-1]))]


def declared(tx: Tx) -> None:
    feed_writer.open_feed(tx, FEED, sealed=True)
    event_feed.declare(tx, FEED, [Column("text", "C", 0)])


async def tell(provider: Station, *texts: str) -> None:
    def job(tx: Tx) -> None:
        event_feed.append(tx, FEED, [row_part(RowChange(UPSERT, (each,))) for each in texts])
        event_feed.seal_all(tx)

    await provider.write(job)


async def all_sent(provider: Station) -> None:
    query = select(feed_out_unsent.c.seq)
    await until_read(provider, lambda conn: conn.execute(query).first() is None)


async def events(rig: EngineRig) -> tuple[Station, EventSink]:
    """Two events are published and read."""
    provider, sink, granted = await rig.start(A), EventSink(), terms(A, B, FEED)
    await provider.write(declared)
    await rig.join(B)
    await provider.write(lambda tx: give(tx, granted))
    reader = await rig.start(B)
    await reader.write(lambda tx: receive(tx, granted))
    await rig.read_into(reader, sink, granted)
    await until(lambda: sink.cursor is not None)
    await tell(provider, "1", "2")
    await until(lambda: sink.texts == ["1", "2"])
    return provider, sink


async def test_events_go_on_over_the_new_incarnation(rig: EngineRig) -> None:
    provider, sink = await events(rig)
    await provider.write(restored)
    await tell(provider, "3")
    await until(lambda: sink.texts == ["1", "2", "3"])


async def test_events_of_the_new_incarnation_that_the_broker_lost(rig: EngineRig) -> None:
    """A head says that there is one, and nothing else comes: they are asked for."""
    provider, sink = await events(rig)
    await rig.part(B)
    await provider.write(restored)
    await tell(provider, "3", "4")
    await all_sent(provider)
    await rig.join(B)
    await until(lambda: sink.texts == ["1", "2", "3", "4"])
