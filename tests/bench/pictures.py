"""The plots, as PNG and SVG: bars of Ortoo beside its peer, and fan-out over the readers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from tests.bench.measuring import Row
from tests.bench.report import bench_of

OURS, THEIRS, MISSED = "#1f5fa8", "#b8bec7", "#c2552d"
_REACHES = (0.1, 0.25, 0.5, 1, 2, 5, 10)
_STYLE = {
    "svg.hashsalt": "ortoo",  # the same report, the same bytes
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(rows: Sequence[Row], folder: Path) -> dict[str, str]:
    """Pictures below `folder`, with an overview of all ratios; bench to its SVG's name."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    with mpl.rc_context(_STYLE):
        for bench in dict.fromkeys(bench_of(row) for row in rows):
            mine = [row for row in rows if bench_of(row) == bench]
            figure = _fanout(mine) if bench == "fanout" else _bars(mine)
            drawn[bench] = _save(figure, folder, f"bench-{bench}")
        with_bars = [row for row in rows if row.ratio is not None and row.bar is not None]
        if with_bars:
            drawn["overview"] = _save(_overview(with_bars), folder, "bench-overview")
    return drawn


def _save(figure: Figure, folder: Path, name: str) -> str:
    figure.savefig(
        folder / f"{name}.png", dpi=120, bbox_inches="tight", metadata={"Software": None}
    )
    figure.savefig(
        folder / f"{name}.svg", bbox_inches="tight", metadata={"Date": None, "Creator": None}
    )
    return f"{name}.svg"


def _bars(rows: Sequence[Row]) -> Figure:
    """A panel for each unit, since bars of different units cannot stand side by side."""
    units = list(dict.fromkeys(row.unit for row in rows))
    height = sum(0.5 + 0.55 * sum(row.unit == unit for row in rows) for unit in units)
    figure = Figure(figsize=(7.5, height + 0.4), layout="constrained")
    ratios = [sum(row.unit == unit for row in rows) for unit in units]
    panels = figure.subplots(len(units), 1, squeeze=False, height_ratios=ratios)
    for panel, unit in zip(panels[:, 0], units, strict=True):
        mine = [row for row in rows if row.unit == unit]
        for place, row in enumerate(mine):
            colour = MISSED if row.met is False else OURS
            _bar(panel, place - 0.2, row.figure, colour, row.figure)
            if row.peer_figure is not None:
                _bar(panel, place + 0.2, row.peer_figure, THEIRS, row.peer_figure)
        panel.set_yticks(range(len(mine)), [row.name for row in mine])
        panel.invert_yaxis()
        panel.set_xlabel(unit)
        panel.margins(x=0.15)
    figure.suptitle("blue: Ortoo (red: bar missed); grey: peer", fontsize=8, x=0.99, ha="right")
    return figure


def _bar(panel: object, place: float, value: float, colour: str, label: float) -> None:
    panel.barh(place, value, height=0.38, color=colour)  # type: ignore[attr-defined]
    panel.text(value, place, f" {_figure(label)}", va="center", fontsize=8)  # type: ignore[attr-defined]


def _overview(rows: Sequence[Row]) -> Figure:
    """How far each ratio is from its bar: to the right of 1 it is met."""
    figure = Figure(figsize=(7.5, 0.4 * len(rows) + 1.0), layout="constrained")
    panel = figure.subplots()
    for place, row in enumerate(rows):
        assert row.ratio is not None
        assert row.bar is not None
        reach = row.ratio / row.bar if row.better == "higher" else row.bar / row.ratio
        panel.barh(place, reach, height=0.6, color=OURS if row.met else MISSED)
        panel.text(reach, place, f" {row.ratio:.2f}× (bar {row.bar:g}×)", va="center", fontsize=8)
    panel.axvline(1.0, color="black", linewidth=0.8)
    panel.set_xscale("log")
    panel.set_xticks(_REACHES, [f"{reach:g}" for reach in _REACHES])
    panel.minorticks_off()
    panel.set_yticks(range(len(rows)), [row.name for row in rows])
    panel.invert_yaxis()
    panel.set_xlabel("reach of the bar (1 = just met)")
    panel.margins(x=0.25)
    return figure


def _fanout(rows: Sequence[Row]) -> Figure:
    """Names end in the readers and the way: `fanout CPU, 10 readers, queues`."""
    lines: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for row in rows:
        parts = row.name.split(", ")
        if len(parts) == 3:
            what, readers, way = parts
            lines.setdefault((f"{what.partition(' ')[2]} ({row.unit})", way), []).append(
                (int(readers.split()[0]), row.figure)
            )
    titles = list(dict.fromkeys(title for title, _ in lines)) or [""]
    figure = Figure(figsize=(8.5, 2.8), layout="constrained")
    panels = figure.subplots(1, len(titles), squeeze=False)[0]
    for panel, title in zip(panels, titles, strict=True):
        for (what, way), points in lines.items():
            if what == title:
                colour = OURS if way == "queues" else MISSED
                panel.plot(*zip(*sorted(points), strict=True), "o-", label=way, color=colour)
        panel.set_xscale("log")
        counts = sorted({x for points in lines.values() for x, _ in points})
        panel.set_xticks(counts, [str(count) for count in counts])
        panel.minorticks_off()
        panel.set_ylim(bottom=0)
        panel.set_xlabel("readers")
        panel.set_title(title, fontsize=9)
        panel.legend(fontsize=8)
    return figure


def _figure(value: float) -> str:
    """Whole above a hundred, else three digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
