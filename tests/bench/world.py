"""One private TLS broker with the queues and rights of two stations, as the hub would set them."""

from __future__ import annotations

import asyncio
import json
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aio_pika

from ortoo_demo.pki import DemoAuthority
from ortoo_demo.private_broker import PrivateBroker
from ortoo_hub.broker import ManagementAddress, ManagementBrokerAdmin, rabbit_password_hash
from ortoo_protocol.bus.amqp import AmqpAddress
from ortoo_protocol.core import topology
from tests.support.stations import PASSWORD
from tests.support.trust import HUB

A, B = "s150700", "s150200"
FEED = f"{A}.bench"
EVENTS = f"{A}.bench-events"


@dataclass(frozen=True)
class Place:
    """Where the broker is, as the processes of a bench are told."""

    host: str
    port: int
    management_port: int
    admin: str
    admin_password: str
    ca_file: str

    def address(self, party: str) -> AmqpAddress:
        return AmqpAddress(
            host=self.host,
            port=self.port,
            vhost="/",
            user=party,
            password=PASSWORD,
            ca_file=Path(self.ca_file),
        )

    async def connect(self) -> aio_pika.abc.AbstractConnection:
        """For the peers: plain aio-pika on the same broker, TLS and all."""
        return await aio_pika.connect(
            host=self.host,
            port=self.port,
            login=self.admin,
            password=self.admin_password,
            ssl=True,
            ssl_context=ssl.create_default_context(cafile=self.ca_file),
        )

    @property
    def url(self) -> str:
        return f"amqps://{self.admin}:{self.admin_password}@{self.host}:{self.port}/"

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Place:
        return cls(**json.loads(text))


@dataclass
class World:
    folder: Path
    broker: PrivateBroker
    place: Place
    readers: list[str] = field(default_factory=lambda: [B])

    def program(self, feeds: list[str] | None = None, bounds: Any = None) -> None:
        """What the hub does: members, direct letters both ways, a queue for each reader."""
        hashed = rabbit_password_hash(PASSWORD, b"salt")
        wanted = topology.wanted(
            HUB,
            [topology.Member(party, hashed) for party in (HUB, A, B)],
            [topology.DirectRoute(A, B), topology.DirectRoute(B, A)],
            [topology.FeedRoute(feed, B) for feed in feeds or (FEED, EVENTS)],
        )
        asyncio.run(self._apply(wanted))

    async def _apply(self, wanted: topology.Topology) -> None:
        address = ManagementAddress(
            host=self.place.host,
            port=self.place.management_port,
            vhost="/",
            user=self.place.admin,
            password=self.place.admin_password,
            ca_file=Path(self.place.ca_file),
        )
        async with ManagementBrokerAdmin(address) as admin:
            for change in topology.plan(wanted, await admin.read()):
                await admin.apply(change)


@contextmanager
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="ortoo-bench-") as name:
        folder = Path(name)
        authority = DemoAuthority.create(folder / "pki", "Ortoo bench authority")
        with PrivateBroker(folder / "broker", "bench", authority) as broker:
            place = Place(
                broker.host,
                broker.amqps_port,
                broker.management_port,
                broker.admin_user,
                broker.admin_password,
                str(broker.ca_file),
            )
            made = World(folder, broker, place)
            made.program()
            yield made
