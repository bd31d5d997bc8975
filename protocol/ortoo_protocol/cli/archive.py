"""journal archive …, journal erase: sealed months, and bodies that are not to be kept."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from ortoo_protocol.cli.shell import Json, Shell

LONG_S = 3_600.0
app = typer.Typer(help="Sealed months of the journal (归档).", no_args_is_help=True)


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """Show the archives, oldest first, and until when each has to be kept."""
    shell = Shell.of(ctx)
    answer = shell.call("journal.archives")
    shell.answer(
        answer,
        lambda: shell.table(
            ("Month", "From number", "To number", "Bytes", "Kept until", "File"),
            (
                (
                    each["month"], each["first"], each["last"], each["size_bytes"],
                    shell.time(each["kept_until_ms"]), each["file"],
                )
                for each in answer["archives"]
            ),
        ),
    )  # fmt: skip


@app.command("make")
def make(ctx: typer.Context, as_json: Json = False) -> None:
    """Archive now every month that is over; the service does it by itself every hour."""
    shell = Shell.of(ctx)
    answer = shell.long_call("Archiving…", "journal.archive", timeout_s=LONG_S)
    shell.done(answer, "{count} archives made.", count=len(answer["made"]))


@app.command("verify")
def verify(ctx: typer.Context, as_json: Json = False) -> None:
    """Check every archive: list, parts and rows, from the first row on."""
    shell = Shell.of(ctx)
    answer = shell.long_call("Verifying…", "journal.archive-verify", timeout_s=LONG_S)
    shell.done(answer, "The archives verify: {archives} archives, {rows} rows.", **answer)


@app.command("search")
def search(
    ctx: typer.Context,
    kind: Annotated[str, typer.Option(help="Only this kind, such as case.application.")] = "",
    party: Annotated[str, typer.Option(help="Only what it sent or what went to it.")] = "",
    flow: Annotated[str, typer.Option(help="Only of this feed, case or grant.")] = "",
    since: Annotated[
        datetime | None, typer.Option(help="Only from this time on (local time).")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="Only before this time.")] = None,
    before: Annotated[int, typer.Option(min=0, help="Only before this number.")] = 0,
    count: Annotated[int, typer.Option(min=1, max=500, help="How many rows.")] = 50,
    as_json: Json = False,
) -> None:
    """Search the archives, the latest first."""
    shell = Shell.of(ctx)
    answer = shell.long_call(
        "Searching…",
        "journal.archive-search",
        timeout_s=LONG_S,
        kind=kind,
        party=party,
        flow=flow,
        since_ms=0 if since is None else int(since.timestamp() * 1000),
        until_ms=0 if until is None else int(until.timestamp() * 1000),
        before=before,
        count=count,
    )

    def human() -> None:
        shell.table(
            ("No.", "Time", "Direction", "Kind", "Sender", "To", "Feed or case", "Code"),
            (
                (
                    row["seq"], shell.time(row["time_ms"]), shell.word(row["direction"]),
                    row["kind"], row["sender"], row["addressee"], row["flow"], row["error"],
                )
                for row in answer["rows"]
            ),
        )  # fmt: skip
        if answer["next_before"]:
            shell.line("Older ones: --before {seq}", seq=answer["next_before"])

    shell.answer(answer, human)


def erase(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
    by: Annotated[str, typer.Option(help="Who decided.")],
    feed: Annotated[str, typer.Option(help="A feed that is published here.")] = "",
    last: Annotated[int, typer.Option(min=0, help="Up to this item.")] = 0,
    letter: Annotated[str, typer.Option(help="Or one letter that is settled, by its id.")] = "",
    as_json: Json = False,
) -> None:
    """Erase bodies of items or of a letter; numbers, hashes, signatures and proofs stay."""
    shell = Shell.of(ctx)
    answer = shell.call("journal.erase", reason=reason, by=by, feed=feed, last=last, letter=letter)
    shell.done(answer, "Bodies erased: {count}.", count=answer["count"])
