"""request apply, submit, complete, agree, withdraw: what the applicant's people do."""

from __future__ import annotations

from typing import Annotated

import typer

from ortoo_node.cli.request.options import Attach, Case, Items, contents
from ortoo_protocol.cli.common import Approver, Handler, Until, end_of_day_ms
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer()


@app.command("apply")
def apply(
    ctx: typer.Context,
    resource: Annotated[
        list[str], typer.Argument(help="Code of the resource; several make one paper.")
    ],
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
    mode: Annotated[
        str, typer.Option(help="系统对接, 联机查询 (在线查询), 批量下载, 前置机.")
    ] = "系统对接",
    until: Until = None,
    contact: Annotated[str, typer.Option(help="Telephone of the handler.")] = "",
    attach: Attach = None,
    draft: Annotated[bool, typer.Option("--draft", help="Keep it; submit sends it later.")] = False,
    as_json: Json = False,
) -> None:
    """Apply for conditional resources, or open the negotiation on what is not shared (art. 19)."""
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
        contact=contact,
        attachments=contents(attach or []),
        draft=draft,
    )

    def human() -> None:
        for one in answer["cases"]:
            if one["state"] == "draft":
                shell.line("Case {case} is kept as a draft.", **one)
            elif one["joined"]:
                shell.line("The same is asked for already: it is joined to case {case}.", **one)
            else:
                shell.line("Case {case} is on its way to {provider}.", **one)

    shell.answer(answer, human)


@app.command("submit")
def submit(ctx: typer.Context, case: Case, as_json: Json = False) -> None:
    """Send a draft."""
    shell = Shell.of(ctx)
    answer = shell.call("request.submit", case=case)
    shell.done(answer, "Case {case} is sent.", **answer)


@app.command("complete")
def complete(
    ctx: typer.Context,
    case: Case,
    note: Annotated[str, typer.Option(help="What was added.")] = "",
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="FIELD=VALUE of the application, such as basis=…; repeatable."),
    ] = None,
    attach: Attach = None,
    as_json: Json = False,
) -> None:
    """Add what was missing from a returned application (补正); scans replace the first ones."""
    shell = Shell.of(ctx)
    changes = {}
    for each in change or []:
        field, equals, value = each.partition("=")
        if not equals or not field:
            raise typer.BadParameter(shell.say("{change} is not FIELD=VALUE.", change=each))
        changes[field] = value
    answer = shell.call(
        "request.complete",
        case=case,
        note=note,
        changes=changes,
        attachments=contents(attach or []),
    )
    shell.done(answer, "Case {case} is completed and on its way.", **answer)


@app.command("agree")
def agree(
    ctx: typer.Context, case: Case, handler: Handler, approver: Approver, as_json: Json = False
) -> None:
    """Accept the conditions of use of a grant, which opens it."""
    shell = Shell.of(ctx)
    answer = shell.call("request.agree", case=case, handler=handler, approver=approver)
    shell.done(answer, "The conditions of case {case} are accepted.", **answer)


@app.command("withdraw")
def withdraw(
    ctx: typer.Context,
    case: Case,
    reason: Annotated[str, typer.Option(help="Why it is no longer needed.")],
    handler: Handler,
    as_json: Json = False,
) -> None:
    """Withdraw a request of one's own that is open."""
    shell = Shell.of(ctx)
    answer = shell.call("request.withdraw", case=case, reason=reason, handler=handler)
    shell.done(answer, "Case {case} is withdrawn.", **answer)
