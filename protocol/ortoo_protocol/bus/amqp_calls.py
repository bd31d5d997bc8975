"""Messages that nobody waits for over AMQP: no confirm, nothing written down.

aiormq makes three objects and two futures of every publish and hands each to a task of its own.
Here the first message of a turn of the event loop goes to TLS at once (amqp_stream.py), and those
that follow it in that turn go as one piece. What the broker refuses closes the channel, and the
next message opens another.
"""

from __future__ import annotations

import asyncio
import logging
from functools import lru_cache
from typing import Final, cast

import pamqp.frame
from aio_pika.connection import Connection
from aiormq import Channel, spec
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from ortoo_protocol.bus.amqp_errors import GONE, cancelled_from_outside
from ortoo_protocol.bus.amqp_stream import CallStream

MOST_UNSENT_BYTES: Final = 16 << 20
_TRANSIENT: Final = spec.Basic.Properties(delivery_mode=1)
_log = logging.getLogger(__name__)
_Message = tuple[str, str, bytes]


class Caster:
    """One connection's channel without confirms. For the event loop only."""

    def __init__(self, connection: Connection, stream: CallStream) -> None:
        self._connection = connection
        self._stream = stream
        self._channel: Channel | None = None
        self._unsent: list[_Message] = []
        self._unsent_bytes = 0
        self._turning = False
        self._opening: asyncio.Task[None] | None = None

    def cast(self, exchange: str, routing_key: str, body: bytes) -> None:
        """In an alarm, or behind a socket that takes no more, it is dropped: it would come too
        late."""
        unsent_bytes = self._unsent_bytes + self._stream.unsent_bytes() + len(body)
        if unsent_bytes > MOST_UNSENT_BYTES or is_blocked(self._connection):
            return
        self._unsent.append((exchange, routing_key, body))
        self._unsent_bytes += len(body)
        if self._turning or self._is_opening():
            return
        self._send()  # the first of a turn need not wait for the others
        self._turning = True
        asyncio.get_running_loop().call_soon(self._turned)

    def _turned(self) -> None:
        self._turning = False
        if self._unsent and not self._is_opening():
            self._send()

    def _is_opening(self) -> bool:
        return self._opening is not None and not self._opening.done()

    def _send(self) -> None:
        channel = self._channel
        if channel is None or channel.is_closed:
            self._opening = asyncio.create_task(self._open(), name="calls")
            return
        pieces = [piece for each in self._unsent for piece in _frames(channel, each)]
        self._dropped()
        self._stream.write(b"".join(pieces))

    def _dropped(self) -> None:
        self._unsent.clear()
        self._unsent_bytes = 0

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
