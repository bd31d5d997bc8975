"""todo, and notify: what waits for whom, and how they hear of it."""

from __future__ import annotations

from typing import Annotated

import typer

from ortoo_protocol.cli.clock import due
from ortoo_protocol.cli.exits import Exit
from ortoo_protocol.cli.paging import Limit, Offset, more, span
from ortoo_protocol.cli.shell import Json, Shell

todo = typer.Typer()
notify = typer.Typer(help="Notices to people: test, list, retry.", no_args_is_help=True)


@todo.command("todo")
def todo_(
    ctx: typer.Context,
    person: Annotated[
        str, typer.Option(help="What is for this person now; B has A's while A is away.")
    ] = "",
    department: Annotated[str, typer.Option(help="What is for this department.")] = "",
    as_json: Json = False,
) -> None:
    """Show what is to be done, the most urgent first."""
    shell = Shell.of(ctx)
    answer = shell.call("todo.list", person=person, department=department)
    shell.answer(
        answer,
        lambda: shell.table(
            ("Due", "Duty", "Subject", "Department", "On duty", "State", "Article"),
            (
                (
                    due(shell, one),
                    shell.word(one["duty"]),
                    one["subject"],
                    one["department"],
                    "、".join(answer["on_duty"].get(one["department"], ())),
                    shell.word("in time" if one["state"] == "running" else one["state"]),
                    one["article"],
                )
                for one in answer["clocks"]
            ),
        ),
    )


@notify.command("test")
def send_test(
    ctx: typer.Context,
    person: Annotated[str, typer.Option(help="To this contact person.")] = "",
    department: Annotated[str, typer.Option(help="Of this department.")] = "",
    as_json: Json = False,
) -> None:
    """Send a test on every channel, and show what became of it."""
    shell = Shell.of(ctx)
    answer = shell.call("notify.test", person=person, department=department, timeout_s=120.0)
    shell.answer(
        answer,
        lambda: shell.table(
            ("Channel", "Address", "Outcome"),
            (
                (
                    one["channel"],
                    one["address"],
                    shell.word("sent") if one["error"] is None else shell.crossed(one["error"]),
                )
                for one in answer["channels"]
            ),
        ),
    )
    if any(one["error"] is not None for one in answer["channels"]):
        raise typer.Exit(Exit.REFUSED)


@notify.command("list")
def list_(
    ctx: typer.Context,
    state: Annotated[str, typer.Option(help="waiting, sent, failed or dropped.")] = "",
    limit: Limit = None,
    offset: Offset = None,
    as_json: Json = False,
) -> None:
    """List notices and how far each has come."""
    shell = Shell.of(ctx)
    answer = shell.call("notify.list", state=state, **span(limit, offset))
    shell.answer(
        answer,
        lambda: shell.table(
            ("Number", "Channel", "Department", "Person", "Made", "State", "Attempts", "Detail"),
            (
                (
                    one["number"],
                    one["channel"],
                    one["department"],
                    one["person"],
                    shell.time(one["created_ms"]),
                    shell.word(one["state"]),
                    one["attempts"],
                    one["error"],
                )
                for one in answer["deliveries"]
            ),
        ),
    )
    more(shell, answer, "deliveries", offset)


@notify.command("retry")
def retry(ctx: typer.Context, as_json: Json = False) -> None:
    """Try everything that waits or was given up again, now."""
    shell = Shell.of(ctx)
    answer = shell.call("notify.retry")
    shell.done(answer, "{count} notices are tried again.", **answer)
