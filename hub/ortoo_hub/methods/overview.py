"""overview.*: the region at a glance, for the hub's console and its full screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ortoo_hub.overview import leagues, standing, traffic
from ortoo_protocol.station.control import Method
from ortoo_protocol.station.station import Station


@dataclass(frozen=True)
class OverviewMethods:
    """`hours`: how far back, this hour included."""

    station: Station

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "overview.leagues": self.leagues,
            "overview.flows": self.flows,
            "overview.traffic": self.traffic,
            "overview.due": self.due,
            "overview.reconciled": self.reconciled,
            "overview.keys": self.keys,
        }

    async def leagues(self, hours: int = 24) -> dict[str, Any]:
        now_ms, trust = self._now_ms(), self.station.parts.trust.current
        found = await self.station.read_long(
            lambda conn: leagues.listed(conn, trust, now_ms, hours)
        )
        return {"now_ms": now_ms, "hours": hours, "leagues": found}

    async def flows(self, hours: int = 24) -> dict[str, Any]:
        now_ms = self._now_ms()
        found = await self.station.read_long(lambda conn: traffic.flows(conn, now_ms, hours))
        return {"now_ms": now_ms, "hours": hours, "flows": found}

    async def traffic(self, hours: int = 168, step: str = "hour") -> dict[str, Any]:
        """`step`: hour, or day of 北京时间. Raises DaemonRequest: more points than are shown."""
        now_ms = self._now_ms()
        found = await self.station.read_long(lambda conn: traffic.series(conn, now_ms, hours, step))
        return {"now_ms": now_ms, "step": step, "points": found}

    async def due(self) -> dict[str, Any]:
        now_ms = self._now_ms()
        found = await self.station.read_long(lambda conn: standing.due(conn, now_ms))
        return {"now_ms": now_ms, **found}

    async def reconciled(self) -> dict[str, Any]:
        return {"feeds": await self.station.read_long(standing.reconciled)}

    async def keys(self) -> dict[str, Any]:
        now_ms = self._now_ms()
        return {"now_ms": now_ms, **standing.keys(self.station.parts.trust.current, now_ms)}

    def _now_ms(self) -> int:
        return self.station.parts.clock()
