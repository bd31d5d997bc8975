"""catalog lists, catalog conflicts: lists beside the catalog, claims that collide."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ortoo_node.cli.catalog.entries import read_entry
from ortoo_protocol.cli.common import show_conflicts, show_list_rows
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(
    help="Lists beside the catalog: demand (需求), duty (责任), negative (负面).",
    no_args_is_help=True,
)
beside = typer.Typer()
List = Annotated[str, typer.Argument(metavar="LIST", help="demand, duty or negative.")]


@app.command("show")
def show(
    ctx: typer.Context,
    name: List,
    mine: Annotated[bool, typer.Option("--mine", help="Only this station's own.")] = False,
    status: Annotated[str, typer.Option(help="Only open, answered or closed ones.")] = "",
    text: Annotated[str, typer.Option(help="Only those whose title holds this.")] = "",
    as_json: Json = False,
) -> None:
    """Show a list of the whole region; works also while the hub is down."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.lists.show", list=name, mine=mine, status=status, text=text)
    shell.answer(answer, lambda: show_list_rows(shell, answer["rows"]))


@app.command("put")
def put(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="A row, .toml or .json."),
    ],
    as_json: Json = False,
) -> None:
    """Publish a row, or, if it names a number, the next version of that one."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.lists.put", row=read_entry(shell, file))
    shell.done(answer, "Row {number} is published as version {version}.", **answer)


@app.command("settle")
def settle(
    ctx: typer.Context,
    name: List,
    number: Annotated[str, typer.Argument(help="Number of the row.")],
    by: Annotated[str, typer.Option(help="Who does this.")],
    checker: Annotated[str, typer.Option(help="Who checked it for secrecy.")],
    approver: Annotated[str, typer.Option(help="Who approves it; somebody else.")],
    status: Annotated[str, typer.Option(help="answered or closed.")] = "closed",
    answer: Annotated[str, typer.Option(help="How, or why.")] = "",
    resource: Annotated[str, typer.Option(help="Code of the resource that answers it.")] = "",
    as_json: Json = False,
) -> None:
    """Say how a row of ours ended."""
    shell = Shell.of(ctx)
    row = shell.call(
        "catalog.lists.settle",
        list=name,
        number=number,
        status=status,
        answer=answer,
        resource=resource,
        by=by,
        checker=checker,
        approver=approver,
    )
    shell.done(row, "Row {number} is published as version {version}.", **row)


@app.command("uncovered")
def uncovered(ctx: typer.Context, as_json: Json = False) -> None:
    """List our resources that are not shared and stand on no negative list."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.lists.uncovered")
    shell.answer(answer, lambda: shell.table(("Code",), ((code,) for code in answer["codes"])))


@beside.command("conflicts")
def conflicts(
    ctx: typer.Context,
    state: Annotated[str, typer.Option(help="Only open, resolved or lapsed ones.")] = "",
    as_json: Json = False,
) -> None:
    """List data that an entry of ours and another's both claim to be the source of (一数一源)."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.conflicts", state=state)
    shell.answer(answer, lambda: show_conflicts(shell, answer["conflicts"]))
