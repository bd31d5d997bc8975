"""file: files of a granted resource, and tables as files, listed and fetched (批量下载)."""

from __future__ import annotations

import enum
import time
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.paging import Limit, Offset, more, span
from ortoo_protocol.cli.shell import Json, Shell, code_of
from ortoo_protocol.core.errors import FileError
from ortoo_protocol.i18n import mark
from ortoo_protocol.station.control_client import error_from

LOOK_S = 0.2
LISTING_S = 60.0
ALIVE = ("waiting", "running")

app = typer.Typer(help="Files of granted resources: list, fetch.", no_args_is_help=True)


class Form(enum.StrEnum):
    """As core/files.py has them."""

    CSV = "csv"
    CSV_BOM = "csv-bom"
    CSV_GB18030 = "csv-gb18030"
    JSONL = "jsonl"
    XLSX = "xlsx"
    PARQUET = "parquet"


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
    purpose: Purpose,
    name: Annotated[
        str | None, typer.Argument(help="Name of the file, as listed; of a table, none.")
    ] = None,
    form: Annotated[
        Form | None, typer.Option("--as", help="Of a table: the form that its rows come in.")
    ] = None,
    to: Annotated[
        Path, typer.Option(help="Where it goes: a path, or a folder that is there.")
    ] = Path(),
    handler: Annotated[str, typer.Option(help="Of a table: who asks (经办人).")] = "",
    grant: Grant = None,
    wait: Annotated[bool, typer.Option(help="Wait until it is there.")] = True,
    as_json: Json = False,
) -> None:
    """Fetch a file, or a table as one. It appears whole, once its hash is right, or not at all.

    The service fetches it: an interrupted command, or a restarted service, goes on from where the
    file is; the same command shows it again. A table is made a file by its provider when it is
    asked for, of what the grant shows, and recorded at both ends with its purpose.
    """
    shell = Shell.of(ctx)
    if (name is None) == (form is None):
        raise typer.BadParameter(shell.say("Name a file of a resource of files, or say --as."))
    goes_to = str(Path.cwd() / to)
    if form is None:
        begun = shell.call(
            "file.get", timeout_s=LISTING_S, resource=resource, name=name, to=goes_to,
            purpose=purpose, grant=grant,
        )  # fmt: skip
    else:
        ordered = shell.call(
            "file.order", resource=resource, form=form.value, to=goes_to, grant=grant,
            purpose=purpose, handler=handler,
        )  # fmt: skip
        if wait:
            ordered = _watch_order(shell, ordered)
        if ordered["error"] and ordered["state"] == "refused":
            raise error_from(ordered["error"])
        begun = ordered["fetched"] or ordered
    ended = _watch(shell, begun) if wait else begun
    if ended["state"] not in ("done", "open", *ALIVE):
        raise _why(ended)
    done = ended["state"] == "done"
    said = mark("{file} is in {target}.") if done else mark("{file} is on its way.")
    shell.done(ended, said, **ended)


def _watch_order(shell: Shell, ordered: dict[str, Any]) -> dict[str, Any]:
    """Until its provider has made the file, or will not."""
    from rich.console import Console

    with Console(stderr=True).status(shell.say("The provider makes the file …")) as status:
        while ordered["state"] == "open":
            time.sleep(LOOK_S)
            ordered = shell.call("file.ordered", order=ordered["order"])
        status.stop()
    return ordered


@app.command("orders")
def orders(
    ctx: typer.Context, limit: Limit = None, offset: Offset = None, as_json: Json = False
) -> None:
    """The record of tables that were ordered as files: by this station, and of it."""
    shell = Shell.of(ctx)
    answer = shell.call("file.orders", **span(limit, offset))
    shell.answer(
        answer,
        lambda: shell.table(
            (
                "Time", "Role", "Party", "Resource", "Form", "Purpose", "Handler", "Department",
                "Rows", "Bytes", "State", "Error",
            ),
            (
                (
                    shell.time(one["asked_ms"]),
                    shell.word(one["role"]),
                    one["peer"],
                    one["resource"],
                    one["form"],
                    one["purpose"],
                    one["handler"],
                    one["department"],
                    one["rows"],
                    one["size_bytes"],
                    shell.word(one["state"]),
                    shell.crossed(one["error"]),
                )
                for one in answer["orders"]
            ),
        ),
    )  # fmt: skip
    more(shell, answer, "orders", offset)


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
    limit: Limit = None,
    offset: Offset = None,
    as_json: Json = False,
) -> None:
    """List files that are on their way, or were."""
    shell = Shell.of(ctx)
    answer = shell.call("file.transfers", alive=running, **span(limit, offset))
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
    more(shell, answer, "transfers", offset)


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
