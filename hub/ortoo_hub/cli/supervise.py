"""case, grant, router, reconcile, supervise, report: what the region's authority looks at."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ortoo_hub.cli import catalog, demand
from ortoo_protocol.cli import coordination, corrections, grants
from ortoo_protocol.cli.common import (
    show_case,
    show_cases,
    show_grants,
)
from ortoo_protocol.cli.exits import Exit
from ortoo_protocol.cli.paging import Limit, Offset, more, span
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.cli.supervision import reports
from ortoo_protocol.cli.supervision import supervise as supervision

RECONCILE_TIMEOUT_S = 60.0

app = typer.Typer()
case = typer.Typer(help="Notarised cases of share requests.", no_args_is_help=True)
grant = typer.Typer(help="Grants that are known here.", no_args_is_help=True)
grant.add_typer(grants.app)
router = typer.Typer(help="Queues, bindings and rights on the broker.", no_args_is_help=True)
app.add_typer(catalog.app, name="catalog")
app.add_typer(case, name="case")
app.add_typer(coordination.app, name="coordination")
app.add_typer(demand.app, name="demand")
app.add_typer(grant, name="grant")
app.add_typer(corrections.app, name="correction")
app.add_typer(router, name="router")
app.add_typer(supervision.app, name="supervise")
app.add_typer(reports.app, name="report")


@case.command("list")
def list_cases(
    ctx: typer.Context,
    state: Annotated[
        str | None, typer.Option(help="Such as submitted, returned, negotiating or granted.")
    ] = None,
    limit: Limit = None,
    offset: Offset = None,
    as_json: Json = False,
) -> None:
    """List cases."""
    shell = Shell.of(ctx)
    answer = shell.call("case.list", state=state, **span(limit, offset))
    shell.answer(answer, lambda: show_cases(shell, answer["cases"]))
    more(shell, answer, "cases", offset)


@case.command("show")
def show_one(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(metavar="CASE", help="Number of the case.")],
    as_json: Json = False,
) -> None:
    """Show a case and all that happened to it."""
    shell = Shell.of(ctx)
    answer = shell.call("case.show", case=number)
    shell.answer(answer, lambda: show_case(shell, answer))


@case.command("differing")
def differing(
    ctx: typer.Context, limit: Limit = None, offset: Offset = None, as_json: Json = False
) -> None:
    """List cases of which a member holds another state than is recorded."""
    shell = Shell.of(ctx)
    answer = shell.call("case.differing", **span(limit, offset))

    def human() -> None:
        shell.table(
            ("Case", "Here", "Party", "Says", "Time"),
            (
                (
                    one["case"],
                    shell.word(one["state"]),
                    one["party"],
                    shell.word(one["said"]),
                    shell.time(one["time_ms"]),
                )
                for one in answer["cases"]
            ),
        )

    shell.answer(answer, human)
    if answer["cases"]:
        raise typer.Exit(Exit.UNVERIFIED)
    more(shell, answer, "cases", offset)


@case.command("attachment")
def attachment(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(metavar="CASE", help="Number of the case.")],
    place: Annotated[int, typer.Argument(help="Its place in the application, from 1.", min=1)],
    to: Annotated[Path, typer.Option(help="File to write.")],
    as_json: Json = False,
) -> None:
    """Write a scan that came with an application to a file."""
    shell = Shell.of(ctx)
    answer = shell.call("case.attachment", case=number, position=place - 1)
    to.write_bytes(base64.b64decode(answer.pop("content")))
    shell.done({**answer, "path": str(to)}, "{name} is written to {path}.", **answer, path=to)


@grant.command("list")
def list_grants(
    ctx: typer.Context,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that ended.")] = False,
    state: Annotated[str, typer.Option(help="Only active, offered, suspended or ended ones.")] = "",
    provider: Annotated[str, typer.Option(help="Party that grants.")] = "",
    reader: Annotated[str, typer.Option(help="Party that reads.")] = "",
    limit: Limit = None,
    offset: Offset = None,
    as_json: Json = False,
) -> None:
    """List grants."""
    shell = Shell.of(ctx)
    wanted: dict[str, Any] = {"state": state, "provider": provider, "reader": reader}
    chosen = {name: value for name, value in wanted.items() if value}
    answer = shell.call("grant.list", active=not ended, **chosen, **span(limit, offset))
    shell.answer(answer, lambda: show_grants(shell, answer["grants"]))
    more(shell, answer, "grants", offset)


@router.command("show")
def show_router(ctx: typer.Context, as_json: Json = False) -> None:
    """Compare what the broker should hold with what it holds."""
    shell = Shell.of(ctx)
    answer = shell.call("router.show")

    def human() -> None:
        shell.line(
            "{members} members, {direct} direct routes, {feeds} feed routes.",
            members=answer["members"],
            direct=answer["direct"],
            feeds=answer["feeds"],
        )
        shell.table(("To be changed",), ((change,) for change in answer["changes"]))

    shell.answer(answer, human)


@app.command("reconcile")
def reconcile(
    ctx: typer.Context,
    feed: Annotated[str, typer.Argument(help="Feed id, such as s150000.townships.")],
    day: Annotated[
        str, typer.Option(help="Only what was published on this day (YYYY-MM-DD).")
    ] = "",
    as_json: Json = False,
) -> None:
    """Ask publisher and readers of a feed for proofs, and compare them."""
    shell = Shell.of(ctx)
    if day:
        _one_day(shell, feed, day)
        return
    answer = shell.long_call(
        "Asking publisher and readers…", "reconcile", timeout_s=RECONCILE_TIMEOUT_S, feed=feed
    )
    shell.answer(answer, lambda: _show_proofs(shell, answer))
    if not answer["agree"]:
        raise typer.Exit(Exit.UNVERIFIED)


def _one_day(shell: Shell, feed: str, day: str) -> None:
    answer = shell.long_call(
        "Asking publisher and readers…",
        "reconcile.day",
        timeout_s=RECONCILE_TIMEOUT_S,
        feed=feed,
        day=day,
    )
    rows = [{**one, "feed": answer["feed"], "day": answer["day"]} for one in answer["parties"]]
    shell.answer(answer, lambda: _show_days(shell, rows))
    if not answer["agree"]:
        raise typer.Exit(Exit.UNVERIFIED)


@app.command("reconciled")
def reconciled(
    ctx: typer.Context,
    day: Annotated[str, typer.Option(help="Only of this day (YYYY-MM-DD).")] = "",
    differing: Annotated[bool, typer.Option("--differing", help="Only what differs.")] = False,
    as_json: Json = False,
) -> None:
    """Show what the daily comparisons of all feeds found, the latest first."""
    shell = Shell.of(ctx)
    answer = shell.call("reconcile.results", day=day, differing=differing)
    shell.answer(answer, lambda: _show_days(shell, answer["results"]))


def _show_days(shell: Shell, rows: Iterable[Mapping[str, Any]]) -> None:
    shell.table(
        ("Day", "Feed", "Party", "Result", "Kind", "First difference", "From number", "To number"),
        (
            (
                row["day"],
                row["feed"],
                row["party"],
                shell.word(row["state"]),
                shell.word(row["kind"]),
                row["number"] or "",
                row["first"],
                row["last"],
            )
            for row in rows
        ),
    )


def _show_proofs(shell: Shell, answer: Mapping[str, Any]) -> None:
    shell.table(
        ("Party", "Role", "Result", "Items", "Root", "Detail"),
        (
            (
                one["party"],
                shell.word(one["role"]),
                shell.word(_result(one)),
                one["count"],
                one["root"],
                _detail(shell, one),
            )
            for one in answer["parties"]
        ),
    )
    if answer["agree"]:
        shell.line("All hold the same {count} items in the same order.", count=answer["count"])
    else:
        shell.line("They do not agree.")


def _detail(shell: Shell, one: Mapping[str, Any]) -> str:
    found = one.get("difference")
    if not found:
        return str(one["detail"])
    return shell.say(
        "first difference: item {number}, {kind}",
        number=found["number"],
        kind=shell.word(found["kind"]),
    )


def _result(one: Mapping[str, Any]) -> str:
    if not one["answered"]:
        return "no answer"
    return "agrees" if one["agree"] else "differs"


@grant.command("records")
def records(
    ctx: typer.Context,
    number: grants.Grant,
    reason: grants.Reason,
    by: grants.By,
    as_json: Json = False,
) -> None:
    """Look at a reader's records of use (查阅); grant show has the answer."""
    grants.order(ctx, "use.ask", grant=number, reason=reason, by=by)
