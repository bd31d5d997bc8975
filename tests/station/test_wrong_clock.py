"""A station whose clock is wrong: nothing is lost, nothing is refused for it, and it goes on by
itself once the clock is set."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from ortoo_node.sinks import SinkTable
from ortoo_protocol.core import topology
from ortoo_protocol.core.errors import TrustClock
from ortoo_protocol.core.feeds import UPSERT, HeadAsk, RowChange
from ortoo_protocol.core.messages import kind_named
from ortoo_protocol.core.notices import TrustUpdate
from ortoo_protocol.station import feed_reader, feed_writer, table_feed
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import held, outbox, quarantine
from tests.support.stations import COLUMNS, Kit, give, receive, terms, until, until_read
from tests.support.trust import HUB

PROVIDER, READER = "s150700", "s150200"
FEED, DIRECTORY = f"{PROVIDER}.townships", f"{HUB}.directory"
HOUR_MS = 3_600_000


@dataclass
class Wrong:
    kit: Kit
    by_ms: int

    def clock(self) -> int:
        return self.kit.clock() + self.by_ms


def count(table: Any) -> Any:
    return lambda conn: conn.execute(select(func.count()).select_from(table)).scalar()


def codes(station: Station) -> list[str]:
    return [each.code for each in station.parts.watch.warnings(HUB)]


def waiting(conn: Connection) -> Sequence[str]:
    query = select(outbox.c.kind).where(outbox.c.state == "waiting")
    return conn.execute(query).scalars().all()


def rows_of(path: Path) -> int:
    with sqlite3.connect(path) as conn:
        try:
            return int(conn.execute("SELECT count(*) FROM towns").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def speak(tx: Tx) -> None:
    """The hub says something on its feed, dated now."""
    feed_writer.open_feed(tx, DIRECTORY, sealed=False)
    stamp = next(raw for raw in reversed(tx.trust.documents()))
    feed_writer.publish(
        tx, DIRECTORY, TrustUpdate(documents=(stamp,)), kind=kind_named("trust.update")
    )


def publish(first: int, last: int) -> Any:
    def job(tx: Tx) -> int:
        feed_writer.open_feed(tx, FEED, sealed=True)
        schema = table_feed.declare(tx, FEED, COLUMNS, ("code",))
        changes = [RowChange(UPSERT, (f"{n:03}", f"乡镇{n}")) for n in range(first, last)]
        return table_feed.publish_changes(tx, FEED, schema, changes)

    return job


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    kit = Kit(tmp_path)
    kit.join(PROVIDER, READER, FEED)
    kit.feeds |= {(DIRECTORY, PROVIDER), (DIRECTORY, READER)}
    kit.direct |= {(HUB, PROVIDER), (HUB, READER), (PROVIDER, HUB), (READER, HUB)}
    kit.program()
    return kit


async def test_a_reader_whose_clock_is_behind_takes_all_once_it_is_set(
    kit: Kit, tmp_path: Path
) -> None:
    wrong = Wrong(kit, -2 * HOUR_MS)
    hub, provider = kit.open(HUB), kit.open(PROVIDER)
    reader = kit.open(READER, clock=wrong.clock)
    granted, sink = terms(PROVIDER, READER, FEED), tmp_path / "department.sqlite"
    async with kit.running(hub, provider, reader):
        await reader.write(lambda tx: feed_reader.join(tx, DIRECTORY, feed_reader.HISTORY))
        reader.read_queue(topology.feed_queue(READER, DIRECTORY))
        await hub.write(speak)
        await until(lambda: codes(reader) == ["trust.clock"])
        with pytest.raises(TrustClock):
            await reader.write(lambda tx: send(tx, HUB, HeadAsk(feed=DIRECTORY)))

        await provider.write(publish(0, 50))
        await provider.write(lambda tx: give(tx, granted))
        await reader.write(lambda tx: receive(tx, granted))
        reader.read_queue(topology.feed_queue(READER, FEED))
        reader.apply_to(FEED, "one", SinkTable(f"sqlite:///{sink}", "towns"))
        await until_read(reader, lambda conn: count(held)(conn) >= 2)  # the key, the hub's item
        assert rows_of(sink) == 0
        assert await reader.read(count(quarantine)) == 0
        assert await provider.read(waiting) == ["feed.key"]

        wrong.by_ms = 0
        await until(lambda: codes(reader) == [])
        await until(lambda: rows_of(sink) == 50)
        await until_read(provider, lambda conn: not waiting(conn))
        assert await reader.read(count(quarantine)) == 0
        assert await reader.read(count(held)) == 0


async def test_a_provider_whose_clock_is_ahead_is_told_and_stops(kit: Kit) -> None:
    wrong = Wrong(kit, 2 * HOUR_MS)
    hub, reader = kit.open(HUB), kit.open(READER)
    provider = kit.open(PROVIDER, clock=wrong.clock)
    granted = terms(PROVIDER, READER, FEED)
    async with kit.running(hub, provider, reader):
        await reader.write(lambda tx: receive(tx, granted))
        await provider.write(publish(0, 5))
        await provider.write(lambda tx: give(tx, granted))
        await provider.write(lambda tx: send(tx, HUB, HeadAsk(feed=DIRECTORY)))
        await until(lambda: codes(provider) == ["trust.clock"])
        with pytest.raises(TrustClock):
            await provider.write(publish(5, 6))
        # Neither refused nor taken: it waits at the reader, which knows whose clock it is.
        assert await reader.read(count(quarantine)) == 0
        assert await provider.read(waiting) == ["feed.key"]
        assert codes(reader) == ["trust.peer-clock"]

        wrong.by_ms = 0
        await until(lambda: codes(provider) == [])
        await provider.write(publish(5, 6))


async def test_a_machine_that_starts_in_the_past_signs_nothing(kit: Kit) -> None:
    """An empty battery: the newest timestamp in the store is from its future."""
    wrong = Wrong(kit, -20 * 365 * 24 * HOUR_MS)
    station = kit.open(READER, clock=wrong.clock, online=False)
    async with kit.running(station):
        assert codes(station) == ["trust.clock"]
        with pytest.raises(TrustClock):
            await station.write(lambda tx: send(tx, HUB, HeadAsk(feed=DIRECTORY)))
