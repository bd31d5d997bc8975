"""Figures: repeated, their median and spread, and whether the machine was quiet enough."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

# Beyond these a figure is marked: a repetition differs that much from another, or somebody else
# had that share of the machine.
MOST_SPREAD = 0.30
MOST_STEAL = 0.03
MOST_OTHERS = 0.10


@dataclass(frozen=True)
class Row:
    """One line of the report. `ratio` is figure by peer_figure; without a peer `bar` is the bar of
    `figure` itself. `bar` None: recorded only."""

    name: str
    figure: float
    unit: str
    peer: str
    peer_figure: float | None
    ratio: float | None
    bar: float | None
    better: str
    runs: int
    spread: float
    note: str

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None where there is none."""
        value = self.figure if self.ratio is None else self.ratio
        if self.bar is None:
            return None
        return value >= self.bar if self.better == "higher" else value <= self.bar

    def noisy(self, why: str) -> Row:
        """The same, marked: the machine was not ours alone."""
        return replace(self, note=f"{self.note}; noisy: {why}" if self.note else f"noisy: {why}")

    def line(self) -> str:
        """For people who wait."""
        verdict = {True: "✓", False: "✗", None: " "}[self.met]
        ratio = "" if self.ratio is None else f" {self.ratio:g}× of {self.peer_figure:g}"
        figure = f"{self.figure:g} {self.unit}{ratio} (bar {self.bar})"
        return f"{verdict} {self.name}: {figure}; {self.note}"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float]) -> float:
    """From the smallest to the largest, by the median."""
    middle = median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@dataclass
class Machine:
    """What the machine did while a bench ran, beside the bench."""

    began: dict[str, float] = field(default_factory=dict)
    load: float = 0.0

    def start(self) -> None:
        self.load = os.getloadavg()[0]
        self.began = {**_cpu_times(), "ours": _ours(), "at": time.monotonic()}

    def noise(self) -> str:
        """Why the figures may be wrong; empty on a quiet machine."""
        now, was = _cpu_times(), self.began
        total = now["total"] - was["total"]
        if total <= 0:
            return ""
        steal = (now["steal"] - was["steal"]) / total
        others = max(0.0, now["busy"] - was["busy"] - (_ours() - was["ours"])) / total
        said = []
        if steal > MOST_STEAL:
            said.append(f"{steal:.0%} of the machine stolen")
        if others > MOST_OTHERS:
            said.append(f"{others:.0%} of it used by other programs")
        return ", ".join(said)


def _cpu_times() -> dict[str, float]:
    """Seconds of all cores since the start of the machine."""
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    user, nice, system, idle, wait, irq, soft, steal = (
        int(value) / os.sysconf("SC_CLK_TCK") for value in fields[:8]
    )
    busy = user + nice + system + irq + soft
    return {"busy": busy, "steal": steal, "total": busy + idle + wait + steal}


def _ours() -> float:
    """CPU seconds of this process and of all below it, ended ones included."""
    here = psutil.Process()
    total = sum(here.cpu_times()[:4])
    for each in here.children(recursive=True):
        try:
            total += sum(each.cpu_times()[:4])
        except psutil.Error:
            continue
    return float(total)


async def in_turn(
    rounds: int, *sides: Callable[[], Awaitable[float]]
) -> tuple[tuple[float, ...], ...]:
    """Measure every side `rounds` times, A B A B …, so that noise meets all of them."""
    found: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for values, side in zip(found, sides, strict=True):
            values.append(await side())
    return tuple(tuple(values) for values in found)


def against(
    name: str,
    unit: str,
    ours: Sequence[float],
    peer: str,
    theirs: Sequence[float],
    *,
    bar: float | None,
    better: str = "higher",
    note: str = "",
) -> Row:
    """Ours by theirs, medians of the repetitions."""
    figure, other = median(ours), median(theirs)
    said = [note, f"peer's spread {spread(theirs):.0%}"]
    widest = max(spread(ours), spread(theirs))
    if widest > MOST_SPREAD:
        said.append(f"noisy: repetitions differ by {widest:.0%}")
    ratio = figure / other
    return Row(
        name, _short(figure), unit, peer, _short(other), _short(ratio), bar, better, len(ours),
        round(spread(ours), 3), "; ".join(filter(None, said)),
    )  # fmt: skip


def alone(
    name: str,
    unit: str,
    ours: Sequence[float],
    *,
    bar: float | None = None,
    better: str = "higher",
    peer: str = "",
    note: str = "",
) -> Row:
    """A figure with a bar of its own, or recorded."""
    said = [note]
    if spread(ours) > MOST_SPREAD:
        said.append(f"noisy: repetitions differ by {spread(ours):.0%}")
    return Row(
        name, _short(median(ours)), unit, peer, None, None, bar, better, len(ours),
        round(spread(ours), 3), "; ".join(filter(None, said)),
    )  # fmt: skip


def _short(value: float) -> float:
    """Four digits are more than the machine is good for."""
    return float(f"{value:.4g}")


def per_item(seconds: float, items: int) -> str:
    """CPU of one item, as notes give it."""
    return f"{seconds / items * 1e6:,.0f} µs"
