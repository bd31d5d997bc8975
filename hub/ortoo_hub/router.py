"""The router: from directory and grants to queues, bindings and rights on the broker.

It compares the whole of what should stand with what stands, every `reconcile_s` and at once when
woken, so that a broker that lost everything is built again by itself. The management interface may
be away: then it waits, says so, and what was routed goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from sqlalchemy import Connection, func, select

from ortoo_hub.broker import BrokerAdmin
from ortoo_hub.directory import active_stations, catalog_feed, directory_feed
from ortoo_hub.store.tables import members
from ortoo_protocol.bus.port import Bus, Link
from ortoo_protocol.core import topology
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.errors import BusError, BusLoginRefused, OrtooError
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.queries import only_query
from ortoo_protocol.core.topology import Change, DirectRoute, FeedRoute, Member
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station.context import Signal, wait
from ortoo_protocol.station.grants_held import live
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import grants

RETRY_S = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Routes:
    """What the broker is to carry now; `until_ms`: when a grant begins or ends by itself."""

    members: tuple[Member, ...]
    direct: frozenset[DirectRoute]
    feeds: frozenset[FeedRoute]
    until_ms: int | None

    def wanted(self, hub: str) -> topology.Topology:
        return topology.wanted(hub, self.members, self.direct, self.feeds)


def read_routes(conn: Connection, trust: Trust, now_ms: int) -> Routes:
    """Members that have a user, by their standing in the directory, and what grants join."""
    standing = {entry.party: entry.status for entry in trust.parties}
    users = tuple(
        Member(row.party, row.password_hash, active=standing.get(row.party) == "active")
        for row in conn.execute(select(members).order_by(members.c.party))
        if standing.get(row.party) in ("active", "suspended")
    )
    direct: set[DirectRoute] = set()
    feeds = {FeedRoute(catalog_feed(station), trust.hub) for station in active_stations(trust)}
    for station in active_stations(trust):
        feeds |= {
            FeedRoute(feed, station)
            for feed in (directory_feed(trust.hub), catalog_feed(trust.hub))
        }
    query = select(
        grants.c.feed, grants.c.provider, grants.c.reader, grants.c.terms, grants.c.suspension
    ).where(live(now_ms), grants.c.provider != grants.c.reader)
    for row in conn.execute(query):
        direct |= {DirectRoute(row.provider, row.reader), DirectRoute(row.reader, row.provider)}
        if not row.suspension and not only_query(decode(row.terms, GrantTerms).mode):
            feeds.add(FeedRoute(row.feed, row.reader))
    return Routes(users, frozenset(direct), frozenset(feeds), _next_change_ms(conn, now_ms))


def _next_change_ms(conn: Connection, now_ms: int) -> int | None:
    begins = select(func.min(grants.c.from_ms)).where(grants.c.from_ms > now_ms)
    ends = select(func.min(grants.c.until_ms)).where(
        grants.c.until_ms > now_ms, grants.c.ended_ms.is_(None)
    )
    found = (conn.execute(query).scalar() for query in (begins, ends))
    return min((ms for ms in found if ms is not None), default=None)


@dataclass(frozen=True)
class Standing:
    """How the last pass ended. `changes`: how many steps it took."""

    agree: bool = False
    changes: int = 0
    checked_ms: int = 0
    error: OrtooError | None = None


@dataclass
class Router:
    station: Station
    admin: BrokerAdmin
    reconcile_s: float
    standing: Standing = Standing()
    tried: asyncio.Event = field(default_factory=asyncio.Event)
    _signal: Signal = field(default_factory=Signal)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def broker_name(self) -> str:
        return topology.broker_name(self.station.party, self.station.parts.identity.plane)

    def wake(self) -> None:
        """Look at once. For the event loop, such as after a commit."""
        self._signal.set()

    async def run(self) -> None:
        while True:
            ticket = self._signal.ticket()
            pause_s = self.reconcile_s
            try:
                routes = await self.correct()
                pause_s = self._pause_s(routes)
            except BusError as error:
                # What goes on for hours is said once.
                known = self.standing.error is not None and self.standing.error.code == error.code
                _log.log(logging.DEBUG if known else logging.ERROR, "%s", error)
                self.standing = Standing(checked_ms=self.station.parts.clock(), error=error)
                pause_s = min(RETRY_S, self.reconcile_s)
            finally:
                self.tried.set()
            await wait(ticket, pause_s)

    async def correct(self) -> Routes:
        """One pass: compare, and take every step. Raises BrokerAdminError; BusPlane before it
        touches the other plane's broker."""
        async with self._turn:
            await self.admin.claim(self.broker_name)
            routes, changes = await self.compare()
            for steps in _side_by_side(changes):
                await asyncio.gather(*(self.admin.apply(change) for change in steps))
            now_ms = self.station.parts.clock()
            self.standing = Standing(agree=True, changes=len(changes), checked_ms=now_ms)
        if changes:
            _log.info("%d changes on the broker", len(changes))
        hub = self.station.party
        for route in routes.feeds:
            if route.reader == hub:
                self.station.read_queue(topology.feed_queue(hub, route.feed))
        return routes

    async def compare(self) -> tuple[Routes, tuple[Change, ...]]:
        """What should stand, and the steps that are missing. Raises BrokerAdminError."""
        routes = await self.routes()
        actual = await self.admin.read()
        return routes, topology.plan(routes.wanted(self.station.party), actual)

    async def routes(self) -> Routes:
        parts = self.station.parts
        trust, now_ms = parts.trust.current, parts.clock()
        return await self.station.read(lambda conn: read_routes(conn, trust, now_ms))

    def _pause_s(self, routes: Routes) -> float:
        if routes.until_ms is None:
            return self.reconcile_s
        return max(
            0.01, min(self.reconcile_s, (routes.until_ms - self.station.parts.clock()) / 1000)
        )


@dataclass(frozen=True)
class ProgrammedBus(Bus):
    """The hub's own way in: after the router has tried once; a refused login wakes it, since a
    broker that lost its users refuses the hub too."""

    bus: Bus
    router: Router

    async def connect(self) -> Link:
        await self.router.tried.wait()
        try:
            return await self.bus.connect()
        except BusLoginRefused:
            self.router.wake()
            raise


def _side_by_side(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """The plan in its order; steps of one kind behind each other do not depend on each other."""
    for _, steps in groupby(changes, key=lambda change: (change.verb, type(change.thing))):
        yield list(steps)


def describe(changes: Sequence[Change]) -> list[str]:
    """Each step as a line that an administrator can read."""
    return [f"{change.verb.value} {_thing(change.thing)}" for change in changes]


def _thing(thing: topology.Thing) -> str:
    match thing:
        case topology.Binding():
            return f"binding {thing.exchange} -> {thing.queue} ({thing.key})"
        case topology.Exchange() | topology.Queue() | topology.User():
            return f"{type(thing).__name__.lower()} {thing.name}"
        case topology.TopicPermission():
            return f"topic permission of {thing.user} on {thing.exchange}"
        case topology.Permission():
            return f"permission of {thing.user}"
        case topology.Sessions():
            return f"connections of {thing.user}"
