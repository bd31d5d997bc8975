"""A real hub and real stations of one region in one process, on a broker in memory.

The hub programs the broker; stations are the engine alone, with what arrives kept in a list.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, select

from ortoo_hub import membership
from ortoo_hub.broker import BrokerAdmin, MemoryBrokerAdmin
from ortoo_hub.daemon import Hub, make_hub
from ortoo_hub.membership import Road
from ortoo_hub.methods import (
    CalendarMethods,
    CaseMethods,
    CatalogMethods,
    DemandMethods,
    DirectoryMethods,
    GazetteMethods,
    MemberMethods,
    OverviewMethods,
    RoutingMethods,
    UseMethods,
    merged,
)
from ortoo_hub.store import HUB as HUB_TABLES
from ortoo_protocol.core.cases import Answer, Application
from ortoo_protocol.core.catalog import CONDITIONAL, Entry, Item
from ortoo_protocol.core.catalog.codes import Scheme
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.grants import GrantEnded, GrantTerms
from ortoo_protocol.core.ids import feed_id
from ortoo_protocol.core.topology import Binding, feed_queue
from ortoo_protocol.core.verify import Opened
from ortoo_protocol.station import feed_reader, feed_writer, trusting
from ortoo_protocol.station.clocks.methods import ClockMethods
from ortoo_protocol.station.contacts.methods import ContactMethods
from ortoo_protocol.station.context import Hooks, SettledLetter, Tx
from ortoo_protocol.station.corrections.methods import CorrectionViews
from ortoo_protocol.station.gazette.methods import AnnouncementMethods
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.settings import Timing
from ortoo_protocol.station.station import Station, Surroundings, make_station
from ortoo_protocol.station.store.migrate import STATION
from ortoo_protocol.station.store.store import open_store
from ortoo_protocol.station.store.tables import quarantine
from tests.support.empty_stores import make_store
from tests.support.stations import PASSWORD, QUICK, Kit, until
from tests.support.trust import DEPARTMENTS, HUB, STATIONS, seeded

PROVIDER, READER, THIRD = STATIONS
KINDS = (
    "case.application",
    "case.answer",
    "case.withdrawal",
    "case.step",
    "case.ruling",
    "case.records",
    "case.compared",
    "grant.issued",
    "grant.ended",
    "catalog.federated",
    "catalog.refused",
    "catalog.conflict",
)


@dataclass
class Seen:
    """What a station got, and what became of what it sent."""

    opened: list[Opened[Shape]] = field(default_factory=list)
    settled: list[SettledLetter] = field(default_factory=list)

    def of_kind(self, kind: str) -> list[Opened[Shape]]:
        return [each for each in self.opened if each.message.kind.name == kind]

    def outcome(self, letter: bytes) -> tuple[str, str] | None:
        """("accepted" | "refused", code) of a letter of ours; None while it waits."""
        found = [s for s in self.settled if s.id == letter and s.status != "notarised"]
        return (found[0].status, found[0].error) if found else None

    def notarised(self, letter: bytes) -> bool:
        return any(s.id == letter and s.status == "notarised" for s in self.settled)


@dataclass
class Running:
    """A hub at work. `call` holds its control methods by name."""

    kit: HubKit
    hub: Hub
    stations: tuple[Station, ...]
    call: Mapping[str, Any]
    _task: asyncio.Task[None] | None = None

    def start_hub(self) -> None:
        self._task = asyncio.create_task(self.hub.run())

    async def stop_hub(self) -> None:
        """As when its process ends. Raises what made it end by itself."""
        if self._task is None:
            return
        self._task.cancel()
        (end,) = await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        await self.hub.station.close()
        if isinstance(end, Exception):
            raise end

    async def restart_hub(self) -> None:
        """Another process on the same folder."""
        await self.stop_hub()
        self.hub = self.kit.hub()
        self.call = methods(self.hub)
        await self.hub.prepare(PASSWORD)
        self.start_hub()

    async def sent(self, station: Station, to: str, body: Shape) -> tuple[str, str]:
        """Send a letter and wait for what becomes of it: accepted or refused, and the code."""
        letter, seen = await say(station, to, body), self.kit.seen[station.party]
        await until(lambda: seen.outcome(letter))
        outcome = seen.outcome(letter)
        assert outcome is not None
        return outcome

    async def listed(self, provider: Station, body: Entry) -> None:
        """Publish an entry and wait until the region's catalog has it."""
        await publish_entry(provider, body)

        async def there() -> bool:
            found = (await self.call["catalog.search"](""))["entries"]
            return (body.code, body.version) in [(e["code"], e["version"]) for e in found]

        await until_true(there)

    async def granted(self, provider: Station, reader: Station, number: int = 1) -> None:
        """Application, answer and terms, each accepted by whom it is for."""
        assert await self.sent(reader, provider.party, application(number)) == ("accepted", "")
        assert await self.sent(provider, reader.party, terms(number)) == ("accepted", "")
        assert await self.sent(provider, reader.party, answer(number)) == ("accepted", "")


