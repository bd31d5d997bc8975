"""Whole stations on one broker, in memory or real: what the engine's contract drives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, select

from ortoo_protocol.bus.port import Bus
from ortoo_protocol.core import topology
from ortoo_protocol.core.errors import StoreError
from ortoo_protocol.core.feeds import DELETE, UPSERT, Column, RowChange
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.station import feed_writer, table_feed
from ortoo_protocol.station.context import Hooks, Tx
from ortoo_protocol.station.settings import Timing
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import (
    feed_applied,
    feed_out_items,
    feeds_in,
    outbox,
    quarantine,
)
from tests.contracts.amqp_rig import AmqpRig
from tests.contracts.bus_rig import MEMBERS, BusRig
from tests.contracts.memory_rig import MemoryRig
from tests.support.faulty_bus import Faults, FaultyBus
from tests.support.memory_sink import MemorySink
from tests.support.stations import COLUMNS, QUICK, Kit, give, receive, terms, until, until_read
from tests.support.trust import HUB, Region

A, B, C = "s150700", "s150200", "s152900"
FEED = f"{A}.townships"


@dataclass
class EngineRig:
    """Stations by party, each run in a task of its own; `crash` and `leave` end one."""

    folder: Path
    region: Region
    bus_rig: BusRig
    bounds: topology.Bounds = topology.DEFAULT_BOUNDS
    direct: set[tuple[str, str]] = field(default_factory=set)
    feeds: set[tuple[str, str]] = field(default_factory=set)
    running: dict[str, tuple[Station, asyncio.Task[None]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.kit = Kit(self.folder, self.region)

    # --- the broker ---

    async def program(self) -> None:
        """What the hub does."""
        routes = [topology.DirectRoute(*pair) for pair in sorted(self.direct)]
        feeds = [topology.FeedRoute(*pair) for pair in sorted(self.feeds)]
        await self.bus_rig.program(topology.wanted(HUB, MEMBERS, routes, feeds, self.bounds))

    async def join(self, reader: str, feed: str = FEED) -> None:
        provider = feed.partition(".")[0]
        self.direct |= {(provider, reader), (reader, provider)}
        self.feeds.add((feed, reader))
        await self.program()

    async def part(self, reader: str, feed: str = FEED) -> None:
        self.feeds.discard((feed, reader))
        await self.program()

    async def purge(self, queue: str) -> None:
        if isinstance(self.bus_rig, MemoryRig):
            self.bus_rig.broker.lines[queue].ready.clear()
        elif isinstance(self.bus_rig, AmqpRig):
            vhost = self.bus_rig._quoted_vhost()
            await self.bus_rig._call("DELETE", f"queues/{vhost}/{queue}/contents")

    async def delete(self, queue: str) -> None:
        for found in (await self.bus_rig.admin.read()).queues:
            if found.name == queue:
                await self.bus_rig.admin.apply(topology.Change(topology.Verb.REMOVE, found))

    def bus(self, party: str, faults: Faults | None = None) -> Bus:
        bus = self.bus_rig.bus(party)
        return bus if faults is None else FaultyBus(bus, faults)

    # --- stations ---

    async def start(
        self,
        party: str,
        hooks: Hooks | None = None,
        *,
        faults: Faults | None = None,
        online: bool = True,
        timing: Timing = QUICK,
        prepare: Callable[[Station], None] = lambda _station: None,
    ) -> Station:
        bus = self.bus(party, faults) if online else None
        station = self.kit.open(party, hooks, bus=bus, online=False, timing=timing)
        prepare(station)
        self.running[party] = station, asyncio.create_task(station.run())
        if online:
            await asyncio.wait_for(station.wire.online.wait(), 30)
        return station

    async def leave(self, party: str) -> None:
        """An orderly end."""
        station, task = self.running.pop(party)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await station.close()

    async def crash(self, party: str) -> None:
        """As SIGKILL leaves it: from now on nothing is committed, and its lock is free."""
        await self.crash_with(party, lambda: None)

    async def crash_with(self, party: str, then: Callable[[], None]) -> None:
        """`then` lets go of threads that the dead process would not have any more."""
        station, task = self.running.pop(party)
        store, writer = station.database._store, station.database._writer
        dead = StoreError(detail="dead")
        writer._commit = lambda first: writer._hand_out(  # type: ignore[method-assign]
            [(first, None, dead)], None
        )
        task.cancel()
        then()
        await asyncio.gather(task, return_exceptions=True)
        await writer.close()
        await store.close()

    async def end(self) -> None:
        for party in list(self.running):
            await self.leave(party)

    # --- the usual exchange ---

    async def exchange(self, *readers: str, rows: int = 0) -> tuple[Station, dict[str, MemorySink]]:
        """A publishes FEED with `rows`; each of `readers` runs with a sink and has them."""
        provider = await self.start(A)
        await provider.write(publish(*upserts(rows)))
        sinks = {}
        for number, reader in enumerate(readers, start=1):
            sinks[reader] = MemorySink()
            await self.admit(provider, reader, sinks[reader], number)
        return provider, sinks

    async def admit(
        self, provider: Station, reader: str, sink: MemorySink, number: int = 1
    ) -> Station:
        await self.join(reader)
        granted = terms(A, reader, FEED, number)
        await provider.write(lambda tx: give(tx, granted))
        station = await self.start(reader)
        await self.read_into(station, sink, granted)
        await until(lambda: sink.cursor is not None)
        noted = select(feed_applied.c.incarnation).where(feed_applied.c.feed == FEED)
        await until_read(station, lambda conn: conn.execute(noted).scalar())
        return station

    async def read_into(self, station: Station, sink: MemorySink, granted: GrantTerms) -> None:
        await station.write(lambda tx: receive(tx, granted))
        station.read_queue(topology.feed_queue(station.party, FEED))
        station.apply_to(FEED, f"{station.party} one", sink)

    async def again(
        self, party: str, sink: MemorySink | None = None, faults: Faults | None = None
    ) -> Station:
        """Start a reader that was stopped, as its application would."""

        def prepare(station: Station) -> None:
            if sink is not None:
                station.read_queue(topology.feed_queue(party, FEED))
                station.apply_to(FEED, f"{party} one", sink)

        return await self.start(party, faults=faults, prepare=prepare)


# --- what publishers do ---------------------------------------------------------------------------


def upserts(count: int, first: int = 0, name: str = "乡镇") -> list[RowChange]:
    return [RowChange(UPSERT, (f"{n:05}", f"{name}{n}")) for n in range(first, first + count)]


def deletes(*keys: int) -> list[RowChange]:
    return [RowChange(DELETE, (f"{n:05}",)) for n in keys]


def publish(
    *changes: RowChange, feed: str = FEED, columns: tuple[Column, ...] = COLUMNS
) -> Callable[[Tx], int]:
    def job(tx: Tx) -> int:
        feed_writer.open_feed(tx, feed, sealed=True)
        schema = table_feed.declare(tx, feed, columns, ("code",))
        return table_feed.publish_changes(tx, feed, schema, changes)

    return job


async def publish_each(provider: Station, changes: list[RowChange]) -> None:
    """One item a change."""
    for change in changes:
        await provider.write(publish(change))


# --- what a store says ----------------------------------------------------------------------------


async def caught_up(station: Station, provider: Station, feed: str = FEED) -> None:
    """Wait until `station` holds everything that `provider` published, the very same."""

    def last(conn: Connection) -> tuple[int, bytes]:
        query = (
            select(feed_out_items.c.seq, feed_out_items.c.hash)
            .where(feed_out_items.c.feed == feed)
            .order_by(feed_out_items.c.seq.desc())
        )
        seq, found = conn.execute(query.limit(1)).one()
        return seq, found

    wanted = await provider.read(last)
    stands = select(feeds_in.c.seq, feeds_in.c.hash).where(feeds_in.c.feed == feed)
    await until_read(station, lambda conn: conn.execute(stands).one() == wanted, 30)


async def feed_state(station: Station, feed: str = FEED) -> tuple[str, str]:
    query = select(feeds_in.c.state, feeds_in.c.error).where(feeds_in.c.feed == feed)
    state, error = await station.read(lambda conn: conn.execute(query).one())
    return state, error


async def outcome(station: Station, letter: bytes) -> tuple[str, str]:
    """State and error of a letter in the outbox."""
    query = select(outbox.c.state, outbox.c.error).where(outbox.c.id == letter)
    state, error = await station.read(lambda conn: conn.execute(query).one())
    return state, error


async def settled(station: Station, letter: bytes, within_s: float = 30) -> tuple[str, str]:
    query = select(outbox.c.settled_ms).where(outbox.c.id == letter)
    await until_read(station, lambda conn: conn.execute(query).scalar(), within_s)
    return await outcome(station, letter)


async def quarantined(station: Station) -> list[str]:
    query = select(quarantine.c.error).order_by(quarantine.c.number)
    return await station.read(lambda conn: list(conn.execute(query).scalars()))
