"""calendar.show and clock.*: what both a hub and a station answer about days and clocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from ortoo_protocol.core.errors import CalendarMissing, OrtooError
from ortoo_protocol.core.law.clock import day_of
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.core.law.workdays import CalendarYear
from ortoo_protocol.station import clocks, paging
from ortoo_protocol.station.clocks import listing
from ortoo_protocol.station.clocks.clock import Clock, of_row
from ortoo_protocol.station.control import Method, error_to
from ortoo_protocol.station.station import Station

NEAR = timedelta(days=45)  # a year's days are named in the November before


@dataclass(frozen=True)
class ClockMethods:
    station: Station

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "calendar.show": self.calendar,
            "clock.list": self.listed,
            "clock.show": self.show,
        }

    async def calendar(self, year: int = 0) -> dict[str, Any]:
        """All years, or one with its days."""
        years = await self.station.read(clocks.calendar.years)
        return {"years": [_year(each, days=bool(year)) for each in years if year in (0, each.year)]}

    async def listed(
        self,
        which: str = "open",
        party: str = "",
        department: str = "",
        limit: int = paging.MOST,
        offset: int = 0,
    ) -> dict[str, Any]:
        """`which`: open, late, or closed; from `offset` on. `total`: how many there are."""
        whose, office = party or None, department or None
        if which == "late":
            query = listing.late_in_order(self.station.parts.clock(), whose, office)
        elif which == "closed":
            query = listing.closed_in_order(whose, office)
        else:
            query = listing.open_in_order(whose, office)
        rows, total = await self.station.read(lambda conn: paging.page(conn, query, limit, offset))
        return {"clocks": [view(of_row(row)) for row in rows], "total": total}

    async def show(self, clock: str) -> dict[str, Any]:
        """One clock by its id, or all of a subject, with what happened to each."""

        def read(conn: Connection) -> list[dict[str, Any]]:
            found = clocks.of(conn, clock) or [clocks.find(conn, clock)]
            return [{**view(each), "events": _events(conn, each.clock)} for each in found]

        return {"clocks": await self.station.read(read)}

    async def findings(self) -> list[dict[str, Any]]:
        """For doctor: a year that is near, and has no calendar yet."""
        offset_min = profile_named(self.station.parts.trust.current.profile).offset_min
        today = day_of(self.station.parts.clock(), offset_min)

        def read(conn: Connection) -> list[OrtooError]:
            wanted = {today.year, (today + NEAR).year} - clocks.calendar.current(conn).years
            count = listing.provisional(conn)
            return [CalendarMissing(year=year, count=count) for year in sorted(wanted)]

        return [
            {"check": "calendar", "subject": "", "level": "warning", "error": error_to(each)}
            for each in await self.station.read(read)
        ]


def view(clock: Clock) -> dict[str, Any]:
    """As it crosses the control socket."""
    return {**asdict(clock), "day": None if clock.day is None else clock.day.isoformat()}


def _events(conn: Connection, clock: str) -> list[dict[str, Any]]:
    names = ("time_ms", "event", "detail")
    return [{name: getattr(row, name) for name in names} for row in clocks.events(conn, clock)]


def _year(year: CalendarYear, *, days: bool) -> dict[str, Any]:
    whole: dict[str, Any] = msgspec.to_builtins(year)
    listed = [msgspec.structs.asdict(each) for each in year.days]
    return {
        **whole,
        "days": listed if days else [],
        "off": sum(not each.working for each in year.days),
        "worked": sum(each.working for each in year.days),
    }
