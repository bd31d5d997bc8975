"""Messages that nobody waits for over AMQP: no confirm, nothing written down.

aiormq makes three objects and two futures of every publish and hands each to TLS by itself; here
what is sent in one turn of the event loop goes as one piece. What the broker refuses closes the
channel, and the next message opens another.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Final, cast

import pamqp.frame
from aio_pika.connection import Connection
from aiormq import Channel, spec
from aiormq.abc import ChannelFrame
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from ortoo_protocol.bus.amqp_errors import GONE, cancelled_from_outside

MOST_UNSENT_BYTES: Final = 16 << 20
FULL_S: Final = 0.005  # the connection's queue of frames is short, and soon empty again
_TRANSIENT: Final = spec.Basic.Properties(delivery_mode=1)
_log = logging.getLogger(__name__)
_Message = tuple[str, str, bytes]


class Deliveries:
    """In the place of a channel's queue of frames: what is delivered goes to `take` in the turn of
    the event loop in which it was read. All other frames go on to the channel, which would make a
    task of each delivery.
    """

    def __init__(
        self, frames: asyncio.Queue[tuple[int, object]], take: Callable[[str, bytes], None]
    ) -> None:
        self._frames = frames
        self._take = take
        self._key = ""
        self._pieces: list[bytes] = []
        self._left_bytes = -1  # -1: no delivery is on its way

    async def put(self, item: tuple[int, object]) -> None:
        _weight, frame = item
        if isinstance(frame, spec.Basic.Deliver):
            self._key, self._left_bytes = frame.routing_key or "", 0
        elif self._left_bytes < 0:
            await self._frames.put(item)
        elif isinstance(frame, ContentHeader):
            self._left_bytes = frame.body_size
            self._grow(b"")
        elif isinstance(frame, ContentBody):
            self._grow(frame.value)
        else:  # the channel is closed in the middle of a delivery
            self._left_bytes = -1
            self._pieces.clear()
            await self._frames.put(item)

    def _grow(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._left_bytes -= len(piece)
        if self._left_bytes <= 0:
            body = b"".join(self._pieces)
            self._pieces.clear()
            self._left_bytes = -1
            self._take(self._key, body)

    async def get(self) -> tuple[int, object]:
        return await self._frames.get()

    def task_done(self) -> None:
        self._frames.task_done()


class Caster:
    """One connection's channel without confirms. For the event loop only."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._channel: Channel | None = None
        self._unsent: list[_Message] = []
        self._unsent_bytes = 0
        self._sending = False
        self._opening: asyncio.Task[None] | None = None

    def cast(self, exchange: str, routing_key: str, body: bytes) -> None:
        """In an alarm, or behind a socket that takes no more, it is dropped: it would come too
        late."""
        if self._unsent_bytes + len(body) > MOST_UNSENT_BYTES or is_blocked(self._connection):
            return
        self._unsent.append((exchange, routing_key, body))
        self._unsent_bytes += len(body)
        if self._sending:
            return
        self._sending = True
        if self._channel is not None and self._channel.write_queue.empty():
            self._send()  # the first of a turn need not wait for the others
        else:
            asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        channel = self._channel
        if channel is None or channel.is_closed:
            self._opening = asyncio.create_task(self._open(), name="calls")
            return
        if channel.write_queue.full():
            asyncio.get_running_loop().call_later(FULL_S, self._send)
            return
        payload = b"".join(piece for each in self._unsent for piece in _frames(channel, each))
        channel.write_queue.put_nowait(ChannelFrame(payload, should_close=False))
        self._dropped()

    def _dropped(self) -> None:
        self._unsent.clear()
        self._unsent_bytes, self._sending = 0, False

    async def _open(self) -> None:
        try:
            channel = self._connection.channel(publisher_confirms=False)
            await channel.initialize()
            self._channel = cast(Channel, await channel.get_underlay_channel())
        except asyncio.CancelledError:
            self._dropped()
            if cancelled_from_outside():
                raise
        except GONE as gone:
            _log.info("no channel for calls: %s", gone)
            self._dropped()
        else:
            self._send()

    async def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)


def _frames(channel: Channel, message: _Message) -> list[bytes]:
    exchange, routing_key, body = message
    number, step = channel.number, channel.max_content_size
    header = ContentHeader(body_size=len(body), properties=_TRANSIENT)
    return [
        _publish(number, exchange, routing_key),
        pamqp.frame.marshal(header, number),
        *(
            pamqp.frame.marshal(ContentBody(body[at : at + step]), number)
            for at in range(0, len(body), step)
        ),
    ]


@lru_cache(maxsize=4_096)
def _publish(channel: int, exchange: str, routing_key: str) -> bytes:
    return pamqp.frame.marshal(
        spec.Basic.Publish(exchange=exchange, routing_key=routing_key), channel
    )


def is_blocked(connection: Connection) -> bool:
    """Ask aiormq's awaitable `ready()` for one step: it ends at once unless blocked."""
    transport = connection.transport
    if transport is None:
        return False
    probe = transport.ready().__await__()
    try:
        next(probe)
    except StopIteration:
        return False
    finally:
        probe.close()
    return True
