"""What an item costs each process: steadier than seconds on a machine that others use too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.bench.children import Child
from tests.bench.measuring import per_item
from tests.bench.rig import Rig


class Cost:
    """CPU that each process of ours, and the broker, spends on an item."""

    def __init__(self, rig: Rig, *processes: Child) -> None:
        self._rig, self._processes = rig, processes
        self._spent = dict.fromkeys([*(p.name for p in processes), "broker"], 0.0)
        self._items = 0

    async def of(self, work: Callable[[], Awaitable[float]], items: int) -> float:
        """Run `work` and add what it cost."""
        before = await self._now()
        figure = await work()
        for name, value in (await self._now()).items():
            self._spent[name] += value - before[name]
        self._items += items
        return figure

    async def _now(self) -> dict[str, float]:
        for process in self._processes:
            await process.do("look")
        found = {process.name: process.cpu_s for process in self._processes}
        return {**found, "broker": self._rig.broker_cpu_s()}

    def __str__(self) -> str:
        each = (f"{name} {per_item(value, self._items)}" for name, value in self._spent.items())
        return f"CPU an item: {', '.join(each)}"
