"""The bus in memory, for tests: the same behaviour as over AMQP, against a MemoryBroker."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from ortoo_protocol.bus.memory_broker import Line, MemoryBroker, Message
from ortoo_protocol.bus.port import Bus, Consumer, Delivery, Link, Outcome
from ortoo_protocol.core.errors import BusForbidden, BusLost, BusMissing

__all__ = ["MemoryBroker", "MemoryBus"]


class MemoryBus(Bus):
    def __init__(self, broker: MemoryBroker, user: str, password: str) -> None:
        self._broker = broker
        self._user = user
        self._password = password

    async def connect(self) -> Link:
        self._broker.log_in(self._user, self._password)
        return MemoryLink(self._broker, self._user)


class MemoryLink(Link):
    def __init__(self, broker: MemoryBroker, user: str) -> None:
        self.user = user
        self._broker = broker
        self._lost = asyncio.Event()
        self._stopped = False
        self._consumers: list[MemoryConsumer] = []
        # Granted once is granted until the connections are closed, as in RabbitMQ's channels.
        self._granted: set[tuple[str, ...]] = set()
        broker.links.add(self)

    async def publish(
        self, exchange: str, routing_key: str, body: bytes, *, mandatory: bool, timeout_s: float
    ) -> Outcome:
        broker = self._broker
        await asyncio.sleep(0)
        if self._lost.is_set():
            return Outcome.UNKNOWN
        self._check(
            ("write", exchange, routing_key),
            broker.may_write(self.user, exchange, routing_key),
            f"to publish {routing_key} on {exchange}",
        )
        if broker.is_calm():
            return broker.route(exchange, routing_key, body, mandatory)
        if not self._stopped:
            # The first publish of an alarm is on its way when the broker stops reading.
            self._stopped = True
            broker.hold(lambda: broker.route(exchange, routing_key, body, mandatory))
            await self._lost_within(timeout_s)
            return Outcome.UNKNOWN
        try:
            async with asyncio.timeout(timeout_s):
                await broker.calm()
        except TimeoutError:
            return Outcome.UNKNOWN
        if self._lost.is_set():
            return Outcome.UNKNOWN
        return broker.route(exchange, routing_key, body, mandatory)

    def cast(self, exchange: str, routing_key: str, body: bytes) -> None:
        broker = self._broker
        right = ("write", exchange, routing_key)
        if self._lost.is_set() or not broker.is_calm():
            return
        if broker.may_write(self.user, exchange, routing_key):
            self._granted.add(right)
        if right in self._granted:
            broker.route(exchange, routing_key, body, mandatory=False)

    async def _lost_within(self, timeout_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._lost.wait()

    async def consume(self, queue: str, *, prefetch: int, settled: bool = False) -> MemoryConsumer:
        await asyncio.sleep(0)
        if self._lost.is_set():
            raise BusLost(detail=f"{queue}: connection closed")
        allowed = self._broker.may_read(self.user, queue)
        self._check(("read", queue), allowed, f"to read {queue}")
        line = self._broker.lines.get(queue)
        if line is None:
            raise BusMissing(queue=queue)
        consumer = MemoryConsumer(queue, line, prefetch, settled)
        self._consumers.append(consumer)
        return consumer

    def _check(self, right: tuple[str, ...], allowed: bool, action: str) -> None:
        if allowed:
            self._granted.add(right)
        elif right not in self._granted:
            raise BusForbidden(user=self.user, action=action, detail="ACCESS_REFUSED")

    def blocked(self) -> bool:
        self._stopped = self._stopped and not self._broker.is_calm()
        return self._stopped

    async def wait_lost(self) -> None:
        await self._lost.wait()

    async def close(self) -> None:
        self.lose("closed")

    def lose(self, reason: str) -> None:
        self._broker.links.discard(self)
        self._lost.set()
        for consumer in self._consumers:
            consumer.end(reason)


class MemoryConsumer(Consumer):
    def __init__(self, queue: str, line: Line, prefetch: int, settled: bool) -> None:
        self._queue = queue
        self._line = line
        self._prefetch = prefetch
        self._settled = settled
        self._unsettled: dict[int, Message] = {}
        self._tags = 0
        self._gone: str | None = None
        self.arrived = asyncio.Event()
        line.consumers.add(self)

    def end(self, reason: str) -> None:
        if self._gone:
            return
        self._gone = reason
        self._line.consumers.discard(self)
        self._line.give_back(list(self._unsettled.values()))
        self._unsettled.clear()
        self.arrived.set()

    async def receive(self, limit: int) -> list[Delivery]:
        await asyncio.sleep(0)
        while True:
            self._check()
            room = self._prefetch - len(self._unsettled)
            count = min(limit, room, len(self._line.ready))
            if count > 0:
                return [self._hand_out(self._line.take()) for _ in range(count)]
            self.arrived.clear()
            await self.arrived.wait()

    def _hand_out(self, message: Message) -> Delivery:
        self._tags += 1
        if not self._settled:
            self._unsettled[self._tags] = message
        return Delivery(
            queue=self._queue,
            routing_key=message.routing_key,
            body=message.body,
            redelivered=message.redelivered,
            tag=self._tags,
        )

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        self._check()
        self._drop(deliveries)
        self.arrived.set()

    async def release(self, deliveries: Sequence[Delivery]) -> None:
        self._check()
        self._line.give_back(self._drop(deliveries))
        self.arrived.set()

    def _drop(self, deliveries: Sequence[Delivery]) -> list[Message]:
        known = [d.tag for d in deliveries if d.tag in self._unsettled]
        return [self._unsettled.pop(tag) for tag in known]

    def _check(self) -> None:
        if self._gone:
            raise BusLost(detail=f"{self._queue}: {self._gone}")

    async def close(self) -> None:
        self.end("closed")
