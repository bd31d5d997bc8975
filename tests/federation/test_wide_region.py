"""The catalog of a region with many stations: it converges, and a change travels alone."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from ortoo_protocol.station.catalog.searching import Asked, search
from tests.support.made_catalog import entries
from tests.support.wide_region import holds, parties, wide, working

STATIONS, DEPARTMENTS, ENTRIES = 6, 3, 60


async def test_a_change_reaches_every_mirror_without_the_rest(tmp_path: Path) -> None:
    kit = wide(tmp_path, STATIONS, DEPARTMENTS)
    made = list(entries(ENTRIES, parties(STATIONS), departments_each=DEPARTMENTS))
    async with working(kit, STATIONS) as region:
        assert await region.publish(made) == ENTRIES
        await region.until_all(holds(ENTRIES))
        for station in region.stations:
            found = await station.read(lambda conn: search(conn, Asked("的")).total)
            assert found == sum("的" in f"{each.name}{each.abstract}" for each in made)
        changed = replace(made[7], name="改过的名称", version=2)
        copies = await region.change(changed)
        del copies["feed.head"]
        assert copies == {"catalog.entry": 1, "catalog.federated": STATIONS}
        for station in region.stations:
            codes = await station.read(lambda conn: search(conn, Asked("改过的名称")).codes)
            assert codes == (changed.code,)
