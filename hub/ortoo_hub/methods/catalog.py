"""catalog.*: the regional catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from ortoo_hub.catalog import conflicts, listing, lists
from ortoo_hub.store.tables import catalog
from ortoo_protocol.core.catalog.lists import ListEntry
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.errors import TrustUnknownParty
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station import paging
from ortoo_protocol.station.catalog.looking import CatalogLooking
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.control import Method
from ortoo_protocol.station.station import Station


@dataclass(frozen=True)
class CatalogMethods:
    station: Station

    @property
    def looking(self) -> CatalogLooking:
        return CatalogLooking(
            self.station, catalog, lambda party: name_of(self.station.parts.trust.current, party)
        )

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            **self.looking.as_mapping(),
            "catalog.show": self.show,
            "catalog.refusals": self.refusals,
            "catalog.conflicts": self.conflicts,
            "catalog.resolve": self.resolve,
            "catalog.lists": self.lists,
        }

    async def show(self, code: str) -> dict[str, Any]:
        row = await self.station.read(lambda conn: listing.known(conn, code))
        return {
            "entry": listing.entry_of(row),
            "provider_name": name_of(self.station.parts.trust.current, row.provider),
            "accepted_ms": row.accepted_ms,
            "number": row.number,
        }

    async def refusals(self, limit: int = paging.MOST, offset: int = 0) -> dict[str, Any]:
        """The newest first, from `offset` on; `total`: how many there are."""
        names = ("code", "version", "provider", "error", "reason", "time_ms")

        def read(conn: Connection) -> dict[str, Any]:
            rows, total = paging.page(conn, listing.refusals(), limit, offset)
            shown = [{name: getattr(row, name) for name in names} for row in rows]
            return {"refusals": shown, "total": total}

        return await self.station.read(read)

    async def conflicts(
        self, state: str = "", limit: int = paging.MOST, offset: int = 0
    ) -> dict[str, Any]:
        """The newest first, from `offset` on; `total`: how many there are."""

        def read(conn: Connection) -> dict[str, Any]:
            rows, total = paging.page(conn, conflicts.in_order(state), limit, offset)
            return {"conflicts": [_conflict(conn, row) for row in rows], "total": total}

        return await self.station.read(read)

    async def resolve(self, conflict: str, source: str, reason: str, by: str) -> dict[str, Any]:
        def job(tx: Tx) -> dict[str, Any]:
            row = conflicts.resolve(tx, conflict, source, reason, by)
            return _conflict(tx.conn, row)

        return await self.station.write(job)

    async def lists(
        self, list: str, status: str = "", limit: int = paging.MOST, offset: int = 0
    ) -> dict[str, Any]:
        """The newest first, from `offset` on; `total`: how many there are."""
        query, trust = lists.in_order(list, status), self.station.parts.trust.current
        rows, total = await self.station.read(lambda conn: paging.page(conn, query, limit, offset))
        return {
            "rows": [
                {
                    **msgspec.to_builtins(decode(row.row, ListEntry)),
                    "provider_name": name_of(trust, row.provider),
                }
                for row in rows
            ],
            "total": total,
        }


def _conflict(conn: Connection, row: Row[Any]) -> dict[str, Any]:
    other = listing.entry_of(listing.known(conn, row.second))
    names = ("conflict", "state", "source", "reason", "by", "opened_ms", "changed_ms")
    return {
        **{name: getattr(row, name) for name in names},
        "resource": row.first,
        "resource_name": listing.name_of(conn, row.first),
        "other": row.second,
        "other_name": other.name,
        "other_provider": other.provider,
        "items": conflicts.items_of(row),
    }


def name_of(trust: Trust, party: str) -> str:
    """As the directory has it; nothing for who stands in it no more."""
    try:
        return trust.party(party).name
    except TrustUnknownParty:
        return ""
