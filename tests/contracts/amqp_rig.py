"""The contract's rig over a real broker: a virtual host per test, reached through a TCP proxy."""

from __future__ import annotations

import asyncio
import itertools
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Final

import aio_pika
import httpx
from aiormq.exceptions import ChannelAccessRefused

from ortoo_demo.private_broker import PrivateBroker
from ortoo_hub.broker import ManagementAddress, ManagementBrokerAdmin
from ortoo_protocol.bus.amqp import AmqpAddress, AmqpBus
from ortoo_protocol.bus.port import Bus
from ortoo_protocol.core.errors import BusForbidden
from tests.contracts.bus_rig import MEMBERS, BusRig, password_of, until
from tests.support.tcp_proxy import TcpProxy

_CONTROL: Final = "/usr/lib/rabbitmq/bin/rabbitmqctl"
_VHOSTS = itertools.count(1)


class AmqpRig(BusRig):
    def __init__(self, broker: PrivateBroker, proxy: TcpProxy, api: httpx.AsyncClient) -> None:
        self.broker = broker
        self.proxy = proxy
        self.vhost = f"contract/{next(_VHOSTS)}"
        self._api = api
        self.management = ManagementAddress(
            host=broker.host,
            port=broker.management_port,
            vhost=self.vhost,
            user=broker.admin_user,
            password=broker.admin_password,
            ca_file=broker.ca_file,
        )

    def address(self, party: str, password: str | None = None) -> AmqpAddress:
        return AmqpAddress(
            host=self.proxy.host,
            port=self.proxy.port,
            vhost=self.vhost,
            user=party,
            password=password or password_of(party),
            ca_file=self.broker.ca_file,
        )

    def bus(self, party: str, password: str | None = None) -> Bus:
        return AmqpBus(self.address(party, password))

    def direct_bus(self, party: str) -> Bus:
        """Around the proxy."""
        address = self.address(party)
        return AmqpBus(replace(address, host=self.broker.host, port=self.broker.amqps_port))

    async def cut(self) -> None:
        self.proxy.cut()

    async def restart(self) -> None:
        """As after a power cut: what was confirmed is on disk."""
        await asyncio.to_thread(self.broker.kill)
        await asyncio.to_thread(self.broker.start)
        await asyncio.to_thread(self.broker.wait_ready)

    async def create(self) -> None:
        await self._call("PUT", self._vhost_path())
        rights = {"configure": ".*", "write": ".*", "read": ".*"}
        path = f"permissions/{self._quoted_vhost()}/{self.broker.admin_user}"
        await self._call("PUT", path, rights)

    async def remove(self) -> None:
        for member in MEMBERS:
            await self._call("DELETE", f"users/{member.party}")
        await self._call("DELETE", self._vhost_path())

    async def empty(self) -> None:
        await self.remove()
        await self.create()

    async def alarm(self, raised: bool) -> None:
        mark = ["0.0000001"] if raised else ["absolute", "512MB"]
        await asyncio.to_thread(
            subprocess.run,
            [_CONTROL, "set_vm_memory_high_watermark", *mark],
            env=self.broker._environment(),
            check=True,
            capture_output=True,
        )

        async def seen() -> bool:
            answer = await self._api.get("health/checks/alarms")
            return (answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE) is raised

        await until(seen)

    async def declare(self, party: str, queue: str) -> None:
        async with self._raw_channel(party) as channel:
            await channel.declare_queue(queue, durable=True)

    async def bind(self, party: str, queue: str, exchange: str, key: str) -> None:
        async with self._raw_channel(party) as channel:
            unchecked = await channel.get_queue(queue, ensure=False)
            await unchecked.bind(exchange, key)

    @asynccontextmanager
    async def _raw_channel(self, party: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
        connection = await aio_pika.connect(
            host=self.broker.host,
            port=self.broker.amqps_port,
            login=party,
            password=password_of(party),
            virtualhost=self.vhost,
            ssl=True,
            ssl_context=ssl.create_default_context(cafile=self.broker.ca_file),
        )
        async with connection:
            try:
                yield await connection.channel()
            except ChannelAccessRefused as refusal:
                raise BusForbidden(user=party, action="that", detail=str(refusal)) from refusal

    def _vhost_path(self) -> str:
        return f"vhosts/{self._quoted_vhost()}"

    def _quoted_vhost(self) -> str:
        return self.vhost.replace("/", "%2F")

    async def _call(self, method: str, path: str, body: object = None) -> None:
        answer = await self._api.request(method, path, json=body)
        assert answer.is_success or answer.status_code == HTTPStatus.NOT_FOUND, answer.text


@asynccontextmanager
async def amqp_rig(broker: PrivateBroker) -> AsyncIterator[AmqpRig]:
    """A rig with an admin in a virtual host of its own, which goes with it."""
    api = httpx.AsyncClient(
        base_url=f"https://{broker.host}:{broker.management_port}/api/",
        auth=(broker.admin_user, broker.admin_password),
        verify=ssl.create_default_context(cafile=broker.ca_file),
        trust_env=False,
        timeout=30,
    )
    async with api, TcpProxy(broker.host, broker.amqps_port) as proxy:
        rig = AmqpRig(broker, proxy, api)
        await rig.create()
        try:
            async with ManagementBrokerAdmin(rig.management) as admin:
                rig.admin = admin
                yield rig
        finally:
            await rig.remove()
