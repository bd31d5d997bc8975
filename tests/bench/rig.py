"""What every bench stands on: a private TLS broker, programmed as a hub does it, and processes."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from ortoo_demo.private_broker import PrivateBroker
from ortoo_hub.broker import ManagementAddress, ManagementBrokerAdmin
from ortoo_protocol.core import topology
from ortoo_protocol.core.ids import feed_id
from tests.bench.children import Child, child
from tests.bench.measuring import Machine
from tests.support.trust import HUB, NOW_MS

PASSWORD = "a password of the bench"
SENDER, READER = "s150700", "s150200"
PAIR = (SENDER, READER)


@dataclass
class Rig:
    """`short`: tiny sizes that show that everything runs; `rounds`: repetitions of each figure."""

    folder: Path
    broker: PrivateBroker
    short: bool = False
    rounds: int = 3
    profile: Path | None = None
    machine: Machine = field(default_factory=Machine)

    def size(self, full: int, short: int) -> int:
        return short if self.short else full

    def child(self, name: str, role: str, /, **args: Any) -> AbstractAsyncContextManager[Child]:
        return child(self.folder, name, role, profile=self.profile, **args)

    def beam(self) -> psutil.Process:
        """The broker itself."""
        for each in psutil.Process().children(recursive=True):
            if each.name().startswith("beam"):
                return each
        raise LookupError("the broker does not run")

    def broker_cpu_s(self) -> float:
        return float(sum(self.beam().cpu_times()[:2]))

    def broker_written(self) -> int:
        """Bytes the broker has written to disk."""
        return int(self.beam().io_counters().write_bytes)

    @asynccontextmanager
    async def plane(
        self,
        name: str,
        *,
        feeds: Collection[tuple[str, str]] = (),
        parties: Sequence[str] = PAIR,
    ) -> AsyncIterator[Plane]:
        """A virtual host with everything that a hub puts on the broker: for each of `parties` its
        queues and rights, direct ways from the first one to all others and back, and the queue of
        each (feed, reader)."""
        broker, vhost = self.broker, f"bench/{name}"
        api = httpx.AsyncClient(
            base_url=f"https://{broker.host}:{broker.management_port}/api/",
            auth=(broker.admin_user, broker.admin_password),
            verify=ssl.create_default_context(cafile=broker.ca_file),
            trust_env=False,
            timeout=60,
        )
        path = vhost.replace("/", "%2F")
        address = ManagementAddress(
            host=broker.host,
            port=broker.management_port,
            vhost=vhost,
            user=broker.admin_user,
            password=broker.admin_password,
            ca_file=broker.ca_file,
            timeout_s=60,
        )
        async with api:
            everything = {"configure": ".*", "write": ".*", "read": ".*"}
            (await api.put(f"vhosts/{path}")).raise_for_status()
            rights = await api.put(f"permissions/{path}/{broker.admin_user}", json=everything)
            rights.raise_for_status()
            try:
                async with ManagementBrokerAdmin(address) as admin:
                    for change in topology.plan(_wanted(parties, feeds), await admin.read()):
                        await admin.apply(change)
                yield Plane(self, vhost, tuple(parties))
            finally:
                await api.delete(f"vhosts/{path}")


def _wanted(parties: Sequence[str], feeds: Collection[tuple[str, str]]) -> topology.Topology:
    hashed = topology.rabbit_password_hash(PASSWORD, b"salt")
    first, *others = parties
    direct = [(first, other) for other in others] + [(other, first) for other in others]
    region = [(feed_id(HUB, feed), party) for party in parties for feed in ("directory", "catalog")]
    return topology.wanted(
        HUB,
        [topology.Member(party, hashed) for party in (HUB, *parties)],
        [topology.DirectRoute(*pair) for pair in direct],
        [topology.FeedRoute(*pair) for pair in (*region, *feeds)],
    )


@dataclass
class Plane:
    rig: Rig
    vhost: str
    parties: tuple[str, ...]
    # The region of the tests has its own time; all processes shift theirs alike.
    offset_ms: int = field(default_factory=lambda: NOW_MS - time.time_ns() // 1_000_000)

    def station(
        self, party: str, *, role: str = "station:StationRole", **args: Any
    ) -> AbstractAsyncContextManager[Child]:
        """A station as a process of its own, with a fresh store."""
        return self.rig.child(
            party,
            role,
            folder=str(self.rig.folder / party),
            party=party,
            parties=self.parties,
            offset_ms=self.offset_ms,
            broker={**self.login(), "user": party, "password": PASSWORD},
            **args,
        )

    def login(self) -> dict[str, Any]:
        """How a peer comes to the same broker: TLS, with an account that may declare queues."""
        broker = self.rig.broker
        return {
            "host": broker.host,
            "port": broker.amqps_port,
            "vhost": self.vhost,
            "user": broker.admin_user,
            "password": broker.admin_password,
            "ca_file": str(broker.ca_file),
        }
