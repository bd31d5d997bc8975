"""catalog.*: the regional catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from ortoo_hub.catalog import listing
from ortoo_protocol.core.errors import TrustUnknownParty
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station.control import Method
from ortoo_protocol.station.station import Station

MOST = 1_000


@dataclass(frozen=True)
class CatalogMethods:
    station: Station

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "catalog.search": self.search,
            "catalog.show": self.show,
            "catalog.refusals": self.refusals,
        }

    async def search(self, text: str, limit: int = 50) -> dict[str, Any]:
        trust, limit = self.station.parts.trust.current, max(1, min(limit, MOST))
        rows = await self.station.read(lambda conn: listing.search(conn, text, limit))
        return {"entries": [_summary(row, trust) for row in rows]}

    async def show(self, code: str) -> dict[str, Any]:
        row = await self.station.read(lambda conn: listing.known(conn, code))
        return {
            "entry": listing.entry_of(row),
            "provider_name": name_of(self.station.parts.trust.current, row.provider),
            "accepted_ms": row.accepted_ms,
            "number": row.number,
        }

    async def refusals(self) -> dict[str, Any]:
        return {"refusals": await self.station.read(_refusals)}


def _refusals(conn: Connection) -> list[dict[str, Any]]:
    names = ("code", "version", "provider", "error", "reason", "time_ms")
    return [{name: getattr(row, name) for name in names} for row in listing.refusals(conn, MOST)]


def _summary(row: Row[Any], trust: Trust) -> dict[str, Any]:
    entry = listing.entry_of(row)
    return {
        "code": entry.code,
        "version": entry.version,
        "name": entry.name,
        "provider": entry.provider,
        "provider_name": name_of(trust, entry.provider),
        "department": entry.department,
        "department_name": entry.department_name,
        "share_type": entry.share_type,
        "cycle": entry.cycle,
        "items": len(entry.items),
        "status": entry.status,
        "feed": entry.feed,
    }


def name_of(trust: Trust, party: str) -> str:
    """As the directory has it; nothing for who stands in it no more."""
    try:
        return trust.party(party).name
    except TrustUnknownParty:
        return ""
