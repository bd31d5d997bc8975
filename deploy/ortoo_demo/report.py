"""What the demo did, for scripts (`report.json`) and for people (a table)."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ortoo_demo.departments import TableAt, digest
from ortoo_demo.readers import Reader
from ortoo_demo.texts import PLANES, Language, Text


@dataclass(frozen=True)
class Done:
    """A step that ran; `held` says whether its checks did."""

    name: Text
    outcome: Text
    seconds: float
    held: bool


@dataclass(frozen=True)
class Compared:
    """A reader's table beside its source, from the two databases."""

    reader: Reader
    rows: int
    digest_source: str
    digest_sink: str

    @property
    def equal(self) -> bool:
        return self.rows > 0 and self.digest_source == self.digest_sink


def compare(reader: Reader) -> Compared:
    rows = reader.sink.rows()
    return Compared(reader, len(rows), reader.source.digest(), digest(rows))


def write(path: Path, readers: Sequence[Compared], steps: Sequence[Done], seconds: float) -> None:
    """Whole or not at all."""
    content = {
        "readers": [_reader(one) for one in readers],
        "steps": [
            {
                "name": step.name.en,
                "outcome": step.outcome.en if step.held else f"FAILED: {step.outcome.en}",
                "seconds": round(step.seconds, 2),
            }
            for step in steps
        ],
        "seconds": round(seconds, 2),
    }
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    os.replace(new, path)


def _reader(one: Compared) -> dict[str, object]:
    return {
        "plane": one.reader.plane,
        "station": one.reader.department.station,
        "source": _table(one.reader.source),
        "sink": _table(one.reader.sink),
        "rows": one.rows,
        "digest_source": one.digest_source,
        "digest_sink": one.digest_sink,
    }


def _table(at: TableAt) -> dict[str, object]:
    return {
        "database": str(at.database.resolve()),
        "table": at.table,
        "key": list(at.key),
        "columns": list(at.columns),
    }


# --- for people ---------------------------------------------------------------------------------

_STEPS = Text("步骤", "Step")
_OUTCOME = Text("结果", "Outcome")
_SECONDS = Text("秒", "s")
_READERS = (
    Text("平面", "Plane"),
    Text("读取方", "Reader"),
    Text("资源", "Resource"),
    Text("行数", "Rows"),
    Text("源摘要", "Source digest"),
    Text("目标摘要", "Sink digest"),
)


def show(
    console: Console, language: Language, readers: Sequence[Compared], steps: Sequence[Done]
) -> None:
    """The summary at the end."""
    table = Table()
    for heading in (_STEPS, _OUTCOME, _SECONDS):
        table.add_column(heading.say(language), overflow="fold")
    for step in steps:
        mark = "[green]✓[/]" if step.held else "[red]✗[/]"
        outcome = escape(step.outcome.say(language))
        table.add_row(f"{mark} {step.name.say(language)}", outcome, f"{step.seconds:.1f}")
    console.print(table)
    if not readers:
        return
    table = Table()
    for heading in _READERS:
        table.add_column(heading.say(language), overflow="fold")
    for one in readers:
        same = "[green]✓[/]" if one.equal else "[red]✗[/]"
        about = one.reader
        table.add_row(
            PLANES[about.plane].say(language),
            f"{about.department.station} {about.department.name}",
            about.resource.name,
            str(one.rows),
            one.digest_source[:12],
            f"{one.digest_sink[:12]} {same}",
        )
    console.print(table)
