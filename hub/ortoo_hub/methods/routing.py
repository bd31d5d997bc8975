"""router.show and reconcile: what the broker holds, and what stations say they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ortoo_hub.daily import Daily, listed
from ortoo_hub.reconcile import Reconciler
from ortoo_hub.router import Router, describe
from ortoo_protocol.core.errors import DaemonRequest
from ortoo_protocol.core.ids import check_feed
from ortoo_protocol.station.control import Method
from ortoo_protocol.station.station import Station


@dataclass(frozen=True)
class RoutingMethods:
    station: Station
    router: Router
    reconciler: Reconciler

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "router.show": self.show,
            "reconcile": self.reconcile,
            "reconcile.day": self.day,
            "reconcile.results": self.results,
        }

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

    async def day(self, feed: str, day: str) -> dict[str, Any]:
        """One feed for one day (YYYY-MM-DD, 北京时间). Raises FeedUnknown, DaemonRequest."""
        check_feed(feed)
        wanted = _date(day)
        return await Daily(self.station, self.reconciler).reconcile(feed, wanted)

    async def results(self, day: str = "", differing: bool = False) -> dict[str, Any]:
        """What the daily comparisons found, the newest first."""
        if day:
            _date(day)
        found = await self.station.read(lambda conn: listed(conn, day, differing=differing))
        return {"results": found}


def _date(day: str) -> date:
    try:
        return date.fromisoformat(day)
    except ValueError as error:
        raise DaemonRequest(detail=str(error)) from None
