"""request accept, return, extend, grant, refuse: what the provider's people do."""

from __future__ import annotations

from typing import Annotated

import typer

from ortoo_node.cli.request.options import Case, Items, Reason
from ortoo_protocol.cli.common import Approver, Handler, Until, end_of_day_ms
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer()


@app.command("accept")
def accept(ctx: typer.Context, case: Case, handler: Handler, as_json: Json = False) -> None:
    """Take a request on (受理): nothing is missing."""
    shell = Shell.of(ctx)
    answer = shell.call("request.accept", case=case, handler=handler)
    shell.done(answer, "Case {case} is taken on.", **answer)


@app.command("return")
def return_(
    ctx: typer.Context,
    case: Case,
    missing: Annotated[
        list[str], typer.Option(help="What is missing; repeatable: all is said at once.")
    ],
    handler: Handler,
    approver: Approver,
    as_json: Json = False,
) -> None:
    """Return a request for completion, once (一次性告知). Its clock stands still meanwhile."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "request.return", case=case, missing=missing, handler=handler, approver=approver
    )
    shell.done(answer, "Case {case} is returned for completion.", **answer)


@app.command("extend")
def extend(
    ctx: typer.Context,
    case: Case,
    reason: Reason,
    handler: Handler,
    approver: Approver,
    as_json: Json = False,
) -> None:
    """Ask the authority for more time, where the rule profile knows that (Decree 809 art. 21)."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "request.extend", case=case, reason=reason, handler=handler, approver=approver
    )
    shell.done(answer, "The authority is asked for more time in case {case}.", **answer)


@app.command("grant")
def grant(
    ctx: typer.Context,
    case: Case,
    handler: Handler,
    approver: Approver,
    item: Items = None,
    conditions: Annotated[
        str, typer.Option(help="Conditions of use; it opens once they are accepted.")
    ] = "",
    until: Until = None,
    mask: Annotated[
        list[str] | None,
        typer.Option(
            help="COLUMN=MASK, how an item is masked, as 'id_card=partial(6,4)'; several times."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Grant a request, whole or for named items only, some of them masked (脱敏).

    Masks: partial(n,m), name, id-card, phone, bank-card, hash, year, month, range(step),
    age(18,35,60), division(province|city|county), suppress.
    """
    shell = Shell.of(ctx)
    masks = _masks(shell, mask or [])
    answer = shell.call(
        "request.grant",
        case=case,
        items=item or [],
        handler=handler,
        approver=approver,
        conditions=conditions,
        until_ms=end_of_day_ms(until),
        masks=masks,
    )
    if answer["state"] == "offered":
        shell.done(
            answer, "Offered: grant {grant} opens once its conditions are accepted.", **answer
        )
    else:
        shell.done(answer, "Granted: grant {grant}, read on {feed}.", **answer)


def _masks(shell: Shell, given: list[str]) -> dict[str, str]:
    masks: dict[str, str] = {}
    for each in given:
        column, equals, mask = each.partition("=")
        if not equals or not column or column in masks:
            raise typer.BadParameter(shell.say("{mask} is not COLUMN=MASK.", mask=each))
        masks[column] = mask
    return masks


@app.command("refuse")
def refuse(
    ctx: typer.Context,
    case: Case,
    handler: Handler,
    approver: Approver,
    reason: Annotated[str, typer.Option(help="Why; it goes to the applicant.")] = "",
    ground_kind: Annotated[
        str, typer.Option(help="法律, 行政法规 or 国务院决定, where the profile asks for a ground.")
    ] = "",
    ground: Annotated[str, typer.Option(help="The article that forbids sharing.")] = "",
    as_json: Json = False,
) -> None:
    """Refuse a request. Without a reason this is not accepted (art. 19)."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "request.refuse",
        case=case,
        reason=reason,
        handler=handler,
        approver=approver,
        ground_kind=ground_kind,
        ground=ground,
    )
    shell.done(answer, "Case {case} is refused.", **answer)
