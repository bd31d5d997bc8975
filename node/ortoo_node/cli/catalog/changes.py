"""catalog change: changes of law or duties that the catalog has to follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.core.law.clock import instant_ms

app = typer.Typer(
    help="Changes of law or duties: the catalog follows within working days.", no_args_is_help=True
)
By = Annotated[str, typer.Option(help="Who does this.")]
Change = Annotated[str, typer.Argument(help="Number of the change.")]
Reason = Annotated[str, typer.Option(help="Why.")]


@app.command("record")
def record(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(help="What changed, in a sentence.")],
    department: Annotated[str, typer.Option(help="Whose law or duties, by credit code.")],
    by: By,
    code: Annotated[
        list[str] | None, typer.Option(help="Resource that has to follow; several times.")
    ] = None,
    basis: Annotated[str, typer.Option(help="The law, regulation or decision.")] = "",
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of the change; today if not.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Record a change of law or duties; from then on the clock runs."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "catalog.change.record",
        department=department,
        what=what,
        by=by,
        basis=basis,
        since_ms=0 if since is None else instant_ms(since),
        codes=code or [],
    )
    shell.done(
        answer,
        "Change {change} is recorded; the catalog follows by {due} ({days} working days).",
        **answer,
    )


@app.command("list")
def list_(
    ctx: typer.Context,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that ended.")] = False,
    as_json: Json = False,
) -> None:
    """List changes and until when the catalog has to follow them."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.change.list", ended=ended)
    shell.answer(answer, lambda: _show(shell, answer["changes"]))


@app.command("extend")
def extend(
    ctx: typer.Context, change: Change, reason: Reason, by: By, as_json: Json = False
) -> None:
    """Extend the time, once, with the authority's consent (Decree 809 art. 17)."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.change.extend", change=change, reason=reason, by=by)
    shell.done(answer, "The catalog follows by {due} ({days} working days).", **answer)


@app.command("close")
def close(
    ctx: typer.Context, change: Change, reason: Reason, by: By, as_json: Json = False
) -> None:
    """Close a change: no entry has to follow it any more."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.change.close", change=change, reason=reason, by=by)
    shell.done(answer, "Change {change} is closed.", **answer)


def _show(shell: Shell, changes: Iterable[Mapping[str, Any]]) -> None:
    shell.table(
        ("Change", "What", "Since", "Due", "State", "Resources", "Reason"),
        (
            (
                one["change"],
                one["what"],
                shell.time(one["since_ms"]),
                one["due"] + (f" ({shell.word('provisional')})" if one["provisional"] else ""),
                shell.word(one["state"]),
                "、".join(each["code"] + ("✓" if each["done_ms"] else "") for each in one["codes"]),
                one["reason"],
            )
            for one in changes
        ),
    )
