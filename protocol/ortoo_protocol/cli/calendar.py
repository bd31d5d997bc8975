"""calendar show: the working days that deadlines are reckoned with."""

from __future__ import annotations

from typing import Annotated

import typer

from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(help="Working days: what the hub put into force.", no_args_is_help=True)
Year = Annotated[int, typer.Argument(help="One year, with its days; all years if left out.")]


@app.command("show")
def show(ctx: typer.Context, year: Year = 0, as_json: Json = False) -> None:
    """Show the years that are known; deadlines beyond them are provisional."""
    shell = Shell.of(ctx)
    answer = shell.call("calendar.show", year=year)

    def human() -> None:
        shell.table(
            ("Year", "Version", "Days off", "Weekends worked", "Source", "By"),
            (
                (one["year"], one["version"], one["off"], one["worked"], one["source"], one["by"])
                for one in answer["years"]
            ),
        )
        if year:
            shell.table(
                ("Day", "Kind", "Name"),
                (
                    (day["day"], shell.word("work" if day["working"] else "off"), day["name"])
                    for one in answer["years"]
                    for day in one["days"]
                ),
            )

    shell.answer(answer, human)
