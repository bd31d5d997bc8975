"""grant: what this station may read, and what it lets others read (授权)."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from ortoo_protocol.cli.common import show_grants
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(help="Grants: list them, end them.", no_args_is_help=True)


class Role(enum.StrEnum):
    PROVIDER = "provider"
    READER = "reader"
    ALL = "all"


@app.command("list")
def list_(
    ctx: typer.Context,
    role: Annotated[Role, typer.Option(help="As whom this station takes part.")] = Role.ALL,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that ended.")] = False,
    as_json: Json = False,
) -> None:
    """List grants."""
    shell = Shell.of(ctx)
    answer = shell.call("grant.list", active=not ended, role=role.value)
    shell.answer(answer, lambda: show_grants(shell, answer["grants"]))


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
