"""catalog: the regional catalog, what was not taken, claims that collide, the lists beside it."""

from __future__ import annotations

from typing import Annotated

import typer

from ortoo_protocol.cli.catalog import looking
from ortoo_protocol.cli.common import show_conflicts, show_entry, show_list_rows
from ortoo_protocol.cli.paging import Limit, Offset, more, span
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(help="The regional catalog.", no_args_is_help=True)
app.add_typer(looking.app)


@app.command("show")
def show_resource(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="Code of the resource.")],
    as_json: Json = False,
) -> None:
    """Show one entry with its items."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.show", code=code)
    shell.answer(answer, lambda: show_entry(shell, answer))


@app.command("refusals")
def refusals(
    ctx: typer.Context, limit: Limit = None, offset: Offset = None, as_json: Json = False
) -> None:
    """List entries that were not taken into the catalog, and why."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.refusals", **span(limit, offset))
    shell.answer(
        answer,
        lambda: shell.table(
            ("Time", "Code", "Version", "Provider", "Error", "Reason"),
            (
                (
                    shell.time(one["time_ms"]),
                    one["code"],
                    one["version"],
                    one["provider"],
                    one["error"],
                    one["reason"],
                )
                for one in answer["refusals"]
            ),
        ),
    )
    more(shell, answer, "refusals", offset)


@app.command("conflicts")
def conflicts(
    ctx: typer.Context,
    state: Annotated[str, typer.Option(help="Only open, resolved or lapsed ones.")] = "open",
    limit: Limit = None,
    offset: Offset = None,
    as_json: Json = False,
) -> None:
    """List data that two resources both claim to be the source of (一数一源)."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.conflicts", state=state, **span(limit, offset))
    shell.answer(answer, lambda: show_conflicts(shell, answer["conflicts"]))
    more(shell, answer, "conflicts", offset)


@app.command("resolve")
def resolve(
    ctx: typer.Context,
    conflict: Annotated[str, typer.Argument(help="Number of the conflict.")],
    reason: Annotated[str, typer.Option(help="Why; both compilers read it.")],
    by: Annotated[str, typer.Option(help="Who decides this.")],
    source: Annotated[
        str, typer.Option(help="Code of the resource whose data they are; none: both keep theirs.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Decide a conflict over the source of data; both compilers are told."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.resolve", conflict=conflict, source=source, reason=reason, by=by)
    shell.done(answer, "Conflict {conflict} is resolved.", conflict=conflict)


@app.command("lists")
def lists(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="LIST", help="demand, duty or negative.")],
    status: Annotated[str, typer.Option(help="Only open, answered or closed ones.")] = "",
    limit: Limit = None,
    offset: Offset = None,
    as_json: Json = False,
) -> None:
    """Show a list of the region: demand (需求), duty (责任), negative (负面)."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.lists", list=name, status=status, **span(limit, offset))
    shell.answer(answer, lambda: show_list_rows(shell, answer["rows"]))
    more(shell, answer, "rows", offset)
