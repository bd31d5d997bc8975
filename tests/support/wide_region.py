"""A whole region in one process: a hub and its stations with real stores and the node's own
handlers, on the broker in memory. Stations are the leagues and their counties; each announces
departments, and what they publish goes to the hub and into every mirror."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, func, select

from ortoo_hub import membership
from ortoo_node import app as node_app
from ortoo_node import catalog
from ortoo_node.files.desk import Files
from ortoo_node.store import NODE
from ortoo_node.store.tables import catalog as held
from ortoo_protocol.bus.memory_broker import MemoryBroker
from ortoo_protocol.bus.port import Outcome
from ortoo_protocol.core.announcement import Announcement, DepartmentEntry, WrapKeyEntry
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.catalog.divisions import COUNTIES, LEAGUES
from ortoo_protocol.core.directory import DAY_MS
from ortoo_protocol.core.envelope import split
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import builtin_suites
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.core.verify import read_header
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.settings import Timing
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.migrate import STATION
from tests.support.empty_stores import make_store
from tests.support.hubs import HubKit, join_region, read_region
from tests.support.made_catalog import departments
from tests.support.stations import PASSWORD
from tests.support.trust import HUB, Region

A_JOB = 50


def parties(count: int) -> tuple[str, ...]:
    """Leagues first, then banners, counties and districts; development zones are left out."""
    counties = (code for code in COUNTIES if int(code[4:]) <= 70 or int(code[4:]) > 80)
    return tuple(f"s{division}" for division in (*LEAGUES, *counties))[:count]


class CountingBroker(MemoryBroker):
    """While `looks`, into how many queues items and heads of feeds go, by kind."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = False
        self.copies: Counter[str] = Counter()

    def route(self, exchange: str, routing_key: str, body: bytes, mandatory: bool) -> Outcome:
        if self.looks and exchange == "feeds":
            envelope = split(body, suites=builtin_suites(), plane=Plane.EXTRANET)
            queues = self.queues_of(exchange, routing_key)
            self.copies[read_header(envelope).kind] += len(queues)
        return super().route(exchange, routing_key, body, mandatory)


class WideRegion(Region):
    """Everybody's trust is one object: here it is made once."""

    departments_each: int = 1
    _made: Trust | None = None

    def announcement(self, party: str, number: int = 1, epoch: int = 1) -> Announcement:
        key = WrapKeyEntry(
            suite=self.suite.number,
            public=self.suite.wrap_public(self.wrap_seed(party, epoch)),
            from_ms=self.now_ms,
            until_ms=self.now_ms + 60 * DAY_MS,
        )
        named = departments(party, self.departments_each) if party != HUB else []
        return Announcement(
            party=party,
            number=number,
            time_ms=self.now_ms,
            wrap_keys=(key,),
            departments=tuple(DepartmentEntry(code=code, name=name) for code, name in named),
            contact="",
        )

    def trust(self) -> Trust:
        if self._made is None:
            self._made = super().trust()
        return self._made


@dataclass
class WideKit(HubKit):
    """`stations`: how many; made by `wide`."""

    opened: list[Station] = field(default_factory=list)

    def mirror(self, party: str) -> Station:
        """A store is migrated once and copied: migrations take longer than all else here."""
        path = self.folder / party / "store.sqlite"
        if self.opened:
            self._copy(self.opened[0].party, party)
        path.parent.mkdir(parents=True, exist_ok=True)
        hooks = node_app.hooks(Files())
        station = self.open(party, hooks, migrations=(NODE,), timing=Timing())
        self.opened.append(station)
        return station

    def _copy(self, first: str, party: str) -> None:
        target = self.folder / party / "store.sqlite"
        target.parent.mkdir(parents=True)
        shutil.copyfile(self.folder / f"{first}.template", target)
        with sqlite3.connect(target) as conn:
            conn.execute("UPDATE stamp SET value = ? WHERE name = 'party'", (party,))
        conn.close()

    def template(self, party: str) -> None:
        """What the first station's store is before anything is written."""
        path = self.folder / party / "store.sqlite"
        make_store(path, party, self.region.plane, (STATION, NODE))
        shutil.copyfile(path, self.folder / f"{party}.template")


def wide(folder: Path, stations: int, departments_each: int) -> WideKit:
    """A region of `stations`, nothing opened yet."""
    region = WideRegion(parties=(HUB, *parties(stations)))
    region.departments_each = departments_each
    kit = WideKit(folder, region=region, broker=CountingBroker())
    kit.template(parties(1)[0])
    return kit


@dataclass
class Wide:
    """A region at work."""

    kit: WideKit
    stations: Sequence[Station]

    async def change(self, entry: Entry) -> Counter[str]:
        """Publish a new version and wait until every mirror has it; what went over the broker's
        feeds meanwhile, in copies by kind."""
        broker = self.kit.broker
        assert isinstance(broker, CountingBroker)
        broker.looks = True
        await self.publish([entry])
        query = select(held.c.version).where(held.c.code == entry.code)
        await self.until_all(lambda conn: conn.execute(query).scalar() == entry.version)
        broker.looks = False
        return broker.copies

    async def publish(self, entries: Iterable[Entry]) -> int:
        """At their providers, some in one transaction; how many there were."""
        by_provider: dict[str, list[Entry]] = {}
        for entry in entries:
            by_provider.setdefault(entry.provider, []).append(entry)

        async def at(station: Station, mine: Sequence[Entry]) -> None:
            for first in range(0, len(mine), A_JOB):
                part = mine[first : first + A_JOB]
                await station.write(lambda tx, part=part: _publish(tx, part))  # type: ignore[misc]

        stations = {station.party: station for station in self.stations}
        await asyncio.gather(*(at(stations[name], mine) for name, mine in by_provider.items()))
        return sum(len(mine) for mine in by_provider.values())

    async def until_all(
        self, wanted: Callable[[Connection], bool], within_s: float = 600.0
    ) -> None:
        """Until `wanted` is true of every station's store."""
        end = time.monotonic() + within_s
        for station in self.stations:
            while not await station.read(wanted):
                assert time.monotonic() < end, f"{station.party} did not come so far in time"
                await asyncio.sleep(0.05)


def holds(count: int) -> Callable[[Connection], bool]:
    """`count` entries that the hub passed on."""
    query = select(func.count()).where(held.c.accepted_ms.is_not(None))
    return lambda conn: (conn.execute(query).scalar() or 0) >= count


def _publish(tx: Tx, entries: Sequence[Entry]) -> None:
    for entry in entries:
        catalog.publish(tx, entry)


@asynccontextmanager
async def working(kit: WideKit, stations: int) -> AsyncIterator[Wide]:
    """Hub and stations linked, the region's feeds read."""
    hub = kit.hub(timing=Timing())
    names = parties(stations)
    opened = [kit.mirror(party) for party in names]

    def users(tx: Tx) -> None:
        for party in names:
            membership.keep_user(tx, party, PASSWORD)

    await hub.prepare(PASSWORD)
    await hub.station.write(users)
    running = asyncio.create_task(hub.run())
    try:
        await asyncio.wait_for(hub.station.wire.online.wait(), 30)
        async with kit.running(*opened):
            for station in opened:
                await station.write(join_region)
                read_region(station)
            yield Wide(kit, opened)
    finally:
        running.cancel()
        (end,) = await asyncio.gather(running, return_exceptions=True)
        await hub.station.close()
        if isinstance(end, Exception):
            raise end
