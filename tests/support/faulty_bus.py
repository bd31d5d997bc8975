"""A bus that stops at a chosen point: where a process dies is where the test wants it to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ortoo_protocol.bus.port import Bus, Consumer, Delivery, Link, Outcome


@dataclass
class Faults:
    """`keeps(exchange, key)`: published, then no answer comes; `loses`: never published, and
    confirmed all the same. `settles` False: an ack never goes out. `stuck`: it happened."""

    keeps: Callable[[str, str], bool] = lambda _exchange, _key: False
    loses: Callable[[str, str, bytes], bool] = lambda _exchange, _key, _body: False
    settles: bool = True
    stuck: asyncio.Event = field(default_factory=asyncio.Event)

    async def hang(self) -> None:
        self.stuck.set()
        await asyncio.Event().wait()


@dataclass
class FaultyBus(Bus):
    bus: Bus
    faults: Faults

    async def connect(self) -> Link:
        return _FaultyLink(await self.bus.connect(), self.faults)


@dataclass
class _FaultyLink(Link):
    link: Link
    faults: Faults

    async def publish(
        self, exchange: str, routing_key: str, body: bytes, *, mandatory: bool, timeout_s: float
    ) -> Outcome:
        if self.faults.loses(exchange, routing_key, body):
            return Outcome.CONFIRMED
        outcome = await self.link.publish(
            exchange, routing_key, body, mandatory=mandatory, timeout_s=timeout_s
        )
        if self.faults.keeps(exchange, routing_key):
            await self.faults.hang()
        return outcome

    def cast(self, exchange: str, routing_key: str, body: bytes) -> None:
        if not self.faults.loses(exchange, routing_key, body):
            self.link.cast(exchange, routing_key, body)

    async def consume(self, queue: str, *, prefetch: int, settled: bool = False) -> Consumer:
        consumer = await self.link.consume(queue, prefetch=prefetch, settled=settled)
        return _FaultyConsumer(consumer, self.faults)

    def blocked(self) -> bool:
        return self.link.blocked()

    async def wait_lost(self) -> None:
        await self.link.wait_lost()

    async def close(self) -> None:
        await self.link.close()


@dataclass
class _FaultyConsumer(Consumer):
    consumer: Consumer
    faults: Faults

    async def receive(self, limit: int) -> list[Delivery]:
        return await self.consumer.receive(limit)

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        if not self.faults.settles:
            await self.faults.hang()
        await self.consumer.settle(deliveries)

    async def release(self, deliveries: Sequence[Delivery]) -> None:
        await self.consumer.release(deliveries)

    async def close(self) -> None:
        await self.consumer.close()
