"""request: share requests (共享申请), asking and answering."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from ortoo_protocol.cli.common import (
    Approver,
    Handler,
    Until,
    end_of_day_ms,
    show_case,
    show_cases,
)
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(help="Share requests: apply, answer, follow.", no_args_is_help=True)
Case = Annotated[str, typer.Argument(help="Number of the case.")]
Items = Annotated[
    list[str] | None,
    typer.Option("--item", help="Column of an item; may be given several times; all if left out."),
]


class Role(enum.StrEnum):
    APPLICANT = "applicant"
    PROVIDER = "provider"
    ALL = "all"


@app.command("apply")
def apply(
    ctx: typer.Context,
    resource: Annotated[str, typer.Argument(help="Code of the resource.")],
    department: Annotated[
        str, typer.Option(help="The applying department's unified social credit code.")
    ],
    purpose: Annotated[str, typer.Option(help="What the data are used for.")],
    basis: Annotated[str, typer.Option(help="The duty or law that needs them.")],
    scenario: Annotated[str, typer.Option(help="In which business they are used.")],
    handler: Handler,
    approver: Approver,
    item: Items = None,
    row_filter: Annotated[str, typer.Option("--rows", help="Which rows; all if left out.")] = "",
    mode: Annotated[str, typer.Option(help="Mode of sharing.")] = "系统对接",
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Apply for a conditional resource (art. 19)."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "request.apply",
        resource=resource,
        department=department,
        purpose=purpose,
        basis=basis,
        scenario=scenario,
        handler=handler,
        approver=approver,
        items=item or [],
        row_filter=row_filter,
        mode=mode,
        until_ms=end_of_day_ms(until),
    )
    shell.done(answer, "Case {case} is on its way to {provider}.", **answer)


@app.command("list")
def list_(
    ctx: typer.Context,
    role: Annotated[Role, typer.Option(help="As whom this station takes part.")] = Role.ALL,
    state: Annotated[
        str | None, typer.Option(help="submitted, granted, refused, withdrawn or ended.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List cases."""
    shell = Shell.of(ctx)
    answer = shell.call("request.list", role=role.value, state=state)
    shell.answer(answer, lambda: show_cases(shell, answer["cases"]))


@app.command("show")
def show(ctx: typer.Context, case: Case, as_json: Json = False) -> None:
    """Show a case and all that happened to it."""
    shell = Shell.of(ctx)
    answer = shell.call("request.show", case=case)
    shell.answer(answer, lambda: show_case(shell, answer))


@app.command("grant")
def grant(
    ctx: typer.Context,
    case: Case,
    handler: Handler,
    approver: Approver,
    item: Items = None,
    conditions: Annotated[str, typer.Option(help="Conditions of use.")] = "",
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
    as_json: Json = False,
) -> None:
    """Refuse a request. Without a reason this is not accepted (art. 19)."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "request.refuse", case=case, reason=reason, handler=handler, approver=approver
    )
    shell.done(answer, "Case {case} is refused.", **answer)


@app.command("withdraw")
def withdraw(
    ctx: typer.Context,
    case: Case,
    reason: Annotated[str, typer.Option(help="Why it is no longer needed.")],
    handler: Handler,
    as_json: Json = False,
) -> None:
    """Withdraw a request of one's own that has no answer yet."""
    shell = Shell.of(ctx)
    answer = shell.call("request.withdraw", case=case, reason=reason, handler=handler)
    shell.done(answer, "Case {case} is withdrawn.", **answer)
