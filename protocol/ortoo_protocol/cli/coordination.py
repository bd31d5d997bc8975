"""coordination: what the authority decides in share requests (协调处理), station and hub alike."""

from __future__ import annotations

from typing import Annotated

import typer

from ortoo_protocol.cli.common import Approver, Handler, show_coordinations
from ortoo_protocol.cli.paging import Limit, Offset, more, span
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(
    help="What the authority decides: disputes over requests, more time for answers.",
    no_args_is_help=True,
)
Case = Annotated[str, typer.Argument(help="Number of the case.")]
Opinion = Annotated[str, typer.Option("--reason", help="The opinion; both sides are told.")]


@app.command("list")
def list_(
    ctx: typer.Context, limit: Limit = None, offset: Offset = None, as_json: Json = False
) -> None:
    """List what waits for the authority."""
    shell = Shell.of(ctx)
    answer = shell.call("coordination.list", **span(limit, offset))
    shell.answer(answer, lambda: show_coordinations(shell, answer["cases"]))
    more(shell, answer, "cases", offset)


def _rule(
    ctx: typer.Context, case: str, event: str, reason: str, handler: str, approver: str
) -> None:
    shell = Shell.of(ctx)
    answer = shell.call(
        "coordination.rule",
        case=case,
        event=event,
        reason=reason,
        handler=handler,
        approver=approver,
    )
    shell.done(answer, "Case {case} is now: {state}.", **answer)


@app.command("decide")
def decide(
    ctx: typer.Context,
    case: Case,
    reason: Opinion,
    handler: Handler,
    approver: Approver,
    as_json: Json = False,
) -> None:
    """Decide that it is to be shared: the provider's people are obliged to grant it."""
    _rule(ctx, case, "decide", reason, handler, approver)


@app.command("uphold")
def uphold(
    ctx: typer.Context,
    case: Case,
    reason: Opinion,
    handler: Handler,
    approver: Approver,
    as_json: Json = False,
) -> None:
    """Decide that it is not to be shared."""
    _rule(ctx, case, "uphold", reason, handler, approver)


@app.command("refer")
def refer(
    ctx: typer.Context,
    case: Case,
    reason: Opinion,
    handler: Handler,
    approver: Approver,
    as_json: Json = False,
) -> None:
    """Hand a dispute to the government of this level (Decree 809 art. 28)."""
    _rule(ctx, case, "refer", reason, handler, approver)


@app.command("extend")
def extend(
    ctx: typer.Context,
    case: Case,
    reason: Opinion,
    handler: Handler,
    approver: Approver,
    as_json: Json = False,
) -> None:
    """Consent to more time for an answer (Decree 809 art. 21)."""
    _rule(ctx, case, "extend", reason, handler, approver)


@app.command("deny")
def deny(
    ctx: typer.Context,
    case: Case,
    reason: Opinion,
    handler: Handler,
    approver: Approver,
    as_json: Json = False,
) -> None:
    """Refuse more time for an answer."""
    _rule(ctx, case, "deny-extension", reason, handler, approver)
