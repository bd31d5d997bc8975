"""Reading one queue over AMQP: deliveries are buffered, handed out in batches, settled in runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Sequence
from typing import Final

import aiormq.abc
from aio_pika.abc import AbstractChannel

from ortoo_protocol.bus.amqp_errors import lost_is_named
from ortoo_protocol.bus.amqp_stream import Tap
from ortoo_protocol.bus.port import MOST_WAITING_BYTES, Consumer, Delivery
from ortoo_protocol.core.errors import BusLost

_CLOSE_TIMEOUT_S: Final = 5.0
_log = logging.getLogger(__name__)


class AmqpConsumer(Consumer):
    """A channel of its own, so that tags run without gaps and one slow queue holds only itself.

    aiormq runs its callback in one task per delivery and cancels them when the link drops. So the
    callback only puts into the buffer, which the prefetch bounds. With a `tap` messages are settled
    as they are delivered, and come past aiormq.
    """

    def __init__(self, queue: str, channel: AbstractChannel, tap: Tap | None) -> None:
        self._queue = queue
        self._channel = channel
        self._tap = tap
        self._buffer: deque[Delivery] = deque()
        self._unsettled: deque[int] = deque()
        self._arrived = asyncio.Event()
        self._gone: str | None = None
        self._number: int | None = None  # of a tapped channel
        self._waiting_bytes = 0
        self._dropping = False

    async def start(self, prefetch: int) -> None:
        channel = await self._channel.get_underlay_channel()
        self._channel.close_callbacks.add(self._on_closed)
        channel.on_consumer_cancel_callbacks.add(lambda _: self._end("consumer ended by broker"))
        if self._tap is not None:
            self._number = channel.number
            self._tap.open(channel.number, self._on_settled)
        else:
            await channel.basic_qos(prefetch_count=prefetch)
        no_ack = self._tap is not None
        await channel.basic_consume(self._queue, self._on_delivery, no_ack=no_ack)

    def _on_closed(self, *_: object) -> None:
        self._end("channel closed")
        self._untap()

    def _end(self, reason: str) -> None:
        self._gone = self._gone or reason
        # Unsettled messages belong to the broker again; none of them may be handed out now.
        self._buffer.clear()
        self._arrived.set()

    async def _on_delivery(self, message: aiormq.abc.DeliveredMessage) -> None:
        tag = message.delivery_tag
        if self._gone or tag is None:
            return
        self._unsettled.append(tag)
        self._buffer.append(
            Delivery(
                queue=self._queue,
                routing_key=message.routing_key or "",
                body=message.body,
                redelivered=bool(message.redelivered),
                tag=tag,
            )
        )
        self._arrived.set()

    def _on_settled(self, routing_key: str, body: bytes) -> None:
        if self._gone or not self._has_room(len(body)):
            return
        self._buffer.append(Delivery(self._queue, routing_key, body, redelivered=False, tag=0))
        self._arrived.set()

    async def receive(self, limit: int) -> list[Delivery]:
        while not self._buffer:
            self._check()
            self._arrived.clear()
            await self._arrived.wait()
        self._check()
        buffer = self._buffer
        taken = [buffer.popleft() for _ in range(min(limit, len(buffer)))]
        if self._tap is not None:
            self._waiting_bytes -= sum(len(delivery.body) for delivery in taken)
        return taken

    def _has_room(self, size_bytes: int) -> bool:
        """Whether another settled message may wait here: no prefetch bounds these."""
        if self._waiting_bytes + size_bytes > MOST_WAITING_BYTES:
            if not self._dropping:
                _log.warning("%s: more came than could be taken; some were dropped", self._queue)
            self._dropping = True
            return False
        self._dropping = False
        self._waiting_bytes += size_bytes
        return True

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        channel = await self._live()
        run, rest = self._take(deliveries)
        with lost_is_named(self._queue):
            for tag in rest:
                await channel.basic_ack(tag, wait=False)
            if run is not None:
                await channel.basic_ack(run, multiple=True)

    async def release(self, deliveries: Sequence[Delivery]) -> None:
        channel = await self._live()
        run, rest = self._take(deliveries)
        with lost_is_named(self._queue):
            if run is not None:
                await channel.basic_nack(run, multiple=True, requeue=True)
            for tag in rest:
                await channel.basic_nack(tag, requeue=True, wait=False)

    def _take(self, deliveries: Sequence[Delivery]) -> tuple[int | None, list[int]]:
        """Split tags into the oldest unsettled run (its last tag) and the ones after a gap."""
        tags = {delivery.tag for delivery in deliveries}
        run = None
        while self._unsettled and self._unsettled[0] in tags:
            run = self._unsettled.popleft()
            tags.discard(run)
        if not tags:
            return run, []
        rest = [tag for tag in self._unsettled if tag in tags]
        self._unsettled = deque(tag for tag in self._unsettled if tag not in tags)
        return run, rest

    def _check(self) -> None:
        if self._gone:
            raise BusLost(detail=f"{self._queue}: {self._gone}")

    async def _live(self) -> aiormq.abc.AbstractChannel:
        self._check()
        return await self._channel.get_underlay_channel()

    async def close(self) -> None:
        self._end("closed")
        with contextlib.suppress(BusLost), lost_is_named(self._queue):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._channel.close()
        self._untap()

    def _untap(self) -> None:
        """Not before the channel is closed: what still comes on it is nobody's."""
        if self._tap is not None and self._number is not None:
            self._tap.close(self._number)
            self._number = None
