"""calendar.*: putting days into force for the whole plane; reading them is common to all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ortoo_hub import calendar
from ortoo_protocol.core.errors import CalendarInvalid
from ortoo_protocol.core.law.workdays import CalendarYear, NamedDay
from ortoo_protocol.station.control import Method
from ortoo_protocol.station.station import Station

_KINDS: Mapping[str, bool | None] = {"off": False, "work": True, "weekday": None}


@dataclass(frozen=True)
class CalendarMethods:
    station: Station

    def as_mapping(self) -> Mapping[str, Method]:
        return {"calendar.set": self.set, "calendar.import": self.import_}

    async def set(
        self, day: str, kind: str, by: str, name: str = "", source: str = ""
    ) -> dict[str, Any]:
        """`kind`: off, work, or weekday (as its weekday says)."""
        if kind not in _KINDS:
            raise CalendarInvalid(year=day[:4], detail=f"{kind!r} is none of off, work, weekday")
        made = await self.station.write(
            lambda tx: calendar.set_day(tx, day, _KINDS[kind], name, by, source)
        )
        return _said(made)

    async def import_(
        self, year: int, source: str, by: str, days: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        named = [NamedDay(str(one["day"]), bool(one["working"]), str(one["name"])) for one in days]
        made = await self.station.write(lambda tx: calendar.put_year(tx, year, source, by, named))
        return _said(made)


def _said(year: CalendarYear) -> dict[str, Any]:
    return {"year": year.year, "version": year.version, "days": len(year.days)}
