"""demand.*: demands of all members, assigned across leagues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from ortoo_hub import demands
from ortoo_hub.catalog import lists
from ortoo_hub.store.tables import catalog_lists
from ortoo_protocol.core.catalog.lists import DEMAND, ListEntry
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.errors import DemandUnknown
from ortoo_protocol.station import paging
from ortoo_protocol.station.control import Method
from ortoo_protocol.station.demands import history, standing
from ortoo_protocol.station.demands import rows as of_lists
from ortoo_protocol.station.station import Station


@dataclass(frozen=True)
class DemandMethods:
    station: Station

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "demand.list": self.listed,
            "demand.show": self.show,
            "demand.assign": self.assign,
        }

    async def listed(
        self, state: str = "", limit: int = paging.MOST, offset: int = 0
    ) -> dict[str, Any]:
        """The newest first, from `offset` on; `total`: how many there are."""
        order = (catalog_lists.c.accepted_ms.desc(), catalog_lists.c.number)
        query = of_lists(catalog_lists, state).order_by(*order, catalog_lists.c.provider)

        def read(conn: Connection) -> dict[str, Any]:
            rows, total = paging.page(conn, query, limit, offset)
            shown = [viewed(conn, decode(row.row, ListEntry)) for row in rows]
            return {"demands": shown, "total": total}

        return await self.station.read(read)

    async def show(self, provider: str, number: str) -> dict[str, Any]:
        def read(conn: Connection) -> dict[str, Any]:
            found = lists.find(conn, provider, DEMAND, number)
            if found is None:
                raise DemandUnknown(provider=provider, number=number)
            view = viewed(conn, decode(found.row, ListEntry))
            return {**view, "events": history(conn, provider, number)}

        return await self.station.read(read)

    async def assign(
        self,
        provider: str,
        number: str,
        party: str,
        department: str,
        handler: str,
        approver: str,
        reason: str = "",
    ) -> dict[str, Any]:
        state = await self.station.write(
            lambda tx: demands.assign(
                tx, provider, number, party, department, reason, handler, approver
            )
        )
        return {"provider": provider, "number": number, "state": state.value}


def viewed(conn: Connection, row: ListEntry) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(row),
        "row_status": row.status,
        **standing(conn, row.provider, row.number),
    }
