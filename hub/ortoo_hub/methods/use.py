"""grant.show, grant.suspend, reject, resume, terminate: the authority over grants in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ortoo_hub.catalog import listing
from ortoo_hub.methods.cases import grant_of
from ortoo_hub.use import UseNotary, ask_records
from ortoo_protocol.core.errors import GrantUnknown
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.control import Method
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.use.shown import shown


@dataclass(frozen=True)
class UseMethods:
    station: Station
    use: UseNotary

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "grant.show": self.show,
            "grant.suspend": self.suspend,
            "grant.reject": self.reject,
            "grant.resume": self.resume,
            "grant.terminate": self.terminate,
            "use.ask": self.ask,
        }

    async def show(self, grant: str) -> dict[str, Any]:
        now_ms = self.station.parts.clock()

        def read(conn: Connection) -> dict[str, Any]:
            row = grants_held.find(conn, grant)
            if row is None:
                raise GrantUnknown(grant=grant)
            return {
                "grant": grant_of(row, listing.name_of(conn, row.resource), now_ms),
                **shown(conn, grant),
            }

        return await self.station.read(read)

    async def suspend(
        self, grant: str, reason: str, evidence: str, days: int, by: str
    ) -> dict[str, Any]:
        """Close the route, have the provider fence, tell the reader why and until when."""
        await self.station.write(lambda tx: self.use.suspend(tx, grant, reason, evidence, days, by))
        return await self.show(grant)

    async def reject(self, grant: str, reason: str, days: int, by: str) -> dict[str, Any]:
        await self.station.write(lambda tx: self.use.reject(tx, grant, reason, days, by))
        return await self.show(grant)

    async def resume(self, grant: str, reason: str, by: str) -> dict[str, Any]:
        await self.station.write(lambda tx: self.use.resume(tx, grant, reason, by))
        return await self.show(grant)

    async def terminate(self, grant: str, reason: str, by: str) -> dict[str, Any]:
        await self.station.write(lambda tx: self.use.terminate(tx, grant, reason, by))
        return await self.show(grant)

    async def ask(self, grant: str, reason: str, by: str) -> dict[str, Any]:
        """The reader's station answers by itself; grant.show has it then."""
        await self.station.write(lambda tx: ask_records(tx, grant, reason, by))
        return await self.show(grant)
