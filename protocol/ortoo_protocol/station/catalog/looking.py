"""What people and programs ask of the catalog: found entries as plain values, names filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from ortoo_protocol.core.catalog import freshness
from ortoo_protocol.core.catalog.codes import BUILT_IN, Scheme
from ortoo_protocol.core.catalog.divisions import LEAGUES
from ortoo_protocol.core.errors import CatalogQuery
from ortoo_protocol.station.catalog.searching import FACETS, Asked, judged, search
from ortoo_protocol.station.catalog.statistics import statistics
from ortoo_protocol.station.catalog.stored import unpack
from ortoo_protocol.station.catalog.wanted import Filter, Page
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import catalog_index

INDEXED = tuple(  # what `summary` wants beside code and entry
    catalog_index.c[name] for name in ("promise_ms", "carried_ms", "carried_seq", "changed_ms")
)


@dataclass(frozen=True)
class CatalogLooking:
    """The methods catalog.search and catalog.statistics. `entries`: the table of this party's
    entries, with the columns code and entry; `name_of`: a party's name; `scheme`: its table of
    codes."""

    station: Station
    entries: Table
    name_of: Callable[[str], str]
    scheme: Scheme = BUILT_IN

    def as_mapping(self) -> Mapping[str, Method]:
        return {"catalog.search": self.search, "catalog.statistics": self.statistics}

    async def search(
        self,
        text: str = "",
        limit: int = 50,
        offset: int = 0,
        filters: dict[str, str] | None = None,
        facets: list[str] | None = None,
    ) -> dict[str, Any]:
        """`filters`: by name as in wanted.Filter; `facets`: of FACETS."""
        wanted = tuple(facets or ())
        if set(wanted) - set(FACETS):
            raise CatalogQuery(detail=f"facets={wanted}"[:80])
        asked = Asked(text, Filter.of(filters or {}), Page(limit, offset), wanted)

        def look(conn: Connection) -> dict[str, Any]:
            by = judged(conn, self.station.parts.clock())
            found = search(conn, replace(asked, judged=by))
            rows = _rows(conn, self.entries, found.codes)
            return {
                "entries": [self.summary(row, by) for row in rows],
                "total": found.total,
                "facets": found.facets,
                "counted": found.counted,  # below `total`: facets are estimated from so many
                "names": {
                    name: {value: self.name(name, value) for value in values}
                    for name, values in found.facets.items()
                    if name in ("kind", "theme", "league")
                },
            }

        return await self.station.read(look)

    async def statistics(self, filters: dict[str, str] | None = None) -> dict[str, Any]:
        """`filters`: of provider, league and department."""
        now_ms, chosen = self.station.parts.clock(), Filter.of(filters or {})
        found = await self.station.read(lambda conn: statistics(conn, now_ms, chosen))
        for group in ("kind", "theme", "league"):
            for row in found[group]:
                row["name"] = self.name(group, row["value"])
        for row in found["department"]:
            row["league_name"] = self.name("league", row["league"])
        return found

    def name(self, group: str, value: str) -> str:
        """Of a catalog type, a theme or a league; the value itself where nobody named it."""
        if group == "league":
            return LEAGUES.get(f"{value}00") or self.name_of(f"s{value}00") or value
        return self.scheme.classes.get(value, value)

    def summary(self, row: Row[Any], by: freshness.Judged) -> dict[str, Any]:
        entry = unpack(row.entry)
        return {
            "code": entry.code,
            "version": entry.version,
            "name": entry.name,
            "provider": entry.provider,
            "provider_name": self.name_of(entry.provider),
            "department": entry.department,
            "department_name": entry.department_name,
            "share_type": entry.share_type,
            "cycle": entry.cycle,
            "items": len(entry.items),
            "status": entry.status,
            "feed": entry.feed,
            "freshness": freshness.state(row.promise_ms or 0, row.carried_ms, by),
            "carried_ms": row.carried_ms,
            "carried_seq": row.carried_seq or 0,
        }


def _rows(conn: Connection, entries: Table, codes: Sequence[str]) -> list[Row[Any]]:
    """In the order of `codes`."""
    query = (
        select(entries.c.code, entries.c.entry, *INDEXED)
        .outerjoin_from(entries, catalog_index, catalog_index.c.code == entries.c.code)
        .where(entries.c.code.in_(codes))
    )
    found = {row.code: row for row in conn.execute(query)}
    return [found[code] for code in codes if code in found]
