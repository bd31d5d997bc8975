"""Whole stations of one region in one process, on any broker: the engine's own tests drive them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ortoo_protocol.bus.memory import MemoryBroker, MemoryBus
from ortoo_protocol.bus.port import Bus
from ortoo_protocol.core import feeds, topology
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.keys import key_id
from ortoo_protocol.station import feed_reader, feed_writer, grants_held, table_feed, trusting
from ortoo_protocol.station.context import Hooks, Identity, Tx
from ortoo_protocol.station.settings import Timing
from ortoo_protocol.station.station import Station, Surroundings, make_station
from ortoo_protocol.station.store.migrate import STATION, Migrations
from ortoo_protocol.station.store.store import open_store
from tests.support.empty_stores import make_store
from tests.support.trust import DEPARTMENTS, HUB, Region, seeded

QUICK = Timing(
    head_s=0.5,
    gap_ask_s=0.1,
    checkpoint_s=0.2,
    receipt_linger_ms=5,
    reconnect_first_s=0.05,
    reconnect_cap_s=0.2,
    retry_first_s=0.1,
)
PASSWORD = "a password for tests"


async def until(condition: Callable[[], object], within_s: float = 15.0) -> None:
    """Wait until `condition` holds; fail loudly when it does not."""
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("the condition did not come true in time")
        await asyncio.sleep(0.01)


async def until_read(station: Station, query: Callable[..., object], within_s: float = 15) -> None:
    end = time.monotonic() + within_s
    while not await station.read(query):
        if time.monotonic() > end:
            raise AssertionError("the store did not come to this state in time")
        await asyncio.sleep(0.02)


@dataclass
class Kit:
    """A region whose broker is in memory. `clock` is the real one shifted to the region's time."""

    folder: Path
    region: Region = field(default_factory=Region)
    broker: MemoryBroker = field(default_factory=MemoryBroker)
    members: tuple[str, ...] = (HUB, "s150700", "s150200", "s152900")
    direct: set[tuple[str, str]] = field(default_factory=set)
    feeds: set[tuple[str, str]] = field(default_factory=set)
    offset_ms: int = 0

    def __post_init__(self) -> None:
        self.offset_ms = self.region.now_ms - time.time_ns() // 1_000_000
        self.program()

    def clock(self) -> int:
        return time.time_ns() // 1_000_000 + self.offset_ms

    def program(self) -> None:
        """What the hub does to the broker."""
        hashed = topology.rabbit_password_hash(PASSWORD, b"salt")
        wanted = topology.wanted(
            HUB,
            [topology.Member(party, hashed) for party in self.members],
            [topology.DirectRoute(*pair) for pair in self.direct],
            [topology.FeedRoute(*pair) for pair in self.feeds],
        )
        for change in topology.plan(wanted, self.broker.read()):
            self.broker.apply(change)

    def bus(self, party: str) -> Bus:
        return MemoryBus(self.broker, party, PASSWORD)

    def identity(self, party: str) -> Identity:
        region, suite = self.region, self.region.suite
        signer = region.signer(party)
        seed = region.wrap_seed(party)
        wrap_id = key_id(suite, region.plane, "wrap", suite.wrap_public(seed))
        return Identity(
            party=party,
            name=party,
            plane=region.plane,
            suite=suite,
            signer=signer,
            signing_key_id=key_id(suite, region.plane, "sign", signer.public),
            wrap_seeds={wrap_id: seed},
            store_key=suite.hash(region.seed(f"{party} store"))[: suite.key_bytes],
        )

    def open(
        self,
        party: str,
        hooks: Hooks | None = None,
        *,
        bus: Bus | None = None,
        timing: Timing = QUICK,
        migrations: tuple[Migrations, ...] = (),
        online: bool = True,
        clock: Callable[[], int] | None = None,
    ) -> Station:
        path = self.folder / party / "store.sqlite"
        owners = (STATION, *migrations)
        make_store(path, party, self.region.plane, owners)
        store = open_store(path, party, self.region.plane, owners)
        trust = self.region.trust()
        with store.writing.begin() as conn:
            trusting.save(conn, trust)
        around = Surroundings(
            store=store,
            trust=trust,
            bus=bus or (self.bus(party) if online else None),
            suites=self.region.suites,
            clock=clock or self.clock,
            rand=seeded(f"{party} {time.time_ns()}"),
            timing=timing,
        )
        return make_station(self.identity(party), around, hooks or Hooks())

    @asynccontextmanager
    async def running(
        self,
        *stations: Station,
        also: Mapping[str, Sequence[Callable[[], Awaitable[None]]]] | None = None,
    ) -> AsyncIterator[None]:
        """Run `stations`; `also` are loops of applications, by party."""
        loops = also or {}
        tasks = [
            asyncio.create_task(station.run(loops.get(station.party, ()))) for station in stations
        ]
        try:
            for station in stations:
                if station.bus is not None:
                    await asyncio.wait_for(station.wire.online.wait(), 10)
            yield
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            for station in stations:
                await station.close()
            for end in ends:
                if isinstance(end, Exception):
                    raise end

    def join(self, provider: str, reader: str, feed: str) -> None:
        """What the hub does on a grant."""
        self.direct |= {(provider, reader), (reader, provider)}
        self.feeds.add((feed, reader))
        self.program()


def terms(provider: str, reader: str, feed: str, number: int = 1) -> GrantTerms:
    return GrantTerms(
        grant=f"{number:032x}",
        case=f"{number:032x}",
        resource="3/001",
        feed=feed,
        provider=provider,
        provider_department=DEPARTMENTS[provider][0],
        reader=reader,
        reader_department=DEPARTMENTS[reader][0],
        items=(),
        row_filter="",
        purpose="工作参考",
        basis="Measures art. 19",
        mode="系统对接",
        from_ms=0,
        until_ms=0,
        conditions="",
        handler="甲",
        approver="乙",
    )


def give(tx: Tx, granted: GrantTerms) -> None:
    """The provider's half of a grant, without the case."""
    named = grants_held.keep(tx, granted, encode(granted))
    feed_writer.add_reader(tx, granted.feed, granted.grant, named, granted.reader)


def receive(tx: Tx, granted: GrantTerms) -> None:
    """The reader's half."""
    grants_held.keep(tx, granted, encode(granted))
    feed_reader.join(tx, granted.feed, feed_reader.SNAPSHOT)


def publish_row(tx: Tx, feed: str) -> None:
    """One item of one row on a sealed feed that is opened if it is not."""
    feed_writer.open_feed(tx, feed, sealed=True)
    schema = table_feed.declare(tx, feed, COLUMNS, ("code",))
    row = (f"{tx.now_ms % 10**12}", "甲")
    table_feed.publish_changes(tx, feed, schema, [feeds.RowChange(feeds.UPSERT, row)])


COLUMNS = (feeds.Column("code", "C", 12), feeds.Column("name", "C", 100))
