"""The bus over AMQP 0-9-1 with TLS (RabbitMQ 3.10 to 4.x).

One link is four connections: a broker alarm stops a connection that publishes, acknowledgements
included, and large frames delay whatever shares their connection. Calls have one of their own both
ways: they need no acknowledgement, and what waits for them is a person.

aio-pika's plain connection is used, under the station's own supervisor. The robust one declares
anew what it remembers, which locked permissions refuse, and which would revive removed bindings.
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from aio_pika.abc import AbstractChannel, ConnectionParameter
from aio_pika.connection import Connection, make_url
from aiormq import Channel, spec
from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelNotFoundEntity,
    ConnectionClosed,
    DeliveryError,
)

from ortoo_protocol.bus.amqp_calls import Caster, is_blocked
from ortoo_protocol.bus.amqp_consumer import AmqpConsumer
from ortoo_protocol.bus.amqp_errors import (
    GONE,
    cancelled_from_outside,
    connect_error,
    is_about,
    lost_is_named,
)
from ortoo_protocol.bus.amqp_stream import CallStream, Tap
from ortoo_protocol.bus.port import Bus, Link, Outcome
from ortoo_protocol.core.errors import (
    BusError,
    BusForbidden,
    BusMissing,
    BusPlane,
    BusTlsAuthority,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.topology import BULK, plane_of_broker

# A peer that fell silent cannot take part in TLS's goodbye; asyncio would wait 30 s for it.
TLS_GOODBYE_S: Final = 2.0
CLOSE_TIMEOUT_S: Final = 5.0
# Waiting for the socket at each publish costs half as much CPU again (203 against 139 µs at 1 KiB);
# never waiting has no bound on memory.
UNDRAINED_LIMIT_BYTES: Final = 64 * 1024
TRANSIENT: Final = 1
PERSISTENT: Final = 2


@dataclass(frozen=True)
class AmqpAddress:
    """Where the plane's broker is and who comes. `ca_file` is the only authority trusted."""

    host: str
    port: int
    vhost: str
    user: str
    password: str = field(repr=False)
    ca_file: Path
    heartbeat_s: int = 10
    connect_timeout_s: float = 10.0
    plane: Plane | None = None  # a broker that is named for another one is refused

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class AmqpBus(Bus):
    """`others`: further nodes of the same broker; one that cannot be reached is passed over."""

    def __init__(self, address: AmqpAddress, *others: AmqpAddress) -> None:
        self._addresses = (address, *others)
        self._at = 0  # of the one that answered last

    async def connect(self) -> Link:
        """Raises BusPlane of the first that is of another plane, else what the node said that was
        asked first."""
        count, began = len(self._addresses), self._at
        first: BusError | None = None
        for number in range(began, began + count):
            try:
                link = await _connect(self._addresses[number % count])
            except BusPlane:
                raise
            except BusError as error:
                first = first or error
            else:
                self._at = number % count
                return link
        raise first or BusError(detail="it has no address")


async def _connect(address: AmqpAddress) -> AmqpLink:
    context = _tls_context(address)
    opened: list[Connection] = []
    stream = CallStream()
    try:
        async with asyncio.timeout(address.connect_timeout_s):
            for purpose in ("publish", "consume", "bulk", "calls"):
                factory = stream if purpose == "calls" else None
                opened.append(await _open(address, context, purpose, factory))
                _check_plane(address, opened[0])
    except BaseException as failure:
        await _close_all(opened)
        if cancelled_from_outside():
            raise
        named = connect_error(
            failure, address, address.user, address.vhost, address.connect_timeout_s
        )
        if named is None:
            raise
        raise named from failure
    return AmqpLink(address, stream, *opened)


def _tls_context(address: AmqpAddress) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(address.ca_file))
    except OSError as unreadable:
        detail = f"{address.ca_file}: {unreadable.strerror or unreadable}"
        raise BusTlsAuthority(address=address, detail=detail) from unreadable


def _check_plane(address: AmqpAddress, connection: Connection) -> None:
    """Whoever holds accounts on both planes must not take the letters of one for the other's."""
    transport = connection.transport
    told = {} if transport is None else transport.connection.server_properties
    found = plane_of_broker(str(told.get("cluster_name", "")))
    if address.plane is not None and found is not None and found is not address.plane:
        raise BusPlane(address=address, found=found.value, plane=address.plane.value)


class _Connection(Connection):
    PARAMETERS = (
        *Connection.PARAMETERS,
        ConnectionParameter("ssl_shutdown_timeout", parser=float, is_kwarg=True),
    )


async def _open(
    address: AmqpAddress, context: ssl.SSLContext, purpose: str, stream: CallStream | None
) -> Connection:
    url = make_url(
        host=address.host,
        port=address.port,
        login=address.user,
        password=address.password,
        virtualhost=address.vhost,
        ssl=True,
        heartbeat=address.heartbeat_s,
    )
    connection = _Connection(
        url,
        ssl_context=context,
        client_properties={"connection_name": f"{address.user} {purpose}"},
        ssl_shutdown_timeout=TLS_GOODBYE_S,
    )
    connection.kwargs["transport_factory"] = stream
    try:
        await connection.connect()
    except BaseException:
        await connection.close()
        raise
    return connection


