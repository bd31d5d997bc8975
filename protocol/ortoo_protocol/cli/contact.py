"""contact: who is responsible for sharing in each department (联系人, A/B 角)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.cli.visible import visible
from ortoo_protocol.core.law.clock import instant_ms

app = typer.Typer(
    help="Contacts of departments: set, confirm, hand over, stand in.", no_args_is_help=True
)
Department = Annotated[str, typer.Argument(help="Credit code of the department.")]
By = Annotated[str, typer.Option(help="Who does this.")]
Reason = Annotated[str, typer.Option(help="Why.")]
Phone = Annotated[str, typer.Option(help="Phone number.")]
Mail = Annotated[str, typer.Option(help="Mail address.")]
Webhook = Annotated[str, typer.Option(help="Address to which this person's notices are posted.")]


@app.command("list")
def list_(
    ctx: typer.Context,
    party: Annotated[str, typer.Option(help="Only those of this party.")] = "",
    as_json: Json = False,
) -> None:
    """List contacts; at the hub those of all members."""
    shell = Shell.of(ctx)
    answer = shell.call("contact.list", party=party)
    shell.answer(answer, lambda: _table(shell, answer["contacts"]))


@app.command("show")
def show(
    ctx: typer.Context,
    department: Department,
    party: Annotated[str, typer.Option(help="Whose department; this party's if left out.")] = "",
    as_json: Json = False,
) -> None:
    """Show a department's contacts, who is away, and what was handed over."""
    shell = Shell.of(ctx)
    answer = shell.call("contact.show", department=department, party=party)

    def human() -> None:
        _table(shell, [answer])
        shell.table(
            ("Away", "From", "Until"),
            (
                (one["person"], shell.time(one["from_ms"]), shell.time(one["until_ms"]))
                for one in answer["away"]
            ),
        )
        shell.table(
            ("Time", "Role", "From", "To", "By", "Reason", "Open matters"),
            (
                (
                    shell.time(one["time_ms"]),
                    one["role"].upper(),
                    one["before"],
                    one["after"],
                    one["by"],
                    one["reason"],
                    "\n".join(one["matters"]),
                )
                for one in answer["handovers"]
            ),
        )

    shell.answer(answer, human)


@app.command("set")
def set_(
    ctx: typer.Context,
    department: Department,
    unit: Annotated[str, typer.Option(help="The unit that is responsible for sharing.")],
    a_name: Annotated[str, typer.Option(help="Person A.")],
    by: By,
    a_phone: Phone = "",
    a_mail: Mail = "",
    a_webhook: Webhook = "",
    b_name: Annotated[str, typer.Option(help="Person B, who stands in for A.")] = "",
    b_phone: Phone = "",
    b_mail: Mail = "",
    b_webhook: Webhook = "",
    as_json: Json = False,
) -> None:
    """Set the contacts of a department here, or their addresses; the hub is told."""
    shell = Shell.of(ctx)
    second = _person(b_name, b_phone, b_mail, b_webhook) if b_name else None
    answer = shell.call(
        "contact.set",
        department=department,
        unit=unit,
        by=by,
        a=_person(a_name, a_phone, a_mail, a_webhook),
        b=second,
    )
    _said(shell, answer)


@app.command("confirm")
def confirm(ctx: typer.Context, department: Department, by: By, as_json: Json = False) -> None:
    """Confirm that the contacts of a department are right."""
    shell = Shell.of(ctx)
    _said(shell, shell.call("contact.confirm", department=department, by=by))


@app.command("handover")
def handover(
    ctx: typer.Context,
    department: Department,
    role: Annotated[str, typer.Argument(help="a or b.")],
    name: Annotated[str, typer.Option(help="Who takes over.")],
    by: By,
    phone: Phone = "",
    mail: Mail = "",
    webhook: Webhook = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Replace A or B; what is open then is recorded and listed."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "contact.handover",
        department=department,
        role=role,
        to=_person(name, phone, mail, webhook),
        by=by,
        reason=reason,
    )
    _said(shell, answer)
    if not shell.as_json:
        shell.line("{count} open matters are handed over.", count=len(answer["matters"]))
        for matter in answer["matters"]:
            typer.echo(visible(matter))


@app.command("away")
def away(
    ctx: typer.Context,
    department: Department,
    person: Annotated[str, typer.Argument(help="Who is away.")],
    until: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Back on this day.")
    ],
    by: By,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--from", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="From this day; now if left out."
        ),
    ] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Note that A is away: B sees and gets what is A's until then."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "contact.away",
        department=department,
        person=person,
        until_ms=instant_ms(until),
        from_ms=0 if since is None else instant_ms(since),
        by=by,
        reason=reason,
    )
    shell.done(answer, "{person} is away until {until}.", person=person, until=until)


@app.command("back")
def back(
    ctx: typer.Context,
    department: Department,
    person: Annotated[str, typer.Argument(help="Who is back.")],
    as_json: Json = False,
) -> None:
    """Note that somebody is back before the time, or did not leave."""
    shell = Shell.of(ctx)
    answer = shell.call("contact.back", department=department, person=person)
    shell.done(answer, "{person} is back.", person=person)


def _person(name: str, phone: str, mail: str, webhook: str) -> dict[str, str]:
    return {"name": name, "phone": phone, "mail": mail, "webhook": webhook}


def _said(shell: Shell, answer: dict[str, Any]) -> None:
    shell.done(
        answer, "The contacts of {department} are confirmed; look again by {confirm_by}.", **answer
    )


def _table(shell: Shell, contacts: list[dict[str, Any]]) -> None:
    shell.table(
        ("Party", "Department", "Unit", "Role", "Name", "Phone", "Mail", "Confirmed", "Look again"),
        (
            (
                one["party"],
                one["department"],
                one["unit"],
                person["role"].upper(),
                person["name"],
                person["phone"],
                person["mail"],
                shell.time(one["confirmed_ms"]),
                one["confirm_by"] + (f" ({shell.word('late')})" if one["stale"] else ""),
            )
            for one in contacts
            for person in one["persons"]
        ),
    )
