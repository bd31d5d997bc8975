"""subscription: how far each has come, and what it is told (订阅)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(
    help="What this station subscribed to: list, show, pause, resume, read again.",
    no_args_is_help=True,
)
Number = Annotated[str, typer.Argument(help="Number of the subscription, or its beginning.")]


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List subscriptions and how far each has come."""
    shell = Shell.of(ctx)
    answer = shell.call("subscription.list")
    shown = beginning([one["subscription"] for one in answer["subscriptions"]])
    shell.answer(
        answer,
        lambda: shell.table(
            (
                "Subscription",
                "Resource",
                "Sink",
                "Received",
                "Applied",
                "Announced",
                "Lag",
                "State",
                "Error",
            ),
            (
                (
                    one["subscription"][:shown],
                    f"{one['resource']} {one['resource_name']}",
                    f"{one['sink']}: {one['table']}",
                    one["received"],
                    one["applied"],
                    one["head"],
                    _lag(shell, one),
                    shell.word(one["state"]),
                    shell.crossed(one["error"]),
                )
                for one in answer["subscriptions"]
            ),
        ),
    )


def beginning(numbers: Sequence[str]) -> int:
    """How many characters tell `numbers` apart, at least eight: those of one minute begin alike."""
    return next(
        (most for most in range(8, 32) if len({each[:most] for each in numbers}) == len(numbers)),
        32,
    )


@app.command("show")
def show(ctx: typer.Context, subscription: Number, as_json: Json = False) -> None:
    """Show one subscription, and what is wrong with it."""
    shell = Shell.of(ctx)
    answer = shell.call("subscription.show", subscription=subscription)
    shell.answer(answer, lambda: _show(shell, answer["subscription"]))


@app.command("pause")
def pause(ctx: typer.Context, subscription: Number, as_json: Json = False) -> None:
    """Stop applying; what comes meanwhile is kept, up to a bound."""
    _order(ctx, "subscription.pause", subscription)


@app.command("resume")
def resume(ctx: typer.Context, subscription: Number, as_json: Json = False) -> None:
    """Go on applying, after a pause or when what was wrong has been mended."""
    _order(ctx, "subscription.resume", subscription)


@app.command("resync")
def resync(ctx: typer.Context, subscription: Number, as_json: Json = False) -> None:
    """Ask for a snapshot: the sink becomes what the publisher has now."""
    _order(ctx, "subscription.resync", subscription)


@app.command("reread")
def reread(
    ctx: typer.Context,
    subscription: Number,
    first: Annotated[int, typer.Option("--from", help="The first item to read again.")],
    as_json: Json = False,
) -> None:
    """Ask the publisher for items again, from a number on, and apply them once more."""
    shell = Shell.of(ctx)
    answer = shell.call("subscription.reread", subscription=subscription, first=first)
    shell.done(
        answer, "Items {first} to {last} are asked for again.", first=first, last=answer["last"]
    )


def _order(ctx: typer.Context, method: str, subscription: str) -> None:
    shell = Shell.of(ctx)
    answer = shell.call(method, subscription=subscription)
    shell.answer(answer, lambda: _show(shell, answer["subscription"]))


def _lag(shell: Shell, one: Mapping[str, Any]) -> str:
    return shell.say("{items}, {age_s} s", items=one["lag"], age_s=one["lag_s"])


def _show(shell: Shell, one: Mapping[str, Any]) -> None:
    error = one["error"]
    shell.facts(
        (
            ("Subscription", one["subscription"]),
            ("Resource", f"{one['resource']} {one['resource_name']}"),
            ("Feed", one["feed"]),
            ("Grant", one["grant"]),
            ("Department", one["department"]),
            ("Sink", f"{one['sink']}: {one['table']}"),
            ("State", shell.word(one["state"])),
            ("Received", one["received"]),
            ("Applied", one["applied"]),
            ("Announced", one["head"]),
            ("Lag", _lag(shell, one)),
            ("Rows applied", one["rows"]),
            ("Items set aside", one["rejects"]),
            ("Changed", shell.time(one["changed_ms"])),
            ("Error", shell.crossed(error)),
            ("What to do", shell.crossed_cure(error)),
        )
    )