@dataclass
class HubKit(Kit):
    """`admin` may be replaced before the hub is opened."""

    admin: BrokerAdmin | None = None
    scheme: Scheme | None = None
    seen: dict[str, Seen] = field(default_factory=dict)

    def program(self) -> None:
        """Nothing: the hub does it."""

    def hub(self, *, reconcile_s: float = 30, timing: Timing = QUICK) -> Hub:
        path, plane = self.folder / HUB / "store.sqlite", self.region.plane
        make_store(path, HUB, plane, (STATION, HUB_TABLES))
        store = open_store(path, HUB, plane, (STATION, HUB_TABLES))
        with store.writing.begin() as conn:
            trust = trusting.load(conn, plane, self.region.suites)
            if trust is None:
                trust = self.region.trust()
                trusting.save(conn, trust)
        around = Surroundings(
            store=store,
            trust=trust,
            bus=self.bus(HUB),
            suites=self.region.suites,
            clock=self.clock,
            rand=seeded(f"hub {time.time_ns()}"),
            timing=timing,
        )
        road = Road("broker.example", 5671, "/", "CA")
        admin = self.admin or MemoryBrokerAdmin(self.broker)
        return make_hub(self.identity(HUB), around, admin, road, reconcile_s, None, self.scheme)

    def station(self, party: str) -> Station:
        """The engine, with the region's two feeds joined."""
        seen = self.seen.setdefault(party, Seen())

        def keep(_tx: Tx, opened: Opened[Shape]) -> None:
            seen.opened.append(opened)

        hooks = Hooks(dict.fromkeys(KINDS, keep), lambda _tx, letter: seen.settled.append(letter))
        path, plane = self.folder / party / "store.sqlite", self.region.plane
        make_store(path, party, plane, (STATION,))
        store = open_store(path, party, plane, (STATION,))
        with store.writing.begin() as conn:
            trust = trusting.load(conn, plane, self.region.suites)
            if trust is None:
                trust = self.region.trust()
                trusting.save(conn, trust)
        around = Surroundings(
            store=store,
            trust=trust,
            bus=self.bus(party),
            suites=self.region.suites,
            clock=self.clock,
            rand=seeded(f"{party} {time.time_ns()}"),
            timing=QUICK,
        )
        return make_station(self.identity(party), around, hooks)

    @asynccontextmanager
    async def hub_running(self, hub: Hub, *stations: Station) -> AsyncIterator[Running]:
        """Everything linked, and the region's two feeds read by each station."""

        def users(tx: Tx) -> None:
            for station in stations:
                membership.keep_user(tx, station.party, PASSWORD)

        await hub.prepare(PASSWORD)
        await hub.station.write(users)
        running = Running(self, hub, stations, methods(hub))
        running.start_hub()
        try:
            await asyncio.wait_for(hub.station.wire.online.wait(), 10)
            async with self.running(*stations):
                for station in stations:
                    await station.write(join_region)
                    read_region(station)
                yield running
        finally:
            await running.stop_hub()

    def bound(self, feed: str, reader: str) -> bool:
        """Whether the broker carries `feed` to `reader`."""
        return any(
            binding.key == feed and binding.queue.startswith(f"feed.{reader}.")
            for binding in self.broker.read().bindings
        )

    def direct_routes(self, sender: str, recipient: str) -> set[Binding]:
        prefix = f"{sender}.{recipient}."
        return {b for b in self.broker.read().bindings if b.key.startswith(prefix)}


def join_region(tx: Tx) -> None:
    for name in ("directory", "catalog"):
        feed_reader.join(tx, feed_id(HUB, name), feed_reader.HISTORY)
    feed_writer.open_feed(tx, feed_id(tx.party, "catalog"), sealed=False)


def read_region(station: Station) -> None:
    for name in ("directory", "catalog"):
        station.read_queue(feed_queue(station.party, feed_id(HUB, name)))


