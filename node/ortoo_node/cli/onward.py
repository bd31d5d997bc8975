"""use onward: consent to passing on what was received (提供给第三方, Decree 809 art. 25)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.common import end_of_day_ms
from ortoo_protocol.cli.grants import By, Grant, Reason, show_onward
from ortoo_protocol.cli.paging import Limit, Offset, more, span
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(help="Passing on what was received: ask, answer, list.", no_args_is_help=True)

Onward = Annotated[str, typer.Argument(help="Number of the consent.")]
Handler = Annotated[str, typer.Option(help="Who deals with it.")]
Approver = Annotated[str, typer.Option(help="Who approves it; another person.")]


@app.command("ask")
def ask(
    ctx: typer.Context,
    grant: Grant,
    resource: Annotated[str, typer.Option(help="Resource of ours that it is passed on through.")],
    to: Annotated[str, typer.Option("--to", help="Party that it goes to.")],
    department: Annotated[str, typer.Option(help="Department of that party (code).")],
    basis: Annotated[str, typer.Option(help="Law or task that this rests on (依据).")],
    purpose: Annotated[str, typer.Option(help="What it is needed for.")],
    form: Annotated[str, typer.Option(help="In what form: as it is, summed up, checked (形式).")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day.")],
    handler: Handler,
    approver: Approver,
    as_json: Json = False,
) -> None:
    """Ask the provider of a grant of ours for consent to pass its data on to a third party."""
    _order(
        ctx,
        "onward.ask",
        grant=grant,
        resource=resource,
        third=to,
        third_department=department,
        basis=basis,
        purpose=purpose,
        form=form,
        until_ms=end_of_day_ms(until),
        handler=handler,
        approver=approver,
    )


@app.command("consent")
def consent(
    ctx: typer.Context,
    onward: Onward,
    handler: Handler,
    approver: Approver,
    conditions: Annotated[str, typer.Option(help="Conditions that come with it.")] = "",
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The last day; as asked for if left out."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Consent that data of ours are passed on as asked (同意)."""
    _order(
        ctx,
        "onward.answer",
        onward=onward,
        consented=True,
        conditions=conditions,
        until_ms=end_of_day_ms(until),
        handler=handler,
        approver=approver,
    )


@app.command("refuse")
def refuse(
    ctx: typer.Context,
    onward: Onward,
    reason: Reason,
    handler: Handler,
    approver: Approver,
    as_json: Json = False,
) -> None:
    """Refuse that data of ours are passed on (不同意)."""
    _order(
        ctx,
        "onward.answer",
        onward=onward,
        consented=False,
        reason=reason,
        handler=handler,
        approver=approver,
    )


@app.command("revoke")
def revoke(
    ctx: typer.Context, onward: Onward, reason: Reason, by: By, as_json: Json = False
) -> None:
    """Take a consent back; what is passed on under it ends (撤回同意)."""
    _order(ctx, "onward.revoke", onward=onward, reason=reason, by=by)


@app.command("list")
def list_(
    ctx: typer.Context,
    grant: Annotated[str, typer.Option(help="Of this grant alone.")] = "",
    limit: Limit = None,
    offset: Offset = None,
    as_json: Json = False,
) -> None:
    """List what was asked for and answered, by us and by others."""
    shell = Shell.of(ctx)
    answer = shell.call("onward.list", grant=grant, **span(limit, offset))
    shell.answer(answer, lambda: show_onward(shell, answer["onward"]))
    more(shell, answer, "onward", offset)


def _order(ctx: typer.Context, method: str, **params: Any) -> None:
    shell = Shell.of(ctx)
    answer = shell.call(method, **params)
    shell.answer(answer, lambda: show_onward(shell, [answer]))
