"""RPC by aio-pika's own pattern, JSON both ways, over the same broker: no database behind it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aio_pika.patterns import JsonRPC

from tests.bench.roles.raw import _Peer

METHOD = "townships"


class RpcServer(_Peer):
    def __init__(self, broker: dict[str, Any], rows: list[list[Any]]) -> None:
        super().__init__(broker)
        self.rows = rows

    async def open(self) -> None:
        await super().open()
        rpc = await JsonRPC.create(self.channel)
        await rpc.register(METHOD, self.answer)

    async def answer(self, *, number: int) -> dict[str, Any]:
        """A row of the real table, from memory."""
        return {"rows": [self.rows[number % len(self.rows)]]}


class RpcCaller(_Peer):
    async def open(self) -> None:
        await super().open()
        self.rpc = await JsonRPC.create(self.channel)

    async def ask(self, count: int, callers: int) -> dict[str, Any]:
        numbers = iter(range(count))
        each_s: list[float] = []

        async def caller() -> None:
            for number in numbers:
                begun = time.perf_counter()
                await self.rpc.call(METHOD, {"number": number})
                each_s.append(time.perf_counter() - begun)

        begun = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(callers)))
        return {"seconds": time.perf_counter() - begun, "each_s": each_s}
