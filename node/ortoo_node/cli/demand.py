"""demand: data that a department needs and no catalog has yet (需求)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ortoo_node.cli.catalog.entries import read_entry
from ortoo_protocol.cli.common import Approver, Handler
from ortoo_protocol.cli.demands import Number, Provider, State, show_demand, show_demands
from ortoo_protocol.cli.paging import Limit, Offset, more, span
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(
    help="Demands: ask for data that no catalog has, assign, take on, supply.",
    no_args_is_help=True,
)
Why = Annotated[str, typer.Option("--reason", help="Why; it is recorded.")]


@app.command("ask")
def ask(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="A row, .toml or .json."),
    ],
    as_json: Json = False,
) -> None:
    """Publish a demand on the list of the region (需求清单)."""
    shell = Shell.of(ctx)
    answer = shell.call("demand.ask", row=read_entry(shell, file))
    shell.done(answer, "Demand {number} is published as version {version}.", **answer)


@app.command("list")
def list_(
    ctx: typer.Context,
    assigned: Annotated[
        bool, typer.Option("--assigned", help="Only those assigned to departments here.")
    ] = False,
    state: State = "",
    limit: Limit = None,
    offset: Offset = None,
    as_json: Json = False,
) -> None:
    """List demands."""
    shell = Shell.of(ctx)
    answer = shell.call("demand.list", assigned=assigned, state=state, **span(limit, offset))
    shell.answer(answer, lambda: show_demands(shell, answer["demands"]))
    more(shell, answer, "demands", offset)


@app.command("show")
def show(ctx: typer.Context, provider: Provider, number: Number, as_json: Json = False) -> None:
    """Show a demand and all that became of it."""
    shell = Shell.of(ctx)
    answer = shell.call("demand.show", provider=provider, number=number)
    shell.answer(answer, lambda: show_demand(shell, answer))


@app.command("assign")
def assign(
    ctx: typer.Context,
    number: Number,
    department: Annotated[str, typer.Option(help="Credit code of the department here.")],
    handler: Handler,
    approver: Approver,
    reason: Why = "",
    as_json: Json = False,
) -> None:
    """Assign a demand of one department here to another, as this city's authority (交办)."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "demand.assign",
        number=number,
        department=department,
        handler=handler,
        approver=approver,
        reason=reason,
    )
    shell.done(answer, "Demand {number} is assigned.", **answer)


@app.command("take")
def take(
    ctx: typer.Context,
    provider: Provider,
    number: Number,
    handler: Handler,
    approver: Approver,
    reason: Why = "",
    as_json: Json = False,
) -> None:
    """Take a demand on: a draft of a catalog entry begins. Published, it supplies the demand."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "demand.take",
        provider=provider,
        number=number,
        handler=handler,
        approver=approver,
        reason=reason,
    )
    shell.done(answer, "Demand {number} is taken on; its draft is {draft}.", **answer)


@app.command("decline")
def decline(
    ctx: typer.Context,
    provider: Provider,
    number: Number,
    handler: Handler,
    approver: Approver,
    reason: Why,
    as_json: Json = False,
) -> None:
    """Decline a demand; the authority may assign it to another department."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "demand.decline",
        provider=provider,
        number=number,
        reason=reason,
        handler=handler,
        approver=approver,
    )
    shell.done(answer, "Demand {number} is declined.", **answer)


@app.command("supply")
def supply(
    ctx: typer.Context,
    provider: Provider,
    number: Number,
    resource: Annotated[str, typer.Option(help="Code of the resource that supplies it.")],
    handler: Handler,
    approver: Approver,
    as_json: Json = False,
) -> None:
    """Name a resource that supplies a demand and is in the catalog already."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "demand.supply",
        provider=provider,
        number=number,
        resource=resource,
        handler=handler,
        approver=approver,
    )
    shell.done(answer, "Demand {number} is supplied.", **answer)
