"""dispatch: messages of one department to another, under a grant that joins them (函件)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(
    help="Dispatches (函件): files sent to the other side of a grant.", no_args_is_help=True
)


@app.command("send")
def send(
    ctx: typer.Context,
    grant: Annotated[str, typer.Argument(help="Number of the grant that joins both sides.")],
    file: Annotated[Path, typer.Argument(help="What is sent; 128 MiB at most.")],
    subject: Annotated[str, typer.Option(help="What it is about.")] = "",
    media_type: Annotated[str, typer.Option(help="For example application/pdf.")] = "",
    as_json: Json = False,
) -> None:
    """Send a file; it waits here until the other side's signed receipt is there."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "dispatch.send",
        grant=grant,
        path=str(file.absolute()),
        subject=subject,
        media_type=media_type,
    )
    shell.done(answer, "Dispatch {dispatch}: {bytes} bytes in {letters} letters.", **answer)


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List what has come and was not read yet."""
    shell = Shell.of(ctx)
    answer = shell.call("dispatch.list")
    shell.answer(
        answer,
        lambda: shell.table(
            ("Dispatch", "From", "Subject", "Type", "Bytes", "Parts"),
            (
                (
                    one["dispatch"],
                    one["sender"],
                    one["subject"],
                    one["media_type"],
                    one["bytes"],
                    f"{one['here']}/{one['parts']}",
                )
                for one in answer["dispatches"]
            ),
        ),
    )


@app.command("read")
def read(
    ctx: typer.Context,
    dispatch: Annotated[str, typer.Argument(help="Number of the dispatch.")],
    to: Annotated[Path, typer.Option(help="A file that is not there yet.")],
    as_json: Json = False,
) -> None:
    """Write a dispatch to a file; the station keeps it no longer."""
    shell = Shell.of(ctx)
    answer = shell.call("dispatch.read", dispatch=dispatch, path=str(to.absolute()))
    shell.done(answer, "{bytes} bytes written to {path}.", **answer)
