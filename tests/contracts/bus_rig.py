"""What a suite needs of a broker to put a bus and a BrokerAdmin through their contracts."""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Awaitable, Callable, Sequence

from ortoo_hub.broker import BrokerAdmin, rabbit_password_hash
from ortoo_protocol.bus.port import Bus, Consumer, Delivery, Link
from ortoo_protocol.core.topology import (
    DEFAULT_BOUNDS,
    Bounds,
    DirectRoute,
    FeedRoute,
    Member,
    Topology,
    plan,
    wanted,
)

HUB, A, B, C = "h150000", "s150700", "s150200", "s152900"
FEED = f"{A}.townships"
OTHER_FEED = f"{A}.roads"
PATIENCE_S = 30.0


def password_of(party: str) -> str:
    return f"secret/of @{party}"


def member(party: str, *, active: bool = True) -> Member:
    return Member(party, rabbit_password_hash(password_of(party), b"salt"), active)


MEMBERS = tuple(member(party) for party in (HUB, A, B, C))
DIRECT = (DirectRoute(A, B), DirectRoute(B, A))
FEEDS = (FeedRoute(FEED, B), FeedRoute(OTHER_FEED, B), FeedRoute(FEED, C))


def topology(
    members: Sequence[Member] = MEMBERS,
    feeds: Sequence[FeedRoute] = FEEDS,
    bounds: Bounds = DEFAULT_BOUNDS,
) -> Topology:
    return wanted(HUB, members, DIRECT, feeds, bounds)


class BusRig(abc.ABC):
    """One broker, or a part of one, that belongs to the test alone."""

    admin: BrokerAdmin

    @abc.abstractmethod
    def bus(self, party: str, password: str | None = None) -> Bus: ...

    @abc.abstractmethod
    async def cut(self) -> None:
        """Break every connection without a word."""

    @abc.abstractmethod
    async def restart(self) -> None: ...

    @abc.abstractmethod
    async def empty(self) -> None:
        """The broker lost its disk: no users, queues, exchanges, permissions."""

    @abc.abstractmethod
    async def alarm(self, raised: bool) -> None: ...

    @abc.abstractmethod
    async def declare(self, party: str, queue: str) -> None:
        """What the port has no call for; as the party itself. Raises BusForbidden."""

    @abc.abstractmethod
    async def bind(self, party: str, queue: str, exchange: str, key: str) -> None: ...

    async def program(self, right: Topology) -> None:
        for change in plan(right, await self.admin.read()):
            await self.admin.apply(change)


async def take(consumer: Consumer, count: int) -> list[Delivery]:
    """Receive exactly `count` messages."""
    taken: list[Delivery] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(taken) < count:
            taken += await consumer.receive(count - len(taken))
    return taken


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.01)


async def lost(link: Link, within_s: float = PATIENCE_S) -> None:
    async with asyncio.timeout(within_s):
        await link.wait_lost()
