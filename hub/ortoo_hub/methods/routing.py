"""router.show and reconcile: what the broker holds, and what stations say they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ortoo_hub.reconcile import Reconciler
from ortoo_hub.router import Router, describe
from ortoo_protocol.station.control import Method
from ortoo_protocol.station.station import Station


@dataclass(frozen=True)
class RoutingMethods:
    station: Station
    router: Router
    reconciler: Reconciler

    def as_mapping(self) -> Mapping[str, Method]:
        return {"router.show": self.show, "reconcile": self.reconcile}

    async def show(self) -> dict[str, Any]:
        """Compares only; the router's own passes take the steps."""
        routes, changes = await self.router.compare()
        return {
            "agree": not changes,
            "checked_ms": self.station.parts.clock(),
            "changes": describe(changes),
            "members": len(routes.members),
            "direct": len(routes.direct),
            "feeds": len(routes.feeds),
        }

    async def reconcile(self, feed: str) -> dict[str, Any]:
        return await self.reconciler.reconcile(self.station, feed)
