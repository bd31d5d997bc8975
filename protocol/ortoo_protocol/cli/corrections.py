"""correction list and show, as both programs say them (校核)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.paging import Limit, Offset, more, span
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.station.corrections.words import SAID

Number = Annotated[str, typer.Argument(metavar="CORRECTION", help="Number of the correction.")]
app = typer.Typer(help="Corrections of shared data (校核).", no_args_is_help=True)


@app.command("list")
def list_(
    ctx: typer.Context,
    closed: Annotated[bool, typer.Option("--closed", help="Also those that are closed.")] = False,
    limit: Limit = None,
    offset: Offset = None,
    as_json: Json = False,
) -> None:
    """List corrections, whose turn it is, and until when."""
    shell = Shell.of(ctx)
    answer = shell.call("correction.list", all=closed, **span(limit, offset))
    shell.answer(
        answer,
        lambda: shell.table(
            ("Correction", "Resource", "Reader", "Provider", "About", "State", "Opened", "Due"),
            (
                (
                    one["correction"],
                    one["resource"],
                    f"{one['reader']} {one['reader_department']}",
                    f"{one['provider']} {one['provider_department']}",
                    shell.word(one["about"]),
                    _word(shell, one["state"]),
                    shell.time(one["opened_ms"]),
                    shell.time(one["due_ms"]),
                )
                for one in answer["corrections"]
            ),
        ),
    )
    more(shell, answer, "corrections", offset)


@app.command("show")
def show(ctx: typer.Context, correction: Number, as_json: Json = False) -> None:
    """Show a correction with all that happened to it."""
    shell = Shell.of(ctx)
    answer = shell.call("correction.show", correction=correction)
    shell.answer(answer, lambda: show_one(shell, answer))


def _word(shell: Shell, name: str) -> str:
    return shell.word(SAID.get(name, name))


def show_one(shell: Shell, answer: Mapping[str, Any]) -> None:
    one = answer["correction"]
    facts: list[tuple[str, object]] = [
        ("Correction", one["correction"]),
        ("Resource", one["resource"]),
        ("Grant", one["grant"]),
        ("Reader", f"{one['reader']} {one['reader_department']}"),
        ("Provider", f"{one['provider']} {one['provider_department']}"),
        ("About", shell.word(one["about"])),
        ("State", _word(shell, one["state"])),
        ("Opened", shell.time(one["opened_ms"])),
        ("Due", shell.time(one["due_ms"])),
        ("Answer", shell.word(one["outcome"]) if one["outcome"] else ""),
        ("Reason", one["reason"]),
        ("Item", one["seq"] or ""),
        ("Source", one["source"]),
    ]
    detail, reply = answer.get("detail"), answer.get("answer")
    if detail:
        facts += [("Key", detail["key"]), ("What is doubted", detail["text"])]
        facts += [("Evidence", detail["evidence"])]
    if reply:
        facts += [("What was found", reply["text"]), ("Evidence of the answer", reply["evidence"])]
    shell.facts(facts)
    if detail and detail["fields"]:
        shell.table(
            ("Column", "Seen", "Expected"),
            ((each["column"], each["seen"], each["expected"]) for each in detail["fields"]),
        )
    if answer["notice"]:
        shell.line("{notice} ({article})", notice=shell.say.text(answer["notice"]),
                   article=shell.say.text(answer["article"]))  # fmt: skip
    shell.table(
        ("Time", "What happened", "Party", "By", "Reason"),
        (
            (
                shell.time(event["time_ms"]),
                _word(shell, event["event"]),
                event["party"],
                event["by"],
                event["reason"],
            )
            for event in answer["events"]
        ),
    )
