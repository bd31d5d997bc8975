"""member: who takes part in the region (成员)."""

from __future__ import annotations

import base64
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ortoo_protocol.cli.common import as_fingerprint
from ortoo_protocol.cli.files import NewFile, read_bytes, write_new
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(
    help="Members: token, admit, welcome, suspend, restore, revoke, compromise.",
    no_args_is_help=True,
)
Party = Annotated[str, typer.Argument(help="Party id, such as s150700.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the directory.")]


@app.command("token")
def token(
    ctx: typer.Context,
    party: Party,
    days: Annotated[int, typer.Option(min=1, max=60, help="How long it is good.")] = 7,
    as_json: Json = False,
) -> None:
    """Make a one-time enrolment token for a party."""
    shell = Shell.of(ctx)
    answer = shell.call("member.token", party=party, days=days)
    until = shell.time(answer["expires_ms"])
    shell.done(answer, "Token for {party}, good until {until}: {token}", **answer, until=until)


@app.command("admit")
def admit(
    ctx: typer.Context,
    request: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The station's request file.")
    ],
    fingerprint: Annotated[
        str,
        typer.Option(help="The request's fingerprint, as its station read it out."),
    ],
    as_json: Json = False,
) -> None:
    """Take a station's request into the next directory, after comparing its fingerprint."""
    shell = Shell.of(ctx)
    content = base64.b64encode(read_bytes(request)).decode()
    answer = shell.call("member.admit", request=content, fingerprint=as_fingerprint(fingerprint))
    shell.done(
        answer,
        "{party} {name} is in the next directory. Registrars sign it: directory propose.",
        **answer,
    )


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List members and what the next directory changes."""
    shell = Shell.of(ctx)
    answer = shell.call("member.list")
    shell.answer(answer, lambda: show_members(shell, answer["members"]))


def show_members(shell: Shell, members: list[dict[str, object]]) -> None:
    shell.table(
        ("Party", "Name", "Status", "Next", "Since", "Departments", "Seen", "Reason"),
        (
            (
                member["party"],
                member["name"],
                shell.word(member["status"]),
                shell.word(member["pending"]),
                shell.time(_ms(member["since_ms"])),
                member["departments"],
                shell.time(_ms(member["seen_ms"])),
                member["reason"],
            )
            for member in members
        ),
    )


def _ms(value: object) -> int:
    return value if isinstance(value, int) else 0


@app.command("welcome")
def welcome(ctx: typer.Context, party: Party, file: NewFile, as_json: Json = False) -> None:
    """Write the welcome file that an admitted station takes with enrol accept."""
    shell = Shell.of(ctx)
    answer = shell.call("member.welcome", party=party)
    write_new(file, base64.b64decode(answer["welcome"]))
    shell.done(
        {"file": str(file), "fingerprint": answer["fingerprint"]},
        "{file} is written. Read the root's fingerprint to the station by telephone: {fingerprint}",
        file=file,
        fingerprint=answer["fingerprint"],
    )


@app.command("suspend")
def suspend(ctx: typer.Context, party: Party, reason: Reason, as_json: Json = False) -> None:
    """Suspend a party in the next directory."""
    _change(Shell.of(ctx), "member.suspend", party, reason)


@app.command("restore")
def restore(ctx: typer.Context, party: Party, reason: Reason, as_json: Json = False) -> None:
    """Let a suspended party in again in the next directory."""
    _change(Shell.of(ctx), "member.restore", party, reason)


@app.command("revoke")
def revoke(ctx: typer.Context, party: Party, reason: Reason, as_json: Json = False) -> None:
    """Put a party out for good in the next directory: its grants end; it may enrol anew."""
    _change(Shell.of(ctx), "member.revoke", party, reason)


@app.command("compromise")
def compromise(
    ctx: typer.Context,
    party: Party,
    since: Annotated[datetime, typer.Option(help="From when on others may have had its key.")],
    as_json: Json = False,
) -> None:
    """Say in the next directory that others may have a party's signing keys."""
    shell = Shell.of(ctx)
    since_ms = int(since.timestamp() * 1000)
    answer = shell.call("member.compromise", party=party, since_ms=since_ms)
    shell.done(
        answer,
        "Keys of {party} count no more from the next directory on: {count}. Registrars sign it:"
        " directory propose. Then {party} makes new keys and is admitted again.",
        party=party,
        count=len(answer["keys"]),
    )


def _change(shell: Shell, method: str, party: str, reason: str) -> None:
    answer = shell.call(method, party=party, reason=reason)
    shell.done(
        answer,
        "{party} is {state} from the next directory on. Registrars sign it: directory propose.",
        party=party,
        state=shell.word(answer["pending"]),
    )
