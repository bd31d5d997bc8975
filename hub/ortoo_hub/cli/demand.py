"""demand: demands of all members (需求), assigned across leagues."""

from __future__ import annotations

from typing import Annotated

import typer

from ortoo_protocol.cli.common import Approver, Handler
from ortoo_protocol.cli.demands import Number, Provider, State, show_demand, show_demands
from ortoo_protocol.cli.paging import Limit, Offset, more, span
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(help="Demands for data that no catalog has: list, assign.", no_args_is_help=True)


@app.command("list")
def list_(
    ctx: typer.Context,
    state: State = "",
    limit: Limit = None,
    offset: Offset = None,
    as_json: Json = False,
) -> None:
    """List demands."""
    shell = Shell.of(ctx)
    answer = shell.call("demand.list", state=state, **span(limit, offset))
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
    provider: Provider,
    number: Number,
    party: Annotated[str, typer.Option(help="Station whose department has the data.")],
    department: Annotated[str, typer.Option(help="Credit code of that department.")],
    handler: Handler,
    approver: Approver,
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")] = "",
    as_json: Json = False,
) -> None:
    """Assign a demand to a department of another league (交办)."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "demand.assign",
        provider=provider,
        number=number,
        party=party,
        department=department,
        handler=handler,
        approver=approver,
        reason=reason,
    )
    shell.done(answer, "Demand {number} is assigned.", **answer)
