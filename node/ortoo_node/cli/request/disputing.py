"""request negotiate, disagree, coordinate: from a refusal to the authority (art. 19)."""

from __future__ import annotations

import typer

from ortoo_node.cli.request.options import Case, Reason, Side
from ortoo_protocol.cli.common import Approver, Handler
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer()


@app.command("negotiate")
def negotiate(
    ctx: typer.Context,
    case: Case,
    reason: Reason,
    handler: Handler,
    approver: Approver,
    as_json: Json = False,
) -> None:
    """Negotiate what was refused, or was not answered in time (协商)."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "request.negotiate", case=case, reason=reason, handler=handler, approver=approver
    )
    shell.done(answer, "Case {case} is negotiated.", **answer)


@app.command("disagree")
def disagree(
    ctx: typer.Context,
    case: Case,
    reason: Reason,
    handler: Handler,
    approver: Approver,
    side: Side = "",
    as_json: Json = False,
) -> None:
    """Say that the negotiation leads to no agreement; either side may."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "request.disagree",
        case=case,
        reason=reason,
        handler=handler,
        approver=approver,
        side=side,
    )
    shell.done(answer, "It is recorded in case {case} that there is no agreement.", **answer)


@app.command("coordinate")
def coordinate(
    ctx: typer.Context,
    case: Case,
    reason: Reason,
    handler: Handler,
    approver: Approver,
    as_json: Json = False,
) -> None:
    """Ask the authority to coordinate (协调), once the negotiation is over."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "request.coordinate", case=case, reason=reason, handler=handler, approver=approver
    )
    shell.done(answer, "Case {case} is with the authority.", **answer)
