"""`report.json`: what all benches found; one bench alone replaces its own rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.measuring import Row


def read(path: Path) -> list[Row]:
    if not path.exists():
        return []
    return [Row(**each) for each in json.loads(path.read_text(encoding="utf-8"))]


def merged(
    known: Sequence[Row], bench: str, found: Sequence[Row], order: Sequence[str]
) -> list[Row]:
    """`known` with the rows of `bench` replaced, in the order of the benches."""
    rows = [*(row for row in known if bench_of(row) != bench), *found]
    return sorted(
        rows, key=lambda row: order.index(bench_of(row)) if bench_of(row) in order else 99
    )


def bench_of(row: Row) -> str:
    """Names begin with the bench."""
    return row.name.split()[0]


def write(path: Path, rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    given: list[dict[str, Any]] = [row.as_dict() for row in rows]
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(given, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
