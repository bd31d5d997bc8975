"""journal export, dispute open: bundles of evidence for people who have no station."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.core.errors import StoreError

EXPORT_TIMEOUT_S = 600.0
MOST = (1 << 53) - 1
Out = Annotated[Path, typer.Option("--out", help="The file to write; it must not exist yet.")]

disputes = typer.Typer(help="Rows opened against what was signed.", no_args_is_help=True)


def export(
    ctx: typer.Context,
    out: Out,
    first: Annotated[int, typer.Option(min=0, help="Number of the first row.")] = 0,
    last: Annotated[int, typer.Option(min=0, help="Number of the last row.")] = MOST,
    flow: Annotated[
        list[str] | None, typer.Option(help="Only of this case, grant or feed; several times.")
    ] = None,
    envelope: Annotated[
        list[str] | None, typer.Option(help="Only of this message, by its id; several times.")
    ] = None,
    bodies: Annotated[
        bool, typer.Option("--bodies", help="With the messages themselves, sealed as they were.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a bundle of evidence that anyone can check offline."""
    shell = Shell.of(ctx)
    answer = shell.long_call(
        "Collecting rows and proofs…",
        "journal.export",
        timeout_s=EXPORT_TIMEOUT_S,
        first=first,
        last=last,
        flows=flow,
        envelopes=envelope,
        bodies=bodies,
    )
    _hand_over(shell, answer, out)


@disputes.command("open")
def dispute_open(
    ctx: typer.Context,
    feed: Annotated[str, typer.Argument(help="The feed, such as s150700.allowances.")],
    item: Annotated[int, typer.Argument(min=1, help="Number of the item.")],
    row: Annotated[int, typer.Argument(min=1, help="Which of its rows, from 1.")],
    out: Out,
    as_json: Json = False,
) -> None:
    """Open one row of an item against what its publisher signed; its neighbours stay closed."""
    shell = Shell.of(ctx)
    answer = shell.call("dispute.open", feed=feed, item=item, place=row)
    _hand_over(shell, answer, out)


def _hand_over(shell: Shell, answer: Mapping[str, Any], out: Path) -> None:
    """The service runs in a folder of its own; whoever calls puts the file where it is wanted."""
    made = Path(answer["file"])
    try:
        with made.open("rb") as source, out.open("xb") as target:
            shutil.copyfileobj(source, target)
        made.unlink()
    except OSError as error:
        raise StoreError(detail=f"{error.filename}: {error.strerror}") from None
    told = {**answer, "file": str(out)}
    shell.done(
        told,
        "{file}: {rows} rows, {messages} messages. Whoever gets it checks it with"
        " python -m ortoo_protocol.verify and the fingerprint of the first root, which here is"
        " {root}; it has to come to them by another way.",
        **told,
    )
