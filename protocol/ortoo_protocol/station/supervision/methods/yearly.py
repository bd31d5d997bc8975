"""report.year: the year's report, frozen as it was made, in versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.supervision import yearly
from ortoo_protocol.station.supervision.methods.desk import Desk


@dataclass(frozen=True)
class YearMethods(Desk):
    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "report.year": self.make,
            "report.years": self.listed,
            "report.year.show": self.show,
        }

    async def make(self, year: int, by: str) -> dict[str, Any]:
        """Count the year, and freeze it as its next version."""
        counter, name = self.counter, self.station.parts.identity.name
        made = await self.station.write(
            lambda tx: yearly.make(tx, counter, year, name, self.name, by)
        )
        return _view(made)

    async def show(self, year: int, version: int = 0) -> dict[str, Any]:
        """A version as it was frozen; the newest without a number."""
        return _view(await self.station.read(lambda conn: yearly.find(conn, year, version)))

    async def listed(self) -> dict[str, Any]:
        rows = await self.station.read(yearly.listed)
        return {"reports": [_named(row) for row in rows]}


def _view(row: Any) -> dict[str, Any]:
    return {**_named(row), "report": msgspec.json.decode(row.report)}


def _named(row: Any) -> dict[str, Any]:
    return {
        "year": row.year,
        "version": row.version,
        "hash": row.hash.hex(),
        "by": row.by,
        "time_ms": row.time_ms,
    }
