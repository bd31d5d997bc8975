"""A hub and a station, started by their own programs and left alone."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from ortoo_demo import founding
from ortoo_demo.checks import Patience
from ortoo_demo.demo import environment
from ortoo_demo.plane import Plane
from ortoo_demo.processes import Processes
from ortoo_demo.world import extranet
from tests.bench.measuring import Row, alone
from tests.bench.rig import Rig

STATION = "s150700"
MOST_MIB = 120.0


async def run(rig: Rig) -> list[Row]:
    wait_s = rig.size(20, 1)
    found = await asyncio.to_thread(_memory, rig.folder / "region", wait_s, rig.size(3, 2))
    rows = []
    for name, values in found.items():
        rss, pss = [one[0] for one in values], [one[1] for one in values]
        note = f"enrolled, linked, {wait_s} s after the start; PSS {max(pss):.0f} MiB"
        rows.append(alone(f"idle {name}", "MiB RSS", rss, bar=MOST_MIB, better="lower", note=note))
    return rows


def _memory(folder: Path, wait_s: float, looks: int) -> dict[str, list[tuple[float, float]]]:
    """(RSS, PSS) in MiB of both, a few times."""
    every = extranet()
    cast = replace(every, names={each: every.names[each] for each in (every.hub, STATION)})
    patience = Patience()
    processes = Processes(patience, environment())
    with ThreadPoolExecutor(4, "bench") as pool:
        plane = Plane(cast, folder, processes, patience, pool)
        try:
            founding.brokers(plane)
            founding.ceremony(plane)
            founding.enrol(plane)
            pids = {"hub": plane.services[cast.hub].pid, "station": plane.services[STATION].pid}
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in pids}
            time.sleep(wait_s)
            for _ in range(looks):
                time.sleep(0.5)
                for name, pid in pids.items():
                    found[name].append(_of(pid))
        finally:
            processes.end()
            plane.broker.kill()
            plane.close()
    return found


def _of(pid: int) -> tuple[float, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return kib["Rss"] / 1024, kib["Pss"] / 1024
