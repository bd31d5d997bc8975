"""The commands about the journal (日志). The same for hub and node."""

from __future__ import annotations

from typing import Annotated

import typer

from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.i18n import mark

VERIFY_TIMEOUT_S = 600.0

# A message that was taken in, not a request that was taken on.
STATES = {"accepted": mark("taken in")}

app = typer.Typer(help="The journal of everything sent and received.", no_args_is_help=True)


@app.command("verify")
def verify(ctx: typer.Context, as_json: Json = False) -> None:
    """Check every row of the journal against its tree and its signed checkpoints."""
    shell = Shell.of(ctx)
    answer = shell.call("journal.verify", timeout_s=VERIFY_TIMEOUT_S)
    shell.done(
        answer,
        "The journal verifies: {size} rows, {checkpoints} checkpoints, root {root}.",
        **answer,
    )


@app.command("show")
def show(
    ctx: typer.Context,
    first: Annotated[
        int | None, typer.Option(min=0, help="Number of the first row; the last rows if left out.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many rows.")] = 20,
    flow: Annotated[str | None, typer.Option(help="Only rows of this feed or case.")] = None,
    as_json: Json = False,
) -> None:
    """Show rows of the journal."""
    shell = Shell.of(ctx)
    answer = shell.call("journal.show", first=first, count=count, flow=flow)
    shell.answer(
        answer,
        lambda: shell.table(
            ("No.", "Time", "Direction", "Kind", "Sender", "Feed or case", "State", "Code"),
            (
                (
                    row["seq"],
                    shell.time(row["time_ms"]),
                    shell.word(row["direction"]),
                    row["kind"],
                    row["sender"],
                    row["flow"],
                    shell.word(STATES.get(row["state"], row["state"])),
                    row["error"],
                )
                for row in answer["rows"]
            ),
        ),
    )
