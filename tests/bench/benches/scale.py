"""The catalog of a whole region: how long until it stands in every mirror, what that costs, and
that twice as much costs twice as much."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from msgspec.structs import replace

from tests.bench.measuring import Row, alone
from tests.bench.rig import Rig
from tests.support.made_catalog import entries
from tests.support.wide_region import holds, parties, wide, working

ALL_STATIONS, DEPARTMENTS = 115, 18  # 2,070 departments in all
FEW_STATIONS = 3
MANY, FEW = (80, 160, 320), (2_500, 5_000, 10_000)  # entries in all, one after the other
TINY = (10, 20, 40)
MOST_GROWTH = 1.3


@dataclass(frozen=True)
class Reached:
    """`entries` in every mirror; `cpu_s` and `wall_s` since nothing."""

    entries: int
    wall_s: float
    cpu_s: float
    rss_mib: float


async def run(rig: Rig) -> list[Row]:
    stations = rig.size(ALL_STATIONS, 4)
    many = await _grown(rig, "many", stations, TINY if rig.short else MANY)
    few = await _grown(rig, "few", FEW_STATIONS, TINY if rig.short else FEW)
    return [*_rows("region", stations, *many), *_rows("few mirrors", FEW_STATIONS, *few)]


async def _grown(
    rig: Rig, name: str, stations: int, sizes: Sequence[int]
) -> tuple[list[Reached], dict[str, float]]:
    """Converge on each size in turn, in the same stores; then change one entry."""
    folder = rig.folder / name
    folder.mkdir(parents=True)
    kit = wide(folder, stations, DEPARTMENTS)
    made = list(entries(sizes[-1], parties(stations), departments_each=DEPARTMENTS))
    async with working(kit, stations) as region:
        before = _rss_mib()
        reached, done = [], 0
        begun, cpu = time.monotonic(), time.process_time()
        for size in sizes:
            await region.publish(made[done:size])
            await region.until_all(holds(size))
            done = size
            reached.append(
                Reached(size, time.monotonic() - begun, time.process_time() - cpu, _rss_mib())
            )
        begun = time.monotonic()
        copies = await region.change(replace(made[0], name="改过的名称", version=2))
        changed_s = time.monotonic() - begun
    more = {
        "copies": float(copies["catalog.entry"] + copies["catalog.federated"]),
        "changed_s": changed_s,
        "rss_mib": (reached[-1].rss_mib - before) / stations,
        "kib": _stored_kib(folder) / stations / sizes[-1],
    }
    return reached, more


def _rows(
    name: str, stations: int, reached: Sequence[Reached], more: dict[str, float]
) -> list[Row]:
    last, head = reached[-1], f"{stations} stations, {stations * DEPARTMENTS:,} departments"
    steps = [
        _per(later, before, stations)
        for before, later in zip([None, *reached], reached, strict=False)
    ]
    grown = ", ".join(f"{each.entries:,}: {each.wall_s:.1f} s" for each in reached)
    cpu_us = last.cpu_s / last.entries / stations * 1e6
    parts = ", ".join(f"{step:,.0f} µs" for step in steps)

    def row(what: str, unit: str, value: float, note: str, bar: float | None = None) -> Row:
        return alone(f"scale {name}, {what}", unit, [value], bar=bar, better="lower", note=note)

    return [
        row("converged", "s", last.wall_s,
            f"{head}, {last.entries:,} entries; {grown}; 100,000 in 115 mirrors on one machine "
            "would take hours, so many mirrors hold few entries and few mirrors many"),
        row("an entry in a mirror", "µs CPU", cpu_us, "publishing and the hub's part included"),
        row("growth", "× of linear", steps[-1] / steps[0],
            f"CPU of an entry in a mirror, last step by first: {parts}", MOST_GROWTH),
        row("memory", "MiB a station", max(more["rss_mib"], 0.1),
            "growth of the one process in which all run, by stations"),
        row("disk", "KiB an entry", more["kib"],
            "of each mirror's store: entry, index, journal, feed"),
        row("a change", "copies", more["copies"],
            f"{more['changed_s']:.2f} s until every mirror has it: one copy to the hub and one to "
            "each station, nothing again", stations + 1.0),
    ]  # fmt: skip


def _per(later: Reached, before: Reached | None, stations: int) -> float:
    """CPU of an entry in a mirror in this step, in µs."""
    entries_ = later.entries - (before.entries if before else 0)
    return (later.cpu_s - (before.cpu_s if before else 0.0)) / entries_ / stations * 1e6


def _rss_mib() -> float:
    return psutil.Process(os.getpid()).memory_info().rss / (1 << 20)


def _stored_kib(folder: Path) -> float:
    stores = (path for path in folder.rglob("store.sqlite") if path.parent.name.startswith("s"))
    return sum(path.stat().st_size for path in stores) / 1024
