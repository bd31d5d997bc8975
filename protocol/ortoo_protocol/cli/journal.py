"""The commands about the journal (日志). The same for hub and node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ortoo_protocol.cli import archive, evidence
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.core.errors import JournalRow
from ortoo_protocol.i18n import mark

VERIFY_TIMEOUT_S = 600.0

# A message that was taken in, not a request that was taken on.
STATES = {"accepted": mark("taken in")}

app = typer.Typer(help="The journal of everything sent and received.", no_args_is_help=True)
app.command("export")(evidence.export)
app.add_typer(archive.app, name="archive")
app.command("erase")(archive.erase)


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
    shell.answer(answer, lambda: _rows(shell, answer["rows"]))


@app.command("search")
def search(
    ctx: typer.Context,
    kind: Annotated[
        str, typer.Option(help="Only this kind, such as case.application, or act.")
    ] = "",
    party: Annotated[str, typer.Option(help="Only what it sent or what went to it.")] = "",
    flow: Annotated[str, typer.Option(help="Only of this feed, case or grant.")] = "",
    resource: Annotated[str, typer.Option(help="Only about this resource.")] = "",
    since: Annotated[
        datetime | None, typer.Option(help="Only from this time on (local time).")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="Only before this time.")] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Only what was refused.")] = False,
    before: Annotated[int, typer.Option(min=0, help="Only before this number.")] = 0,
    count: Annotated[int, typer.Option(min=1, max=500, help="How many rows.")] = 50,
    as_json: Json = False,
) -> None:
    """Search the journal, the latest first."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "journal.search",
        kind=kind,
        party=party,
        flow=flow,
        resource=resource,
        since_ms=_ms(since),
        until_ms=_ms(until),
        refused=refused,
        before=before,
        count=count,
    )
    shell.answer(answer, lambda: _found(shell, answer))


@app.command("entry")
def entry(
    ctx: typer.Context,
    seq: Annotated[int, typer.Argument(min=0, help="Number of the row.")],
    as_json: Json = False,
) -> None:
    """Show one row, and whether what it speaks of is still here."""
    shell = Shell.of(ctx)
    answer = shell.call("journal.entry", seq=seq)
    one = answer["entry"]
    shell.answer(
        answer,
        lambda: shell.facts(
            (
                ("No.", one["seq"]),
                ("Time", shell.time(one["time_ms"])),
                ("Direction", shell.word(one["direction"])),
                ("Kind", one["kind"]),
                ("Sender", one["sender"]),
                ("To", one["addressee"]),
                ("Feed or case", one["flow"]),
                ("State", shell.word(STATES.get(one["state"], one["state"]))),
                ("Code", one["error"]),
                ("Envelope", one["envelope"]),
                ("Body hash", one["body_hash"]),
                ("Signature", shell.word(one["signature_state"])),
            )
        ),
    )


@app.command("checkpoints")
def checkpoints(
    ctx: typer.Context,
    before: Annotated[int, typer.Option(min=0, help="Only with fewer rows than this.")] = 0,
    count: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 20,
    as_json: Json = False,
) -> None:
    """Show the signed checkpoints of the journal, the latest first."""
    shell = Shell.of(ctx)
    answer = shell.call("journal.checkpoints", before=before, count=count)
    shell.answer(
        answer,
        lambda: shell.table(
            ("Rows", "Time", "Root hash", "Signed by"),
            (
                (
                    each["size"],
                    shell.time(each["time_ms"]),
                    each["root"],
                    ", ".join(each["signers"]),
                )
                for each in answer["checkpoints"]
            ),
        ),
    )


@app.command("prove")
def prove(
    ctx: typer.Context,
    seq: Annotated[int, typer.Argument(min=0, help="Number of the row.")],
    size: Annotated[
        int, typer.Option(min=0, help="In the journal of so many rows; 0: the newest checkpoint's.")
    ] = 0,
) -> None:
    """Print the proof that a row stands in the journal, as JSON: journal check takes it."""
    _print(Shell.of(ctx).call("journal.proof", seq=seq, size=size))


@app.command("consistency")
def consistency(
    ctx: typer.Context,
    first: Annotated[int, typer.Argument(min=1, help="Rows of the older journal.")],
    second: Annotated[
        int, typer.Argument(min=0, help="Rows of the younger; 0: the newest checkpoint's.")
    ] = 0,
) -> None:
    """Print the proof that the younger journal goes on from the older, as JSON."""
    _print(Shell.of(ctx).call("journal.consistency", first=first, second=second))


@app.command("check")
def check(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A proof of this journal or another member's.")],
    as_json: Json = False,
) -> None:
    """Check a proof that somebody handed over, with the keys of our own directory."""
    shell = Shell.of(ctx)
    try:
        document = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise JournalRow(detail=f"{file}: {error}") from error
    answer = shell.call("journal.check", document=document)
    shell.answer(answer, lambda: _checked(shell, answer))


def _checked(shell: Shell, answer: Mapping[str, Any]) -> None:
    if answer["proves"] == "inclusion":
        shell.line(
            "The proof holds: row {index} of {origin} ({kind}) stands in {size} rows.", **answer
        )
    else:
        shell.line(
            "The proof holds: the {second} rows of {origin} begin with its {first} rows.", **answer
        )
    signers = ", ".join(answer["signers"])
    if signers:
        shell.line("The root is signed by {signers}.", signers=signers)
    else:
        shell.line("Nobody whose key we know signed the root: compare it with one that is signed.")


def _found(shell: Shell, answer: Mapping[str, Any]) -> None:
    _rows(shell, answer["rows"])
    if answer["next_before"]:
        shell.line("Older ones: --before {seq}", seq=answer["next_before"])


def _print(document: Mapping[str, Any]) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def _ms(moment: datetime | None) -> int:
    return 0 if moment is None else int(moment.timestamp() * 1000)


def _rows(shell: Shell, rows: Iterable[Mapping[str, Any]]) -> None:
    shell.table(
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
            for row in rows
        ),
    )
