"""Every bench runs, in tiny sizes, and the report and the page have their shape."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench import report
from tests.bench.__main__ import BENCHES
from tests.bench.children import ROOT
from tests.bench.measuring import Row, against, alone, in_turn, spread

KEYS = {
    "name": str,
    "figure": float,
    "unit": str,
    "peer": str,
    "peer_figure": float | None,
    "ratio": float | None,
    "bar": float | None,
    "better": str,
    "runs": int,
    "spread": float,
    "note": str,
}


@pytest.mark.timeout(600)
async def test_every_bench_runs_and_reports(tmp_path: Path) -> None:
    out, docs = tmp_path / "out", tmp_path / "docs"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench", "--short", "--rounds", "1",
        "--folder", str(out), "--docs", str(docs),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[-4_000:]
    rows: list[dict[str, Any]] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert {row["name"].split()[0] for row in rows} == set(BENCHES)
    for row in rows:
        assert list(row) == list(KEYS)
        assert all(isinstance(row[key], kind) for key, kind in KEYS.items()), row
        assert row["better"] in ("higher", "lower")
        assert row["figure"] > 0 or row["unit"] in ("KiB/item", "µs/item")
    page = (docs / "benchmarks.md").read_text(encoding="utf-8")
    for bench in BENCHES:
        for suffix in ("png", "svg"):
            assert (docs / "pictures" / f"bench-{bench}.{suffix}").stat().st_size > 1_000
        assert f"pictures/bench-{bench}.svg" in page
    assert "Not measured" not in page
    assert not (out / "work").exists()


def row(name: str, figure: float = 1.0) -> Row:
    return alone(name, "letters/s", [figure])


def test_one_bench_replaces_its_own_rows_alone(tmp_path: Path) -> None:
    path = tmp_path / "var" / "report.json"
    report.write(path, [row("table", 7.0), row("letters 1 KiB / AS2"), row("letters old")])
    found = report.merged(report.read(path), "letters", [row("letters 1 KiB / AS2", 2.0)], BENCHES)
    assert [(each.name, each.figure) for each in found] == [
        ("letters 1 KiB / AS2", 2.0),
        ("table", 7.0),
    ]


def test_a_bar_is_of_the_ratio_or_without_a_peer_of_the_figure() -> None:
    faster = against("events", "events/s", [50.0], "peer", [10.0], bar=5.0)
    assert (faster.ratio, faster.met) == (5.0, True)
    slower = against("query", "ms", [3.0], "peer", [1.0], bar=2.0, better="lower")
    assert (slower.ratio, slower.met) == (3.0, False)
    assert alone("idle hub", "MiB", [119.0], bar=120.0, better="lower").met
    assert alone("mix rate", "letters/s", [1.0]).met is None


async def test_sides_take_turns_and_wide_spreads_are_said() -> None:
    order = []

    def side(name: str, figures: list[float]) -> Any:
        async def measure() -> float:
            order.append(name)
            return figures.pop()

        return measure

    ours, theirs = await in_turn(2, side("A", [1.0, 2.0]), side("B", [4.0, 4.0]))
    assert order == ["A", "B", "A", "B"]
    assert spread(ours) == pytest.approx(2 / 3)
    assert "noisy: repetitions differ by 67%" in against("x", "s", ours, "B", theirs, bar=1.0).note
