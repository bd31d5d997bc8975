"""What both programs show of the region's announcements (公告)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.paging import Limit, Offset, more, span
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(help="Announcements of the region: list, show, read.", no_args_is_help=True)
Number = Annotated[str, typer.Argument(help="Number of the announcement.")]
ALL_LEAGUES = "all leagues and cities"


@app.command("list")
def list_(
    ctx: typer.Context,
    all_: Annotated[
        bool, typer.Option("--all", help="Also those that ended, or have not begun.")
    ] = False,
    others: Annotated[bool, typer.Option("--others", help="Also those for other leagues.")] = False,
    limit: Limit = None,
    offset: Offset = None,
    as_json: Json = False,
) -> None:
    """List announcements that are in force, the most urgent first."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "announcement.list",
        which="all" if all_ else "current",
        others=others,
        **span(limit, offset),
    )
    shell.answer(
        answer,
        lambda: shell.table(
            ("Announcement", "Title", "Level", "For", "Until", "State"),
            (
                (
                    one["announcement"],
                    one["title"],
                    shell.word(one["level"]),
                    _addressed(shell, one),
                    shell.time(one["until_ms"]),
                    shell.word(one["standing"]),
                )
                for one in answer["announcements"]
            ),
        ),
    )
    more(shell, answer, "announcements", offset)


@app.command("show")
def show(ctx: typer.Context, announcement: Number, as_json: Json = False) -> None:
    """Show an announcement, what became of it, and who has read it here."""
    shell = Shell.of(ctx)
    answer = shell.call("announcement.show", announcement=announcement)
    shell.answer(answer, lambda: show_one(shell, answer))


def show_one(shell: Shell, answer: Mapping[str, Any]) -> None:
    one = answer["announcement"]
    shell.facts(
        [
            ("Announcement", one["announcement"]),
            ("Title", one["title"]),
            ("Text", one["text"]),
            ("Level", shell.word(one["level"])),
            ("For", _addressed(shell, one)),
            ("From", shell.time(one["from_ms"])),
            ("Until", shell.time(one["until_ms"])),
            ("State", shell.word(one["standing"])),
            ("By", one["by"]),
            ("Takes the place of", one["replaces"]),
            ("Its place was taken by", one["successor"]),
            ("Ended", shell.time(one["ended_ms"])),
            ("Ended by", one["ended_by"]),
            ("Reason", one["reason"]),
        ]
    )
    shell.table(
        ("Read by", "Time"),
        ((each["person"], shell.time(each["read_ms"])) for each in answer["readers"]),
    )


def _addressed(shell: Shell, one: Mapping[str, Any]) -> str:
    return "、".join(one["league_names"]) or shell.word(ALL_LEAGUES)
