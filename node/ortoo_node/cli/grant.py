"""grant: what this station may read, and what it lets others read (授权)."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated

import typer

from ortoo_protocol.cli import grants
from ortoo_protocol.cli.common import end_of_day_ms, show_grants
from ortoo_protocol.cli.grants import By, Grant, Reason, order
from ortoo_protocol.cli.paging import Limit, Offset, more, span
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(help="Grants: list, show, suspend, announce, end.", no_args_is_help=True)
app.add_typer(grants.app)


class Role(enum.StrEnum):
    PROVIDER = "provider"
    READER = "reader"
    ALL = "all"


@app.command("list")
def list_(
    ctx: typer.Context,
    role: Annotated[Role, typer.Option(help="As whom this station takes part.")] = Role.ALL,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that ended.")] = False,
    limit: Limit = None,
    offset: Offset = None,
    as_json: Json = False,
) -> None:
    """List grants."""
    shell = Shell.of(ctx)
    answer = shell.call("grant.list", active=not ended, role=role.value, **span(limit, offset))
    shell.answer(answer, lambda: show_grants(shell, answer["grants"]))
    more(shell, answer, "grants", offset)


@app.command("end")
def end(
    ctx: typer.Context,
    grant: Annotated[str, typer.Argument(help="Number of the grant.")],
    reason: Annotated[str, typer.Option(help="Why; it is filed before the end (art. 18).")],
    by: Annotated[str, typer.Option(help="Who decides this.")],
    as_json: Json = False,
) -> None:
    """End a grant: at once, with reason and prior filing; the reader cannot open what follows."""
    shell = Shell.of(ctx)
    answer = shell.call("grant.end", grant=grant, reason=reason, by=by)
    shell.done(answer, "Ended after item {fence} of {feed}; filed as {filing}.", **answer)


class What(enum.StrEnum):
    END = "end"
    CHANGE = "change"


@app.command("rectified")
def rectified(
    ctx: typer.Context,
    grant: Grant,
    report: Annotated[str, typer.Option(help="What was set right (整改报告).")],
    by: By,
    as_json: Json = False,
) -> None:
    """Report to whoever suspended a grant of ours what was set right."""
    order(ctx, "grant.rectified", grant=grant, report=report, by=by)


@app.command("announce")
def announce(
    ctx: typer.Context,
    grant: Grant,
    on: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day as it is now.")],
    reason: Reason,
    by: By,
    what: Annotated[What, typer.Option(help="What comes then.")] = What.END,
    as_json: Json = False,
) -> None:
    """Tell the reader beforehand that a service ends or changes, and file it (art. 18).

    An end comes by itself when that day is over, unless it is taken back: grant keep.
    """
    at_ms = end_of_day_ms(on)
    order(ctx, "grant.announce", grant=grant, what=what.value, reason=reason, at_ms=at_ms, by=by)


@app.command("agree")
def agree(
    ctx: typer.Context,
    grant: Grant,
    by: By,
    reason: Annotated[str, typer.Option(help="What is to be said to it.")] = "",
    as_json: Json = False,
) -> None:
    """Agree to what the provider announced (协商)."""
    order(ctx, "grant.answer", grant=grant, agreed=True, reason=reason, by=by)


@app.command("object")
def object_(
    ctx: typer.Context, grant: Grant, reason: Reason, by: By, as_json: Json = False
) -> None:
    """Object to what the provider announced (协商)."""
    order(ctx, "grant.answer", grant=grant, agreed=False, reason=reason, by=by)


@app.command("keep")
def keep(ctx: typer.Context, grant: Grant, reason: Reason, by: By, as_json: Json = False) -> None:
    """Take back what was announced: the service goes on as it was."""
    order(ctx, "grant.keep", grant=grant, reason=reason, by=by)
