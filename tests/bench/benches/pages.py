"""Pages of both consoles over a grown store: 100,000 entries, a million rows of the journal."""

from __future__ import annotations

from collections.abc import Sequence

from ortoo_hub.console import making as hub
from ortoo_node.console import making as node
from tests.bench.measuring import Row, alone
from tests.bench.rig import SENDER, Rig
from tests.console.hub_kit import hub_front
from tests.console.kit import front
from tests.console.page_times import AT_HUB, AT_STATION, Times, p95, times, told
from tests.node.kit import open_node, running
from tests.support.grown import grow
from tests.support.hubs import HubKit
from tests.support.stations import Kit

MOST_MS = 100.0


async def run(rig: Rig) -> list[Row]:
    size = {
        "catalog": rig.size(100_000, 300),
        "journal": rig.size(1_000_000, 2_000),
        "others": rig.size(20_000, 100),
    }
    count = rig.size(20, 2)
    for name in ("station", "hub"):
        (rig.folder / name).mkdir(parents=True)
    kit = Kit(rig.folder / "station")
    at = open_node(kit, SENDER)
    async with running(kit, at):
        await grow(at.app.station, **size, hub=False)
        async with front(at) as console:
            station = await times(console, node.MENU, AT_STATION, count)
    region = HubKit(rig.folder / "hub")
    made = region.hub()
    async with region.hub_running(made) as alive:
        await grow(made.station, **size, hub=True)
        async with hub_front(alive) as house:
            of_hub = await times(house, hub.MENU, AT_HUB, count)
    head = "{catalog:,} entries, {journal:,} rows of the journal, {others:,} cases, grants, …"
    return [
        *_rows("station", station, head.format(**size)),
        *_rows("hub", of_hub, head.format(**size)),
    ]


def _rows(name: str, found: Sequence[Times], head: str) -> list[Row]:
    worst = max(p95(each.wall_ms) for each in found)
    every = [ms for each in found for ms in each.wall_ms]
    return [
        alone(f"pages {name}, slowest page, p95", "ms", [worst], bar=MOST_MS, better="lower",
              note=f"{len(found)} pages; {told(found)}"),
        alone(f"pages {name}, all, p95", "ms", [p95(every)], bar=MOST_MS, better="lower",
              note=f"{head}; each page asked for {len(found[0].wall_ms)} times"),
    ]  # fmt: skip
