"""The BrokerAdmin over RabbitMQ's management API keeps the contract, on a real broker with TLS."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from ortoo_demo.pki import DemoAuthority
from ortoo_demo.private_broker import PrivateBroker
from ortoo_hub.broker import ManagementAddress, ManagementBrokerAdmin
from ortoo_protocol.core.errors import (
    BrokerAdminError,
    BrokerAdminLogin,
    BrokerAdminRefused,
    BrokerAdminTls,
    BrokerAdminUnreachable,
)
from ortoo_protocol.core.topology import Binding, Change, Verb
from tests.contracts.admin_contract import AdminContract
from tests.contracts.amqp_rig import AmqpRig, amqp_rig
from tests.contracts.bus_rig import A, password_of, topology
from tests.support.tcp_proxy import TcpProxy


@pytest.fixture
async def rig(broker: PrivateBroker) -> AsyncIterator[AmqpRig]:
    async with amqp_rig(broker) as rig:
        yield rig


class TestManagementAdmin(AdminContract):
    pass


async def read_fails(address: ManagementAddress, kind: type[BrokerAdminError]) -> None:
    with pytest.raises(kind) as failure:
        async with ManagementBrokerAdmin(address) as admin:
            await admin.read()
    assert address.password not in str(failure.value)


async def test_wrong_password_and_no_administrator(rig: AmqpRig) -> None:
    await rig.program(topology())
    await read_fails(replace(rig.management, password="guess"), BrokerAdminLogin)
    station = replace(rig.management, user=A, password=password_of(A))
    await read_fails(station, BrokerAdminLogin)


async def test_nobody_there(rig: AmqpRig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    await read_fails(replace(rig.management, port=port), BrokerAdminUnreachable)


async def test_silence(rig: AmqpRig) -> None:
    management = rig.management
    async with TcpProxy(management.host, management.port) as proxy:
        proxy.freeze()
        silent = replace(management, port=proxy.port, timeout_s=0.3)
        await read_fails(silent, BrokerAdminUnreachable)


async def test_another_authority_or_name(rig: AmqpRig, tmp_path: Path) -> None:
    strangers = DemoAuthority.create(tmp_path / "strangers", "Another authority")
    management = rig.management
    await read_fails(replace(management, ca_file=strangers.ca_file), BrokerAdminTls)
    await read_fails(replace(management, ca_file=tmp_path / "nothing.pem"), BrokerAdminTls)
    async with TcpProxy(management.host, management.port, host="127.0.0.2") as proxy:
        elsewhere = replace(management, host=proxy.host, port=proxy.port)
        await read_fails(elsewhere, BrokerAdminTls)


async def test_what_the_broker_will_not_do_is_told(rig: AmqpRig) -> None:
    with pytest.raises(BrokerAdminRefused, match="404"):
        await rig.admin.apply(Change(Verb.PUT, Binding("no-exchange", "no-queue", "#")))