def methods(hub: Hub) -> Mapping[str, Any]:
    station, router = hub.station, hub.router
    return merged(
        CalendarMethods(station).as_mapping(),
        GazetteMethods(station).as_mapping(),
        AnnouncementMethods(station).as_mapping(),
        ClockMethods(station).as_mapping(),
        ContactMethods(station).as_mapping(),
        MemberMethods(station, router, hub.road).as_mapping(),
        DirectoryMethods(station, router).as_mapping(),
        CatalogMethods(station).as_mapping(),
        CaseMethods(station).as_mapping(),
        DemandMethods(station).as_mapping(),
        UseMethods(station, hub.use).as_mapping(),
        CorrectionViews(station).as_mapping(),
        OverviewMethods(station).as_mapping(),
        RoutingMethods(station, router, hub.reconciler).as_mapping(),
    )


# --- bodies of an honest exchange ---------------------------------------------------------------

RESOURCE = "3150700001"
FEED = f"{PROVIDER}.allowances"


def entry(**changes: object) -> Entry:
    code, name = DEPARTMENTS[PROVIDER]
    made = Entry(
        code=RESOURCE,
        version=1,
        name="低保对象",
        provider=PROVIDER,
        department=code,
        department_name=name,
        office="社会救助科",
        abstract="最低生活保障对象名单",
        format_class=3,
        format_type="table",
        items=(
            Item(name="编号", column="code", type="C", length=12, share_type=2, key=True),
            Item(name="姓名", column="name", type="C", length=100, share_type=2),
        ),
        share_type=CONDITIONAL,
        share_condition="审批",
        basis="《社会救助暂行办法》",
        modes=("系统对接",),
        purposes=("工作参考",),
        open_to_society=False,
        open_condition="",
        cycle="每月",
        published_ms=1,
        related=(),
        feed=FEED,
        status="published",
        compiled_by="甲",
        reviewed_by="乙",
        secrecy_checked_by="乙",
        approved_by="丙",
        filed=f"{PROVIDER[1:]}-2026-000001",
        ratified_by="丙",
    )
    return replace(made, **changes)


def application(number: int = 1, **changes: object) -> Application:
    code, name = DEPARTMENTS[READER]
    made = Application(
        case=f"{number:032x}",
        resource=RESOURCE,
        department=code,
        department_name=name,
        items=("code", "name"),
        row_filter="",
        purpose="工作参考",
        basis="《社会救助暂行办法》第八条",
        scenario="核对申请人",
        mode="系统对接",
        until_ms=0,
        handler="丁",
        approver="戊",
    )
    return replace(made, **changes)


def answer(number: int = 1, **changes: object) -> Answer:
    made = Answer(
        case=f"{number:032x}",
        outcome="granted",
        reason="",
        grant=f"{number:032x}",
        items=("code",),
        handler="甲",
        approver="丙",
    )
    return replace(made, **changes)


def terms(number: int = 1, **changes: object) -> GrantTerms:
    made = GrantTerms(
        grant=f"{number:032x}",
        case=f"{number:032x}",
        resource=RESOURCE,
        feed=FEED,
        provider=PROVIDER,
        provider_department=DEPARTMENTS[PROVIDER][0],
        reader=READER,
        reader_department=DEPARTMENTS[READER][0],
        items=("code",),
        row_filter="",
        purpose="工作参考",
        basis="《社会救助暂行办法》第八条",
        mode="系统对接",
        from_ms=0,
        until_ms=0,
        conditions="",
        handler="甲",
        approver="丙",
    )
    return replace(made, **changes)


def ended(number: int = 1, **changes: object) -> GrantEnded:
    made = GrantEnded(
        grant=f"{number:032x}",
        feed=FEED,
        reader=READER,
        incarnation=1,
        fence=0,
        reason="目的已达成",
        filing="f" * 32,
        ended_ms=1,
        by="丙",
    )
    return replace(made, **changes)


async def say(station: Station, to: str, body: Shape) -> bytes:
    """Send a letter; its id."""
    return await station.write(lambda tx: send(tx, to, body))


async def publish_entry(station: Station, body: Entry) -> int:
    return await station.write(
        lambda tx: feed_writer.publish(tx, feed_id(station.party, "catalog"), body)
    )


def quarantine_codes(conn: Connection) -> list[str]:
    return list(conn.execute(select(quarantine.c.error)).scalars())


async def until_true(condition: Callable[[], Awaitable[object]], within_s: float = 15) -> None:
    """Wait until awaiting `condition` gives something true."""
    end = time.monotonic() + within_s
    while True:
        if await condition():
            return
        assert time.monotonic() < end, "the condition did not come true in time"
        await asyncio.sleep(0.01)
