"""What both programs show of demands (需求)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.shell import Shell

Provider = Annotated[str, typer.Argument(help="Party that demands, such as s150700.")]
Number = Annotated[str, typer.Argument(help="Number of the demand.")]
State = Annotated[str, typer.Option(help="Only open, assigned, taken, declined or supplied ones.")]


def show_demands(shell: Shell, demands: Iterable[Mapping[str, Any]]) -> None:
    shell.table(
        ("Party", "Number", "Title", "Department", "State", "Assigned to", "Resource", "Last day"),
        (
            (
                one["provider"],
                one["number"],
                one["title"],
                one["department_name"],
                shell.word(one["state"]),
                " ".join(filter(None, (one["party"], one["assigned_department"]))),
                one["supplied_by"],
                _last_day(one),
            )
            for one in demands
        ),
    )


def show_demand(shell: Shell, one: Mapping[str, Any]) -> None:
    """A demand, and all that became of it."""
    shell.facts(
        [
            ("Party", one["provider"]),
            ("Number", one["number"]),
            ("Title", one["title"]),
            ("Content", one["content"]),
            ("Department", one["department_name"]),
            ("Purpose", one["purpose"]),
            ("Basis", one["basis"]),
            ("State", shell.word(one["state"])),
            ("Assigned to", " ".join(filter(None, (one["party"], one["assigned_department"])))),
            ("Draft", one["draft"]),
            ("Resource", one["supplied_by"]),
            ("Last day", _last_day(one)),
        ]
    )
    shell.table(
        ("Time", "What happened", "Party", "By", "Reason"),
        (
            (
                shell.time(event["time_ms"]),
                shell.word(event["event"]),
                event["party"],
                event["by"],
                event["reason"],
            )
            for event in one["events"]
        ),
    )


def _last_day(one: Mapping[str, Any]) -> str:
    return ", ".join(
        clock["day"] for clock in one["clocks"] if clock["state"] == "running" and clock["day"]
    )
