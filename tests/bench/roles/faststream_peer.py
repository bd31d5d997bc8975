"""FastStream as its own guide has it: plain JSON, a quorum queue, confirms, each message acked."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import Any

from faststream import AckPolicy
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue
from faststream.security import SASLPlaintext

from tests.bench.words import EVENT_COLUMNS, event

PREFETCH = 200


def _broker(given: dict[str, Any]) -> RabbitBroker:
    context = ssl.create_default_context(cafile=given["ca_file"])
    return RabbitBroker(
        host=given["host"],
        port=given["port"],
        virtualhost=given["vhost"],
        security=SASLPlaintext(given["user"], given["password"], ssl_context=context, use_ssl=True),
        default_channel=Channel(prefetch_count=PREFETCH),
        logger=None,
    )


def _queue(name: str) -> RabbitQueue:
    return RabbitQueue(name, queue_type=QueueType.QUORUM, durable=True)


class FastPublisher:
    def __init__(self, broker: dict[str, Any]) -> None:
        self.broker = _broker(broker)

    async def open(self) -> None:
        await self.broker.start()

    async def close(self) -> None:
        await self.broker.stop()

    async def publish(self, queue: str, first: int, count: int, callers: int) -> float:
        """`count` events by `callers` at once, each of whom waits for the confirm."""
        numbers = iter(range(first, first + count))

        async def caller() -> None:
            for number in numbers:
                body = dict(zip(EVENT_COLUMNS, event(number), strict=True))
                await self.broker.publish(body, queue, persist=True)

        begun = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(callers)))
        return time.perf_counter() - begun


class FastReader:
    def __init__(self, broker: dict[str, Any], queue: str) -> None:
        self.broker, self.queue = _broker(broker), queue
        self.came = 0
        self.changed = asyncio.Condition()

    async def open(self) -> None:
        @self.broker.subscriber(_queue(self.queue), ack_policy=AckPolicy.ACK)
        async def take(event: dict[str, Any]) -> None:
            self.came += 1
            async with self.changed:
                self.changed.notify_all()

        await self.broker.start()

    async def close(self) -> None:
        await self.broker.stop()

    async def read(self, count: int) -> float:
        """Until `count` events came in all; the moment (shared clock)."""
        async with self.changed:
            await self.changed.wait_for(lambda: self.came >= count)
        return time.monotonic()
