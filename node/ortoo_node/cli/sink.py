"""sink: what subscriptions may write to, and whether it answers."""

from __future__ import annotations

from typing import Annotated

import typer

from ortoo_node.cli.source import endpoints
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(help="What subscriptions may write to: list, test.", no_args_is_help=True)


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List the sinks that the settings name; passwords are not shown."""
    shell = Shell.of(ctx)
    answer = shell.call("sink.list")
    shell.answer(answer, lambda: endpoints(shell, answer["sinks"]))


@app.command("test")
def try_(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the sink in the settings.")],
    as_json: Json = False,
) -> None:
    """Connect to a sink, as a subscription would; writes nothing."""
    shell = Shell.of(ctx)
    shell.done(shell.call("sink.test", name=name), "{name} answers.", name=name)
