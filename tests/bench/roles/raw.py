"""Peers on bare aio-pika: the same broker, TLS, quorum queues, persistent messages, confirms."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aio_pika
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractIncomingMessage,
    AbstractQueue,
)

from tests.bench.words import content

QUORUM = {"x-queue-type": "quorum"}
WINDOW = 200
CHUNK_BYTES = 256 << 10


async def connect(broker: dict[str, Any]) -> AbstractConnection:
    return await aio_pika.connect(
        host=broker["host"],
        port=broker["port"],
        login=broker["user"],
        password=broker["password"],
        virtualhost=broker["vhost"],
        ssl=True,
        ssl_context=ssl.create_default_context(cafile=broker["ca_file"]),
    )


class _Peer:
    def __init__(self, broker: dict[str, Any]) -> None:
        self.broker = broker
        self.connection: AbstractConnection
        self.channel: AbstractChannel

    async def open(self) -> None:
        self.connection = await connect(self.broker)
        self.channel = await self.connection.channel(publisher_confirms=True)

    async def close(self) -> None:
        await self.connection.close()


class Publisher(_Peer):
    async def publish(self, queue: str, sizes: list[int]) -> float:
        """Publish a message of each size, `WINDOW` unconfirmed at once; seconds until the last
        confirm."""
        return await self._each((content(size) for size in sizes), queue)

    async def publish_file(self, queue: str, path: str) -> float:
        return await self._each(_chunks(Path(path)), queue)

    async def _each(self, bodies: Iterable[bytes], queue: str) -> float:
        left = iter(bodies)

        async def caller() -> None:
            for body in left:
                message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
                await self.channel.default_exchange.publish(message, queue)

        begun = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(WINDOW)))
        return time.perf_counter() - begun


def _chunks(path: Path) -> Iterable[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


class Consumer(_Peer):
    """Takes messages of one queue, each acknowledged by itself."""

    async def open(self) -> None:
        await super().open()
        self.came = 0
        self.wanted = 0
        self.done = asyncio.Event()
        self.file: Any = None

    async def start(self, queue: str) -> None:
        await self.channel.set_qos(prefetch_count=WINDOW)
        declared: AbstractQueue = await self.channel.declare_queue(
            queue, durable=True, arguments=QUORUM
        )
        await declared.consume(self._take)

    async def expect(self, count: int, path: str = "") -> None:
        self.came, self.wanted = 0, count
        self.file = open(path, "wb") if path else None  # noqa: ASYNC230, SIM115
        self.done.clear()

    async def finished(self) -> float:
        """Until all came and were acknowledged; the moment (shared clock)."""
        await self.done.wait()
        if self.file is not None:
            os.fsync(self.file.fileno())
            self.file.close()
        return time.monotonic()

    async def _take(self, message: AbstractIncomingMessage) -> None:
        if self.file is not None:
            self.file.write(message.body)
        await message.ack()
        self.came += 1
        if self.came == self.wanted:
            self.done.set()