class AmqpLink(Link):
    def __init__(
        self,
        address: AmqpAddress,
        stream: CallStream,
        publish: Connection,
        consume: Connection,
        bulk: Connection,
        calls: Connection,
    ) -> None:
        self._address = address
        self._connections = (publish, consume, bulk, calls)
        self._tap = stream.tap
        self._caster = Caster(calls, stream)
        self._publisher = _Publisher(publish, address.user)
        self._bulk_publisher = _Publisher(bulk, address.user)
        self._lost = asyncio.Event()
        for connection in self._connections:
            # Connection.is_closed stays False when the broker closes; this callback does not lie.
            connection.close_callbacks.add(lambda *_: self._lost.set())

    async def publish(
        self, exchange: str, routing_key: str, body: bytes, *, mandatory: bool, timeout_s: float
    ) -> Outcome:
        if self._lost.is_set():
            return Outcome.UNKNOWN
        publisher = self._bulk_publisher if exchange == BULK else self._publisher
        try:
            async with asyncio.timeout(timeout_s):
                return await publisher.publish(exchange, routing_key, body, mandatory)
        except asyncio.CancelledError:
            if cancelled_from_outside():
                raise
            return Outcome.UNKNOWN
        except GONE:
            return Outcome.UNKNOWN

    def cast(self, exchange: str, routing_key: str, body: bytes) -> None:
        if not self._lost.is_set():
            self._caster.cast(exchange, routing_key, body)

    async def consume(self, queue: str, *, prefetch: int, settled: bool = False) -> AmqpConsumer:
        _, consuming, bulk, calls = self._connections
        connection = bulk if queue.startswith(f"{BULK}.") else consuming
        tap = None
        if settled:
            connection, tap = calls, self._tap
        with lost_is_named(queue):
            try:
                async with asyncio.timeout(self._address.connect_timeout_s):
                    return await _consume(connection, queue, prefetch, tap)
            except ChannelAccessRefused as refusal:
                user, action = self._address.user, f"to read {queue}"
                raise BusForbidden(user=user, action=action, detail=str(refusal)) from refusal
            except ChannelNotFoundEntity as missing:
                raise BusMissing(queue=queue) from missing

    def blocked(self) -> bool:
        if self._lost.is_set():
            return False
        publish, _, bulk, _ = self._connections
        return is_blocked(publish) or is_blocked(bulk)

    async def wait_lost(self) -> None:
        await self._lost.wait()

    async def close(self) -> None:
        self._lost.set()
        await self._caster.close()
        await _close_all(self._connections)


class _Publisher:
    """One connection's channel in confirm mode, opened anew after a refusal closed it."""

    def __init__(self, connection: Connection, user: str) -> None:
        self._connection = connection
        self._user = user
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self._attempts = itertools.count(1)
        self._undrained_bytes = 0

    async def publish(
        self, exchange: str, routing_key: str, body: bytes, mandatory: bool
    ) -> Outcome:
        await self._ready()
        channel = await self._open_channel()
        self._undrained_bytes += len(body)
        drain = self._undrained_bytes >= UNDRAINED_LIMIT_BYTES
        if drain:
            self._undrained_bytes = 0
        # aiormq finds the publish that a return belongs to by its message id: each attempt has
        # its own. The id that means something to people stands in the envelope.
        # What goes by bulk is asked for again when it is lost: the broker need not write it down.
        mode = TRANSIENT if exchange == BULK else PERSISTENT
        attempt = f"{next(self._attempts):x}"
        properties = spec.Basic.Properties(delivery_mode=mode, message_id=attempt)
        try:
            answer = await channel.basic_publish(
                body,
                exchange=exchange,
                routing_key=routing_key,
                properties=properties,
                mandatory=mandatory,
                wait=drain,
            )
        except DeliveryError:
            return Outcome.REFUSED
        except ChannelNotFoundEntity as missing:
            return Outcome.UNROUTABLE if f"'{exchange}'" in str(missing) else Outcome.UNKNOWN
        except ChannelAccessRefused as refusal:
            # The broker closes the channel for one publish; the others in flight are innocent.
            if not is_about(str(refusal), exchange, routing_key):
                return Outcome.UNKNOWN
            action = f"to publish {routing_key} on {exchange}"
            raise BusForbidden(user=self._user, action=action, detail=str(refusal)) from refusal
        return Outcome.CONFIRMED if isinstance(answer, spec.Basic.Ack) else Outcome.UNROUTABLE

    async def _ready(self) -> None:
        transport = self._connection.transport
        if transport is None:
            raise ConnectionClosed(0, "closed")
        await transport.ready()

    async def _open_channel(self) -> Channel:
        channel = self._channel
        if channel is None or channel.is_closed:
            async with self._opening:
                channel = self._channel
                if channel is None or channel.is_closed:
                    channel = self._connection.channel()
                    await channel.initialize()
                    self._channel = channel
        return cast(Channel, await channel.get_underlay_channel())


async def _consume(
    connection: Connection, queue: str, prefetch: int, tap: Tap | None
) -> AmqpConsumer:
    channel = connection.channel(publisher_confirms=False)
    await channel.initialize()
    consumer = AmqpConsumer(queue, channel, tap)
    await consumer.start(prefetch)
    return consumer


async def _close_all(connections: Iterable[Connection]) -> None:
    async def close(connection: Connection) -> None:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await connection.close()

    # return_exceptions: a connection that cannot say goodbye is closed all the same.
    await asyncio.gather(*(close(c) for c in connections), return_exceptions=True)
