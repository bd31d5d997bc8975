"""The bus over AMQP keeps the contract of the bus, on a real broker with TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ortoo_demo.pki import DemoAuthority
from ortoo_demo.private_broker import PrivateBroker
from ortoo_protocol.bus.amqp import AmqpAddress, AmqpBus
from ortoo_protocol.bus.port import Outcome
from ortoo_protocol.core.errors import (
    BusLost,
    BusTlsAuthority,
    BusTlsHostname,
    BusTlsRefused,
    BusUnreachable,
)
from ortoo_protocol.core.topology import inbox_queue
from tests.contracts.amqp_rig import AmqpRig, amqp_rig
from tests.contracts.bus_contract import BusContract, Connect, connect, send
from tests.contracts.bus_rig import A, B, lost, take, topology
from tests.support.tcp_proxy import TcpProxy

__all__ = ["connect"]

IMPATIENCE_S = 0.5


@pytest.fixture
async def rig(own_broker: PrivateBroker) -> AsyncIterator[AmqpRig]:
    async with amqp_rig(own_broker) as rig:
        yield rig


class TestAmqpBus(BusContract):
    pass


async def test_confirms_pipeline(rig: AmqpRig, connect: Connect) -> None:
    """With every reply held back, the second publish does not wait for the first one's."""
    await rig.program(topology())
    sender = await connect(A)
    reader = await rig.direct_bus(B).connect()
    consumer = await reader.consume(inbox_queue(B), prefetch=100)
    assert await send(sender, b"opens the channel") is Outcome.CONFIRMED
    rig.proxy.hold_replies()
    publishes = [asyncio.create_task(send(sender, b"x" * 4096)) for _ in range(50)]
    assert len(await take(consumer, 51)) == 51
    assert not any(publish.done() for publish in publishes)
    rig.proxy.thaw()
    assert set(await asyncio.gather(*publishes)) == {Outcome.CONFIRMED}
    await reader.close()


async def test_a_peer_that_falls_silent_is_noticed_by_heartbeat(rig: AmqpRig) -> None:
    """aiormq shows this one as a CancelledError that nobody asked for."""
    await rig.program(topology())
    link = await AmqpBus(replace(rig.address(A), heartbeat_s=1)).connect()
    consumer = await link.consume(inbox_queue(A), prefetch=1)
    receiving = asyncio.create_task(consumer.receive(1))
    assert await send(link, b"opens the channel") is Outcome.CONFIRMED
    rig.proxy.freeze()
    publishing = asyncio.create_task(send(link, b"into the dark"))
    await lost(link)
    assert await publishing is Outcome.UNKNOWN
    with pytest.raises(BusLost):
        await receiving
    await link.close()


async def test_a_broker_that_is_not_there(rig: AmqpRig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(BusUnreachable):
        await AmqpBus(replace(rig.address(A), port=port)).connect()


@pytest.fixture
def strangers(tmp_path: Path) -> DemoAuthority:
    return DemoAuthority.create(tmp_path / "strangers", "Another authority")


async def test_another_authority(rig: AmqpRig, strangers: DemoAuthority) -> None:
    with pytest.raises(BusTlsAuthority):
        await AmqpBus(replace(rig.address(A), ca_file=strangers.ca_file)).connect()


async def test_no_authority_at_all(rig: AmqpRig, tmp_path: Path) -> None:
    for ca_file in (tmp_path / "nothing.pem", tmp_path):
        with pytest.raises(BusTlsAuthority, match=str(ca_file)):
            await AmqpBus(replace(rig.address(A), ca_file=ca_file)).connect()


async def test_another_host_name(rig: AmqpRig) -> None:
    broker = rig.broker
    async with TcpProxy(broker.host, broker.amqps_port, host="127.0.0.2") as proxy:
        address = replace(rig.address(A), host=proxy.host, port=proxy.port)
        with pytest.raises(BusTlsHostname):
            await AmqpBus(address).connect()


async def test_a_node_that_is_away_is_passed_over(rig: AmqpRig) -> None:
    """Both ways round: the second answers for the first, then the first for the second."""
    await rig.program(topology())
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        away = replace(rig.address(A), port=unused.getsockname()[1])
    broker = rig.broker
    there = replace(rig.address(A), host=broker.host, port=broker.amqps_port)
    for bus in (AmqpBus(away, there), AmqpBus(there, away), AmqpBus(away, away, there)):
        link = await bus.connect()
        await link.close()
        again = await bus.connect()  # it begins with the one that answered
        await again.close()
    with pytest.raises(BusUnreachable, match=str(away)):
        await AmqpBus(away, away).connect()


async def test_a_link_that_is_lost_comes_back_by_another_node(rig: AmqpRig) -> None:
    await rig.program(topology())
    first, broker = rig.address(A), rig.broker
    second = replace(first, host=broker.host, port=broker.amqps_port)
    bus = AmqpBus(first, second)
    link = await bus.connect()
    await rig.proxy.__aexit__(None, None, None)
    await asyncio.wait_for(link.wait_lost(), 20)
    other = await bus.connect()
    assert await send(other, b"by the second") is Outcome.CONFIRMED
    await other.close()
    await link.close()


@asynccontextmanager
async def peer(answer: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that says `answer` and nothing more; yields its port."""
    ended = asyncio.Event()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await ended.wait()
        writer.transport.abort()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
        ended.set()


def impatient(rig: AmqpRig, port: int) -> AmqpBus:
    address: AmqpAddress = replace(rig.address(A), port=port, connect_timeout_s=IMPATIENCE_S)
    return AmqpBus(address)


async def test_a_peer_that_speaks_no_tls(rig: AmqpRig) -> None:
    async with peer(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        with pytest.raises(BusTlsRefused):
            await impatient(rig, port).connect()


@pytest.fixture
def server_context(own_broker: PrivateBroker, broker_authority: DemoAuthority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*broker_authority.issue_server("silent"))
    return context


async def test_a_silent_peer_does_not_hang(rig: AmqpRig, server_context: ssl.SSLContext) -> None:
    async with asyncio.timeout(10):
        for context in (None, server_context):
            async with peer(b"", context) as port:
                with pytest.raises(BusUnreachable):
                    await impatient(rig, port).connect()


async def test_a_peer_that_talks_nonsense(rig: AmqpRig, server_context: ssl.SSLContext) -> None:
    for nonsense in (b"AMQP\x00\x01\x00\x00", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x01" * 8):
        async with peer(nonsense, server_context) as port:
            with pytest.raises(BusUnreachable):
                await impatient(rig, port).connect()


async def test_connecting_can_be_cancelled(rig: AmqpRig, server_context: ssl.SSLContext) -> None:
    async with peer(b"", server_context) as port:
        connecting = asyncio.create_task(impatient(rig, port).connect())
        await asyncio.sleep(0)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting


async def test_the_password_is_in_no_repr(rig: AmqpRig) -> None:
    address = replace(rig.address(A), password="hunter2")
    assert "hunter2" not in f"{address!r} {address}"
