"""What both programs say of a grant in use, and the orders that provider and authority share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.common import show_grants
from ortoo_protocol.cli.shell import Json, Shell

Grant = Annotated[str, typer.Argument(help="Number of the grant.")]
By = Annotated[str, typer.Option(help="Who decides this.")]
Reason = Annotated[str, typer.Option(help="Why; the other side and the authority read it.")]
Days = Annotated[int, typer.Option(min=1, max=365, help="Working days to set it right.")]


app = typer.Typer()  # show, suspend, reject, resume and terminate, under `grant`


@app.command("show")
def show(ctx: typer.Context, grant: Grant, as_json: Json = False) -> None:
    """Show a grant, its suspensions, what was announced, and its history."""
    order(ctx, "grant.show", grant=grant)


@app.command("suspend")
def suspend(
    ctx: typer.Context,
    grant: Grant,
    reason: Reason,
    evidence: Annotated[str, typer.Option(help="What shows it.")],
    by: By,
    days: Days = 5,
    as_json: Json = False,
) -> None:
    """Suspend a grant for misuse (暂停): feed, queries and files rest until it is resumed."""
    order(ctx, "grant.suspend", grant=grant, reason=reason, evidence=evidence, days=days, by=by)


@app.command("reject")
def reject(
    ctx: typer.Context, grant: Grant, reason: Reason, by: By, days: Days = 5, as_json: Json = False
) -> None:
    """Say that what the reader reported is not enough (整改不到位), and until when it is to be."""
    order(ctx, "grant.reject", grant=grant, reason=reason, days=days, by=by)


@app.command("resume")
def resume(ctx: typer.Context, grant: Grant, reason: Reason, by: By, as_json: Json = False) -> None:
    """Resume a suspended grant: the reader goes on from where it stood."""
    order(ctx, "grant.resume", grant=grant, reason=reason, by=by)


@app.command("terminate")
def terminate(
    ctx: typer.Context, grant: Grant, reason: Reason, by: By, as_json: Json = False
) -> None:
    """End a suspended grant that was not set right in time, or not enough (终止)."""
    order(ctx, "grant.terminate", grant=grant, reason=reason, by=by)


def order(ctx: typer.Context, method: str, **params: Any) -> None:
    shell = Shell.of(ctx)
    answer = shell.call(method, **params)
    shell.answer(answer, lambda: show_use(shell, answer))


def show_use(shell: Shell, answer: Mapping[str, Any]) -> None:
    show_grants(shell, [answer["grant"]])
    if answer["suspensions"]:
        shell.table(
            ("Suspended", "By", "Reason", "Evidence", "Until", "State", "Report"),
            (
                (
                    shell.time(one["suspended_ms"]),
                    one["suspender"],
                    f"{one['reason']} ({one['article']})",
                    one["evidence"],
                    shell.time(one["until_ms"]),
                    shell.word(one["state"]),
                    one["report"],
                )
                for one in answer["suspensions"]
            ),
        )
    if answer["endings"]:
        shell.table(
            ("Announced", "From", "Reason", "Filing", "By", "State", "Answer"),
            (
                (
                    shell.word(one["what"]),
                    shell.time(one["at_ms"]),
                    one["reason"],
                    one["filing"],
                    one["by"],
                    shell.word(one["state"]),
                    one["answer"],
                )
                for one in answer["endings"]
            ),
        )
    if answer["onward"]:
        show_onward(shell, answer["onward"])
    shell.table(
        ("Time", "What happened", "Party", "By", "Reason"),
        (
            (
                shell.time(event["time_ms"]),
                shell.word(event["event"]),
                event["party"],
                event["by"],
                event["reason"],
            )
            for event in answer["events"]
        ),
    )


def show_onward(shell: Shell, consents: Sequence[Mapping[str, Any]]) -> None:
    """Consents to passing on, asked for and answered."""
    shell.table(
        ("Consent", "Through", "To", "Purpose", "Form", "Clause", "Until", "State", "Answer"),
        (
            (
                one["onward"],
                one["resource"],
                f"{one['third']} {one['third_department']}",
                one["purpose"],
                one["form"],
                one["clause"],
                shell.time(one["until_ms"] or one["asked_until_ms"]),
                shell.word(one["state"]),
                one["reason"] or one["conditions"],
            )
            for one in consents
        ),
    )
