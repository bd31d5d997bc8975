"""file: files of a granted resource, listed and fetched (批量下载)."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.shell import Json, Shell, code_of
from ortoo_protocol.core.errors import FileError
from ortoo_protocol.i18n import mark
from ortoo_protocol.station.control_client import error_from

LOOK_S = 0.2
LISTING_S = 60.0
ALIVE = ("waiting", "running")

app = typer.Typer(help="Files of granted resources: list, fetch.", no_args_is_help=True)
Resource = Annotated[str, typer.Argument(help="Code of the resource.")]
Purpose = Annotated[str, typer.Option(help="What the files are used for, as it was granted.")]
Grant = Annotated[str | None, typer.Option(help="Grant to read by, if there are several.")]


@app.command("list")
def list_(
    ctx: typer.Context,
    resource: Resource,
    purpose: Purpose,
    grant: Grant = None,
    as_json: Json = False,
) -> None:
    """List the files of a resource, as its provider last published them."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "file.list", timeout_s=LISTING_S, resource=resource, purpose=purpose, grant=grant
    )

    def human() -> None:
        rows = (
            (each["name"], each["size_bytes"], each["modified"], each["media_type"], each["sha256"])
            for each in answer["files"]
        )
        shell.table(("File", "Bytes", "Changed", "Media type", "SHA-256"), rows)
        if not answer["complete"]:
            shell.line("The list has not come yet: ask again in a while.")

    shell.answer(answer, human)


@app.command("get")
def get(
    ctx: typer.Context,
    resource: Resource,
    name: Annotated[str, typer.Argument(help="Name of the file, as listed.")],
    purpose: Purpose,
    to: Annotated[
        Path, typer.Option(help="Where it goes: a path, or a folder that is there.")
    ] = Path(),
    grant: Grant = None,
    wait: Annotated[bool, typer.Option(help="Wait until it is there.")] = True,
    as_json: Json = False,
) -> None:
    """Fetch a file. It appears whole, once its hash is right, or not at all.

    The service fetches it: an interrupted command, or a restarted service, goes on from where the
    file is; the same command shows it again.
    """
    shell = Shell.of(ctx)
    begun = shell.call(
        "file.get",
        timeout_s=LISTING_S,
        resource=resource,
        name=name,
        to=str(Path.cwd() / to),
        purpose=purpose,
        grant=grant,
    )
    ended = _watch(shell, begun) if wait else begun
    if ended["state"] not in ("done", *ALIVE):
        raise _why(ended)
    done = ended["state"] == "done"
    said = mark("{file} is in {target}.") if done else mark("{file} is on its way.")
    shell.done(ended, said, **ended)


def _watch(shell: Shell, transfer: dict[str, Any]) -> dict[str, Any]:
    """Show how far it is until it has ended."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task(transfer["file"], total=transfer["size_bytes"])
        while True:
            error = transfer["error"]
            waits = f" [{error['code']}]" if error and transfer["state"] in ALIVE else ""
            description = transfer["file"] + waits
            bar.update(task, completed=transfer["done_bytes"], description=description)
            if transfer["state"] not in ALIVE:
                return transfer
            time.sleep(LOOK_S)
            transfer = shell.call("file.transfer", transfer=transfer["transfer"])


def _why(transfer: dict[str, Any]) -> FileError:
    """What became of it, in an error's form."""
    error = transfer["error"]
    detail = code_of(error_from(error)) if error else transfer["state"]
    return FileError(file=transfer["file"], detail=detail)


@app.command("transfers")
def transfers(
    ctx: typer.Context,
    running: Annotated[bool, typer.Option("--running", help="Only those on their way.")] = False,
    as_json: Json = False,
) -> None:
    """List files that are on their way, or were."""
    shell = Shell.of(ctx)
    answer = shell.call("file.transfers", alive=running)
    shell.answer(
        answer,
        lambda: shell.table(
            ("Transfer", "File", "Goes to", "Bytes", "There", "MiB/s", "Left", "State", "Error"),
            (
                (
                    one["transfer"],
                    one["file"],
                    one["target"],
                    one["size_bytes"],
                    one["done_bytes"],
                    f"{one['bytes_a_s'] / 2**20:.1f}" if one["bytes_a_s"] else "",
                    "" if one["left_s"] is None else str(timedelta(seconds=one["left_s"])),
                    shell.word(one["state"]),
                    shell.crossed(one["error"]),
                )
                for one in answer["transfers"]
            ),
        ),
    )


@app.command("cancel")
def cancel(
    ctx: typer.Context,
    transfer: Annotated[str, typer.Argument(help="Number of the transfer.")],
    as_json: Json = False,
) -> None:
    """Give a transfer up; what came of it is thrown away."""
    shell = Shell.of(ctx)
    answer = shell.call("file.cancel", transfer=transfer)
    shell.done(answer, "{file}: {state}.", file=answer["file"], state=shell.word(answer["state"]))
