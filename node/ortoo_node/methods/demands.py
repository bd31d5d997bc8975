"""demand.*: data that no catalog has yet; its rows are those of catalog.lists demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from ortoo_node import demands
from ortoo_node.app import NodeApp
from ortoo_node.catalog import lists
from ortoo_node.store.tables import catalog_lists
from ortoo_protocol.core.catalog.lists import DEMAND, ListEntry
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.demands import MOVES, Event, State
from ortoo_protocol.core.errors import DemandUnknown
from ortoo_protocol.station import paging
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.demands import history, standing
from ortoo_protocol.station.demands import rows as of_lists


@dataclass
class DemandMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "demand.ask": self.ask,
            "demand.list": self.listed,
            "demand.show": self.show,
            "demand.assign": self.assign,
            "demand.take": self.take,
            "demand.decline": self.decline,
            "demand.supply": self.supply,
        }

    async def ask(self, row: dict[str, Any]) -> dict[str, Any]:
        """Publish a demand, or with its `number` the next version of one."""
        made = await self.app.station.write(lambda tx: lists.put(tx, {**row, "list": DEMAND}))
        return {"provider": made.provider, "number": made.number, "version": made.version}

    async def listed(
        self, assigned: bool = False, state: str = "", limit: int = paging.MOST, offset: int = 0
    ) -> dict[str, Any]:
        """Demands of the region, by number, from `offset` on; `assigned`: those assigned to
        departments here. `total`: how many there are."""
        party = self.app.station.party if assigned else ""
        found = of_lists(catalog_lists, state, party)
        query = found.order_by(catalog_lists.c.number, catalog_lists.c.provider)

        def read(conn: Connection) -> dict[str, Any]:
            rows, total = paging.page(conn, query, limit, offset)
            shown = [viewed(conn, decode(row.row, ListEntry)) for row in rows]
            return {"demands": shown, "total": total}

        return await self.app.station.read(read)

    async def show(self, provider: str, number: str) -> dict[str, Any]:
        def read(conn: Connection) -> dict[str, Any]:
            found = lists.find(conn, provider, DEMAND, number)
            if found is None:
                raise DemandUnknown(provider=provider, number=number)
            view = viewed(conn, decode(found.row, ListEntry))
            may = _open(view, self.app.station.party)
            return {**view, "open": may, "events": history(conn, provider, number)}

        return await self.app.station.read(read)

    async def assign(
        self, number: str, department: str, handler: str, approver: str, reason: str = ""
    ) -> dict[str, Any]:
        """By this station's authority, to another of its departments."""
        party = self.app.station.party
        state = await self.app.station.write(
            lambda tx: demands.assign(tx, number, department, reason, handler, approver)
        )
        return {"provider": party, "number": number, "state": state.value}

    async def take(
        self, provider: str, number: str, handler: str, approver: str, reason: str = ""
    ) -> dict[str, Any]:
        draft = await self.app.station.write(
            lambda tx: demands.take(tx, provider, number, reason, handler, approver)
        )
        return {"provider": provider, "number": number, "state": "taken", "draft": draft}

    async def decline(
        self, provider: str, number: str, reason: str, handler: str, approver: str
    ) -> dict[str, Any]:
        state = await self.app.station.write(
            lambda tx: demands.decline(tx, provider, number, reason, handler, approver)
        )
        return {"provider": provider, "number": number, "state": state.value}

    async def supply(
        self, provider: str, number: str, resource: str, handler: str, approver: str
    ) -> dict[str, Any]:
        """Name a resource that is in the catalog."""

        def job(tx: Tx) -> dict[str, Any]:
            state = demands.supply(tx, provider, number, resource, handler, approver)
            return {"provider": provider, "number": number, "state": state.value}

        return await self.app.station.write(job)


def viewed(conn: Connection, row: ListEntry) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(row),
        "row_status": row.status,
        **standing(conn, row.provider, row.number),
    }


def _open(view: Mapping[str, Any], party: str) -> list[str]:
    """What `party` may do next: its authority assigns its own, and it answers what it was
    assigned."""
    state = State(view["state"])
    return [
        event.value
        for event in Event
        if (state, event) in MOVES
        and view["provider" if event is Event.ASSIGN else "party"] == party
    ]
