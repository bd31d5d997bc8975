"""account: people who log in to the console: links, roles, what they did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.core.accounts.roles import CHARGES

app = typer.Typer(
    help="Accounts of people: links, roles, who may log in, what was done.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(help="Name of the account.")]
By = Annotated[str, typer.Option(help="Who does this.")]

# Roles and what they allow, states of accounts, kinds of links.
WORDS = (
    "Compiler",
    "Secrecy reviewer",
    "Approver (head)",
    "User of data",
    "Contact person",
    "System administrator",
    "Security administrator",
    "Security auditor",
    "apply",
    "confirm",
    "operate",
    "create-accounts",
    "secure-accounts",
    "disable-accounts",
    "audit",
    "invited",
    "disabled",
    "first",
    "invitation",
    "reset",
)


@app.command("link")
def link(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(help="Account; without one, links for the first administrators.")
    ] = "",
    by: By = "",
    lost_device: Annotated[
        bool, typer.Option(help="The device of the second factor is lost: end that factor.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print a link that works once: to the first accounts, or to a new password."""
    shell = Shell.of(ctx)
    if name:
        answer = shell.call("accounts.link", name=name, by=by, ends_factor=lost_device)
        shell.answer(answer, lambda: _links(shell, [answer]))
        return
    answer = shell.call("accounts.first-links", by=by)
    shell.answer(answer, lambda: _links(shell, answer["links"]))


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List accounts with their roles."""
    shell = Shell.of(ctx)
    answer = shell.call("accounts.list")
    shell.answer(answer, lambda: _table(shell, answer["accounts"]))


@app.command("invite")
def invite(
    ctx: typer.Context,
    name: Name,
    person: Annotated[str, typer.Option(help="Whose account it is, as steps will name them.")],
    by: By,
    department: Annotated[str, typer.Option(help="Credit code of the department.")] = "",
    role: Annotated[list[str] | None, typer.Option(help="A role; again for several.")] = None,
    as_json: Json = False,
) -> None:
    """Make an account and print the link to its first password."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "accounts.create",
        name=name,
        person=person,
        department=department,
        roles=role or [],
        by=by,
    )

    def human() -> None:
        _table(shell, [answer])
        _links(shell, [answer["link"]])

    shell.answer(answer, human)


@app.command("roles")
def roles(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Account; without one, all roles are listed.")] = "",
    role: Annotated[list[str] | None, typer.Argument(help="Its roles from now on.")] = None,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Give an account exactly these roles; without an account, list what roles there are."""
    shell = Shell.of(ctx)
    if name:
        answer = shell.call("accounts.roles", name=name, roles=role or [], by=by)
        shell.answer(answer, lambda: _table(shell, [answer]))
        return
    known = {each.value: sorted(charge.rights) for each, charge in CHARGES.items()}
    shell.answer(known, lambda: _roles(shell))


@app.command("bind")
def bind(
    ctx: typer.Context,
    name: Name,
    by: By,
    subject: Annotated[
        str, typer.Argument(help="Its subject at the unified login; without one, unbind.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Let the unified login open an account."""
    shell = Shell.of(ctx)
    answer = shell.call("accounts.bind", name=name, subject=subject, by=by)
    shell.answer(answer, lambda: _table(shell, [answer]))


@app.command("disable")
def disable(ctx: typer.Context, name: Name, by: By, as_json: Json = False) -> None:
    """Let nobody use an account any more; who is logged in with it is logged out."""
    shell = Shell.of(ctx)
    answer = shell.call("accounts.disable", name=name, by=by)
    shell.answer(answer, lambda: _table(shell, [answer]))


@app.command("enable")
def enable(ctx: typer.Context, name: Name, by: By, as_json: Json = False) -> None:
    """Let a disabled account be used again; it needs a new link."""
    shell = Shell.of(ctx)
    answer = shell.call("accounts.enable", name=name, by=by)
    shell.answer(answer, lambda: _table(shell, [answer]))


@app.command("unlock")
def unlock(ctx: typer.Context, name: Name, by: By, as_json: Json = False) -> None:
    """Take the lock off that too many failures have put on."""
    shell = Shell.of(ctx)
    answer = shell.call("accounts.unlock", name=name, by=by)
    shell.done(answer, "{account} may log in again.", account=answer["account"])


@app.command("acts")
def acts(
    ctx: typer.Context,
    account: Annotated[str, typer.Option(help="Only of this account.")] = "",
    action: Annotated[str, typer.Option(help="Only this action, such as log-in.")] = "",
    subject: Annotated[str, typer.Option(help="Only what was done to this.")] = "",
    refused: Annotated[bool, typer.Option("--refused", help="Only what was refused.")] = False,
    count: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
    before: Annotated[int, typer.Option(min=0, help="Only before this number.")] = 0,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hold every act against the journal.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show who did what, the latest first; or prove that nothing was changed."""
    shell = Shell.of(ctx)
    if verify:
        checked = shell.call("accounts.verify")
        shell.done(checked, "{acts} acts agree with the journal.", acts=checked["acts"])
        return
    answer = shell.call(
        "accounts.acts",
        account=account,
        action=action,
        subject=subject,
        refused=refused,
        count=count,
        before=before,
    )
    shell.answer(answer, lambda: _acts(shell, answer["acts"]))


def _links(shell: Shell, links: Iterable[Mapping[str, Any]]) -> None:
    """Each on a line of its own, to be copied: a table would fold it."""
    for link in links:
        shell.line(
            "{roles}: the console's address and {path} (until {until})",
            roles="、".join(_titles(shell, link["roles"])) or link["account"],
            path=link["path"],
            until=shell.time(link["expires_ms"]),
        )


def _titles(shell: Shell, roles: Iterable[str]) -> list[str]:
    titles = {role.value: charge.title for role, charge in CHARGES.items()}
    return [shell.word(titles.get(role, role)) for role in roles]


def _roles(shell: Shell) -> None:
    shell.table(
        ("Role", "Name", "May", "At a hub"),
        (
            (
                role.value,
                shell.word(charge.title),
                "、".join(shell.word(right.value) for right in sorted(charge.rights)),
                "✓" if charge.at_hub else "",
            )
            for role, charge in CHARGES.items()
        ),
    )


def _table(shell: Shell, accounts: Iterable[Mapping[str, Any]]) -> None:
    shell.table(
        ("Account", "Person", "Department", "Roles", "State", "Second factor", "Made", "By"),
        (
            (
                one["account"],
                one["person"],
                one["department"],
                "、".join(_titles(shell, one["roles"])),
                shell.word(one["state"]),
                "✓" if one["second_factor"] else "",
                shell.time(one["created_ms"]),
                one["created_by"],
            )
            for one in accounts
        ),
    )


def _acts(shell: Shell, acts: Iterable[Mapping[str, Any]]) -> None:
    shell.table(
        ("Number", "Time", "Account", "Person", "Action", "Subject", "Outcome", "Address"),
        (
            (
                one["number"],
                shell.time(one["time_ms"]),
                one["account"],
                one["person"],
                one["action"],
                one["subject"],
                one["outcome"],
                one["address"],
            )
            for one in acts
        ),
    )
