"""The readers of the fan-out bench: bare consumers in one process that acknowledge."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aio_pika.abc import AbstractIncomingMessage

from tests.bench.roles.raw import _Peer

PREFETCH = 200
QUIET_S = 0.3
ACK_EVERY = 20  # the readers share one core: they stay light


class FanReaders(_Peer):
    async def open(self) -> None:
        await super().open()
        self.came: dict[str, int] = {}
        self.changed = asyncio.Event()

    async def read_queues(self, group: str, queues: list[str]) -> None:
        """One consumer for each subscription's own queue."""
        for name in queues:
            await self._consume(group, name, {})

    async def read_stream(self, group: str, feed: str, readers: int) -> None:
        """One stream for the feed, with `readers` consumers of it."""
        stream = f"stream.{feed}"
        declared = await self.channel.declare_queue(
            stream, durable=True, arguments={"x-queue-type": "stream"}
        )
        await declared.bind("feeds", feed)
        for _ in range(readers):
            await self._consume(group, stream, {"x-stream-offset": "next"})

    async def _consume(self, group: str, queue: str, arguments: dict[str, Any]) -> None:
        channel = await self.connection.channel(publisher_confirms=False)
        await channel.set_qos(prefetch_count=PREFETCH)
        self.came.setdefault(group, 0)

        came = 0

        async def take(message: AbstractIncomingMessage) -> None:
            nonlocal came
            came += 1
            if came % ACK_EVERY == 0:
                await message.ack(multiple=True)
            self.came[group] += 1
            self.changed.set()

        found = await channel.get_queue(queue, ensure=False)
        await found.consume(take, arguments=arguments)

    async def settle(self, group: str) -> None:
        """Count anew once nothing comes any more."""
        while True:
            before = self.came[group]
            await asyncio.sleep(QUIET_S)
            if self.came[group] == before:
                self.came[group] = 0
                return

    async def read(self, group: str, count: int) -> float:
        """Until `count` messages came to the readers of `group` together; the moment."""
        while self.came[group] < count:
            self.changed.clear()
            await self.changed.wait()
        return time.monotonic()
