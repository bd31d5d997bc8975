"""Plain aio-pika on the same broker, as processes: `python -m tests.bench.raw PLACE`.

No signature, no encryption, no database; durable messages, quorum queues, publisher confirms.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from tests.bench.child import Command, serve
from tests.bench.world import Place

WINDOW = 200


class Raw:
    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection

    def commands(self) -> Mapping[str, Command]:
        return {"declare": self.declare, "publish": self.publish, "consume": self.consume}

    async def declare(self, queue: str) -> dict[str, Any]:
        channel = await self._connection.channel()
        await channel.declare_queue(queue, durable=True, arguments={"x-queue-type": "quorum"})
        await channel.close()
        return {}

    async def publish(self, queue: str, count: int, size_bytes: int) -> dict[str, Any]:
        """WINDOW publishes at a time, each until its confirm."""
        channel = await self._connection.channel()
        body, left = os.urandom(size_bytes), iter(range(count))

        async def lane() -> None:
            for _ in left:
                message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
                await channel.default_exchange.publish(message, queue)

        await asyncio.gather(*(lane() for _ in range(WINDOW)))
        await channel.close()
        return {}

    async def consume(self, queue: str, count: int) -> dict[str, Any]:
        """Take and acknowledge `count` messages; `took_s` runs from the first."""
        channel = await self._connection.channel(publisher_confirms=False)
        await channel.set_qos(prefetch_count=WINDOW)
        seen, done = 0, asyncio.Event()
        first_s = 0.0

        async def take(message: AbstractIncomingMessage) -> None:
            nonlocal seen, first_s
            first_s = first_s or time.perf_counter()
            seen += 1
            await message.ack()
            if seen == count:
                done.set()

        found = await channel.get_queue(queue, ensure=False)
        await found.consume(take)
        await done.wait()
        await channel.close()
        return {"took_s": time.perf_counter() - first_s}


async def main(place: Place) -> None:
    async with await place.connect() as connection:
        await serve(Raw(connection).commands())


if __name__ == "__main__":
    asyncio.run(main(Place.load(sys.argv[1])))
