"""clock: the deadlines that run here, and what became of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.paging import Limit, Offset, more, span
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(help="Deadlines under the law: list, show.", no_args_is_help=True)


@app.command("list")
def list_(
    ctx: typer.Context,
    which: Annotated[str, typer.Argument(metavar="WHICH", help="open, late or closed.")] = "open",
    party: Annotated[str, typer.Option(help="Only duties of this party.")] = "",
    department: Annotated[str, typer.Option(help="Only duties of this department.")] = "",
    limit: Limit = None,
    offset: Offset = None,
    as_json: Json = False,
) -> None:
    """List clocks, the most urgent first."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "clock.list", which=which, party=party, department=department, **span(limit, offset)
    )
    shell.answer(answer, lambda: _table(shell, answer["clocks"]))
    more(shell, answer, "clocks", offset)


@app.command("show")
def show(
    ctx: typer.Context,
    clock: Annotated[str, typer.Argument(help="A clock, or a subject such as case:<id>.")],
    as_json: Json = False,
) -> None:
    """Show a clock, or all of a subject, with everything that moved them."""
    shell = Shell.of(ctx)
    answer = shell.call("clock.show", clock=clock)

    def human() -> None:
        _table(shell, answer["clocks"])
        shell.table(
            ("Clock", "Time", "Event", "Detail"),
            (
                (
                    one["duty"],
                    shell.time(event["time_ms"]),
                    shell.word(event["event"]),
                    event["detail"],
                )
                for one in answer["clocks"]
                for event in one["events"]
            ),
        )

    shell.answer(answer, human)


def _table(shell: Shell, clocks: Iterable[Mapping[str, Any]]) -> None:
    shell.table(
        ("Clock", "Subject", "Duty", "Of", "Opened", "Due", "State", "Article"),
        (
            (
                one["clock"],
                one["subject"],
                shell.word(one["duty"]),
                f"{one['party']} {one['department']}".strip(),
                shell.time(one["opened_ms"]),
                due(shell, one),
                shell.word("in time" if one["state"] == "running" else one["state"]),
                one["article"],
            )
            for one in clocks
        ),
    )


def due(shell: Shell, clock: Mapping[str, Any]) -> str:
    """The last day as people read it."""
    if clock["day"] is None:
        return shell.word("promptly")
    mark = f" ({shell.word('provisional')})" if clock["provisional"] else ""
    return f"{clock['day']}{mark}"
