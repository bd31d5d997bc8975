"""A region with its hub and real stations' applications in one process, for supervision."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ortoo_hub import membership
from ortoo_hub.supervision.sources import SOURCES
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.supervision.methods import supervision_methods
from tests.node.kit import Node, open_node, running
from tests.support.hubs import HubKit, Running, until_true
from tests.support.stations import PASSWORD
from tests.support.trust import STATIONS


@dataclass
class Supervised:
    hub: Running
    nodes: Mapping[str, Node]

    @property
    def methods(self) -> Mapping[str, Any]:
        return supervision_methods(self.hub.hub.station, SOURCES)

    @asynccontextmanager
    async def hub_away(self) -> AsyncIterator[Station]:
        """No hub runs; what is yielded is its next process, put together and not started yet."""
        await self.hub.stop_hub()
        self.hub.hub = self.hub.kit.hub()
        await self.hub.hub.prepare(PASSWORD)
        try:
            yield self.hub.hub.station
        finally:
            self.hub.start_hub()

    async def ask(self, method: str, **params: Any) -> Any:
        """Of the hub."""
        return await self.methods[method](**params)

    async def notice(self, party: str, state: str) -> dict[str, Any]:
        """The one notice that `party` got, once it stands in `state`."""

        async def there() -> bool:
            found = (await self.nodes[party].call("notice.list", settled=True))["notices"]
            return any(one["state"] == state for one in found if one["side"] == "subject")

        await until_true(there)
        found = (await self.nodes[party].call("notice.list", settled=True))["notices"]
        return next(one for one in found if one["side"] == "subject")

    async def at_hub(self, method: str, state: str) -> dict[str, Any]:
        """The first of a list at the hub that stands in `state`."""
        key = {"notice.list": "notices", "report.list": "submissions"}[method]
        more = {"settled": True} if method == "notice.list" else {}

        async def there() -> bool:
            return any(one["state"] == state for one in (await self.ask(method, **more))[key])

        await until_true(there)
        listed = (await self.ask(method, **more))[key]
        return next(one for one in listed if one["state"] == state)


@asynccontextmanager
async def supervised(
    folder: Path, parties: tuple[str, ...] = STATIONS
) -> AsyncIterator[Supervised]:
    kit = HubKit(folder)
    nodes = {party: open_node(kit, party) for party in parties}

    def users(tx: Tx) -> None:
        for party in parties:
            membership.keep_user(tx, party, PASSWORD)

    hub = kit.hub()
    await hub.station.write(users)
    async with kit.hub_running(hub) as at_work, running(kit, *nodes.values()):
        yield Supervised(at_work, nodes)
