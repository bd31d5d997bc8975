"""announce: what the region makes known to its stations (公告)."""

from __future__ import annotations

import enum
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ortoo_protocol.cli import announcements
from ortoo_protocol.cli.announcements import Number
from ortoo_protocol.cli.common import end_of_day_ms
from ortoo_protocol.cli.files import read_bytes
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.core.errors import AnnouncementInvalid
from ortoo_protocol.core.law.clock import instant_ms

app = typer.Typer(
    help="Announcements to all stations, or to some leagues: issue, withdraw, list, show.",
    no_args_is_help=True,
)
app.command("list")(announcements.list_)
app.command("show")(announcements.show)
By = Annotated[str, typer.Option(help="Who announces it.")]
DAY = ["%Y-%m-%d"]


class Urgency(enum.StrEnum):
    INFORMATION = "information"
    IMPORTANT = "important"
    URGENT = "urgent"


@app.command("issue")
def issue(
    ctx: typer.Context,
    title: Annotated[str, typer.Option(help="One line of up to 100 characters.")],
    until: Annotated[datetime, typer.Option(formats=DAY, help="The last day on which it counts.")],
    by: By,
    text: Annotated[str, typer.Option(help="Up to 4,000 characters.")] = "",
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="The text, from a file.")
    ] = None,
    level: Annotated[Urgency, typer.Option(help="How urgent it is.")] = Urgency.INFORMATION,
    from_: Annotated[
        datetime | None,
        typer.Option("--from", formats=DAY, help="The first day; from now on if left out."),
    ] = None,
    league: Annotated[
        list[str] | None,
        typer.Option(help="Code of a league or city, such as 150700; all if left out."),
    ] = None,
    replaces: Annotated[str, typer.Option(help="The announcement whose place it takes.")] = "",
    as_json: Json = False,
) -> None:
    """Make an announcement. It cannot be changed: another takes its place, or it is withdrawn."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "announcement.issue",
        title=title,
        text=text if file is None else _text_of(file),
        level=level.value,
        from_ms=0 if from_ is None else instant_ms(from_),
        until_ms=end_of_day_ms(until),
        leagues=league or [],
        by=by,
        replaces=replaces,
    )
    shell.done(answer, "Announcement {announcement} is on its way to the stations.", **answer)


@app.command("withdraw")
def withdraw(
    ctx: typer.Context,
    announcement: Number,
    reason: Annotated[str, typer.Option(help="Why; the stations read it.")],
    by: By,
    as_json: Json = False,
) -> None:
    """Withdraw an announcement; what it said stays on record, with the reason."""
    shell = Shell.of(ctx)
    answer = shell.call("announcement.withdraw", announcement=announcement, reason=reason, by=by)
    shell.done(answer, "Announcement {announcement} is withdrawn.", **answer)


def _text_of(file: Path) -> str:
    try:
        return read_bytes(file).decode("utf-8")
    except UnicodeDecodeError as error:
        raise AnnouncementInvalid(field="text", detail=str(error)) from None
