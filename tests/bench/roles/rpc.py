"""RPC by aio-pika's own pattern, JSON both ways, over the same broker: no database behind it."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.patterns import JsonRPC

from tests.bench.roles.raw import QUORUM, _Peer

METHOD = "townships"
PERSISTENT = DeliveryMode.PERSISTENT


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
        return await _timed(lambda n: self.rpc.call(METHOD, {"number": n}), count, callers)


# --- the same over quorum queues, written down and confirmed, as letters travel ------------------

ASKS = "rpc.durable"


class DurableServer(_Peer):
    def __init__(self, broker: dict[str, Any], rows: list[list[Any]]) -> None:
        super().__init__(broker)
        self.rows = rows

    async def open(self) -> None:
        await super().open()
        await self.channel.set_qos(prefetch_count=200)
        queue = await self.channel.declare_queue(ASKS, durable=True, arguments=QUORUM)
        await queue.consume(self.answer)

    async def answer(self, message: AbstractIncomingMessage) -> None:
        number = json.loads(message.body)["number"]
        body = json.dumps({"rows": [self.rows[number % len(self.rows)]]}).encode()
        await self.channel.default_exchange.publish(
            Message(body, correlation_id=message.correlation_id, delivery_mode=PERSISTENT),
            message.reply_to or "",
        )
        await message.ack()


class DurableCaller(_Peer):
    """Waits for the confirm of what it asks, then takes the answer from its own queue."""

    def __init__(self, broker: dict[str, Any]) -> None:
        super().__init__(broker)
        self.waiting: dict[str, asyncio.Future[Any]] = {}
        self.numbers = itertools.count()

    async def open(self) -> None:
        await super().open()
        await self.channel.set_qos(prefetch_count=200)
        name = f"{ASKS}.answers"
        self.answers = await self.channel.declare_queue(name, durable=True, arguments=QUORUM)
        await self.answers.consume(self.answered)

    async def answered(self, message: AbstractIncomingMessage) -> None:
        self.waiting.pop(message.correlation_id or "").set_result(json.loads(message.body))
        await message.ack()

    async def call(self, number: int) -> Any:
        name = str(next(self.numbers))
        answer = self.waiting[name] = asyncio.get_running_loop().create_future()
        message = Message(
            json.dumps({"number": number}).encode(),
            correlation_id=name,
            reply_to=self.answers.name,
            delivery_mode=PERSISTENT,
        )
        await self.channel.default_exchange.publish(message, ASKS)
        return await answer

    async def ask(self, count: int, callers: int) -> dict[str, Any]:
        return await _timed(self.call, count, callers)


async def _timed(call: Callable[[int], Awaitable[Any]], count: int, callers: int) -> dict[str, Any]:
    numbers = iter(range(count))
    each_s: list[float] = []

    async def caller() -> None:
        for number in numbers:
            begun = time.perf_counter()
            await call(number)
            each_s.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return {"seconds": time.perf_counter() - begun, "each_s": each_s}
