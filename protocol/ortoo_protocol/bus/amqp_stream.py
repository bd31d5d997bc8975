"""The stream below a connection for calls: both of its ends are ours.

aiormq opens the connection and keeps it: greeting, channels, consumers, heartbeats, the end. What a
call consists of goes past it. It would make three objects of each delivery and hand every frame
from task to task; here what is delivered on a tapped channel is taken out of the bytes as they come
from TLS, and what is cast goes to TLS in the same turn of the event loop.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from typing import Any, Final

from aiormq.connection import TransportFactory
from yarl import URL

_FRAME: Final = struct.Struct(">BHI")  # type, channel, bytes of what follows; then an end byte
_CONTENT: Final = struct.Struct(">HHQ")  # class, weight, bytes of the body; then properties
_METHOD, _HEADER, _BODY, _HEARTBEAT = 1, 2, 3, 8
_DELIVER: Final = struct.pack(">HH", 60, 60)  # basic.deliver
_ALIVE: Final = _FRAME.pack(_HEARTBEAT, 0, 0) + b"\xce"
_ALIVE_EVERY_S: Final = 1.0
_AMQPS: Final = 5671
# What the broker may send is agreed on when the connection is opened; RabbitMQ's is 128 KiB.
MOST_FRAME_BYTES: Final = 1 << 20
Take = Callable[[str, bytes], None]


class Deliveries:
    """What is delivered on one channel, put together and given to `take`: routing key, body."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._key = ""
        self._pieces: list[bytes] = []
        self._left_bytes = -1  # -1: no delivery is on its way

    def frame(self, kind: int, payload: bytes) -> bool:
        """False: it belongs to no delivery."""
        if kind == _METHOD:
            self._pieces.clear()  # the channel may be closed in the middle of one
            self._left_bytes = -1
            if not payload.startswith(_DELIVER):
                return False
            self._key, self._left_bytes = _routing_key(payload), 0
        elif self._left_bytes < 0:
            return False
        elif kind == _HEADER:
            self._left_bytes = _CONTENT.unpack_from(payload)[2]
            self._grow(b"")
        elif kind == _BODY:
            self._grow(payload)
        return True

    def _grow(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._left_bytes -= len(piece)
        if self._left_bytes <= 0:
            body = b"".join(self._pieces)
            self._pieces.clear()
            self._left_bytes = -1
            self._take(self._key, body)


def _routing_key(deliver: bytes) -> str:
    """Behind class and method: consumer tag, delivery tag, redelivered, exchange, routing key."""
    at = 4 + 1 + deliver[4] + 8 + 1
    at += 1 + deliver[at]
    return deliver[at + 1 : at + 1 + deliver[at]].decode()


class Tap:
    """Takes deliveries of some channels out of the stream; all else flows on."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._channels: dict[int, Deliveries] = {}
        self._piece = b""  # of a frame that has not come whole
        self._foreign = False
        self._alive_at = 0.0

    def open(self, channel: int, take: Take) -> None:
        self._channels[channel] = Deliveries(take)

    def close(self, channel: int) -> None:
        self._channels.pop(channel, None)

    def passed(self, came: bytes) -> bytes:
        """What of `came` is for aiormq: whole frames. What is no AMQP is its to complain of."""
        if self._foreign:
            return came
        data = self._piece + came if self._piece else came
        passed: list[bytes] = []
        at, end, took = 0, len(data), False
        while end - at >= _FRAME.size:
            kind, channel, size = _FRAME.unpack_from(data, at)
            if kind not in (_METHOD, _HEADER, _BODY, _HEARTBEAT) or size > MOST_FRAME_BYTES:
                self._foreign, self._piece = True, b""
                return b"".join((*passed, data[at:]))
            start, at_end = at + _FRAME.size, at + _FRAME.size + size + 1
            if at_end > end:
                break
            taker = self._channels.get(channel)
            if taker is not None and taker.frame(kind, data[start : at_end - 1]):
                took = True
            else:
                passed.append(data[at:at_end])
            at = at_end
        self._piece = data[at:]
        return self._alive() if took and not passed else b"".join(passed)

    def _alive(self) -> bytes:
        """aiormq ends a connection on which no frame comes; and while much is delivered, the broker
        sends no heartbeats."""
        now = self._monotonic()
        if now - self._alive_at < _ALIVE_EVERY_S:
            return b""
        self._alive_at = now
        return _ALIVE


class CallStream(TransportFactory):
    """Opens the stream of one connection, over TLS."""

    def __init__(self) -> None:
        self.tap = Tap()
        self._writer: asyncio.StreamWriter | None = None

    async def create(
        self, url: URL, **kwargs: Any
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """As aiormq's own factory for TLS does."""
        loop = asyncio.get_running_loop()
        context = await kwargs.pop("ssl_context_provider").get_context()
        reader = asyncio.StreamReader(loop=loop)
        protocol = _Tapped(reader, loop, self.tap)
        transport, _ = await loop.create_connection(
            lambda: protocol, url.host or "", url.port or _AMQPS, ssl=context, **kwargs
        )
        self._writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        return reader, self._writer

    def write(self, frames: bytes) -> None:
        """Whole frames of a channel that aiormq has opened, and writes nothing on."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(frames)

    def unsent_bytes(self) -> int:
        if self._writer is None or self._writer.is_closing():
            return 0
        return int(self._writer.transport.get_write_buffer_size())


class _Tapped(asyncio.StreamReaderProtocol):
    def __init__(
        self, reader: asyncio.StreamReader, loop: asyncio.AbstractEventLoop, tap: Tap
    ) -> None:
        super().__init__(reader, loop=loop)
        self._tap = tap

    def data_received(self, data: bytes) -> None:
        super().data_received(self._tap.passed(data))
