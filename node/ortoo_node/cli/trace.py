"""trace: where a row comes from, and who stands behind a grant, a query, a download (溯源)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.core.errors import CorrectionKey

app = typer.Typer(
    help="Where data come from and who stands behind them (溯源).", no_args_is_help=True
)


@app.command("row")
def row(
    ctx: typer.Context,
    resource: Annotated[str, typer.Argument(help="Code of the resource.")],
    key: Annotated[list[str], typer.Option(help="Of the row, COLUMN=VALUE for each key item.")],
    as_json: Json = False,
) -> None:
    """Trace a row to the items that brought it, to its grants and people."""
    shell = Shell.of(ctx)
    answer = shell.call("trace.row", resource=resource, key=_pairs(key))
    shell.answer(answer, lambda: _row(shell, answer))


@app.command("grant")
def grant(
    ctx: typer.Context,
    grant: Annotated[str, typer.Argument(help="Number of the grant.")],
    as_json: Json = False,
) -> None:
    """Trace a grant: application, people, and all that happened under it."""
    shell = Shell.of(ctx)
    answer = shell.call("trace.grant", grant=grant)
    shell.answer(answer, lambda: _whole(shell, answer))


@app.command("call")
def call(
    ctx: typer.Context,
    ask: Annotated[str, typer.Argument(help="Number of the query's ask, as query record has it.")],
    as_json: Json = False,
) -> None:
    """Trace one query to its grant and people."""
    shell = Shell.of(ctx)
    answer = shell.call("trace.call", ask=ask)
    shell.answer(answer, lambda: _whole(shell, answer))


@app.command("download")
def download(
    ctx: typer.Context,
    transfer: Annotated[str, typer.Argument(help="Number of the transfer.")],
    as_json: Json = False,
) -> None:
    """Trace one file that was fetched to its grant and people."""
    shell = Shell.of(ctx)
    answer = shell.call("trace.download", transfer=transfer)
    shell.answer(answer, lambda: _whole(shell, answer))


def _row(shell: Shell, answer: Mapping[str, Any]) -> None:
    for one in answer["published"]:
        shell.line("Published on {feed}:", feed=one["feed"])
        _items(shell, one["items"])
        for reader in one["readers"]:
            _behind(shell, reader)
        _unknown(shell, one["unknown"])
    for one in answer["received"]:
        shell.line("Received from {publisher} on {feed}:", **one)
        _items(shell, one["items"])
        _behind(shell, one)
        _unknown(shell, one["unknown"])


def _whole(shell: Shell, answer: Mapping[str, Any]) -> None:
    _behind(shell, answer)
    _entries(shell, answer["entries"])
    _unknown(shell, answer["unknown"])


def _items(shell: Shell, items: Iterable[Mapping[str, Any]]) -> None:
    shell.table(
        ("Feed item", "Time", "Journal"),
        (
            (
                each["item"],
                shell.time(each["time_ms"]),
                ", ".join(str(entry["seq"]) for entry in each["entries"]),
            )
            for each in items
        ),
    )


def _behind(shell: Shell, found: Mapping[str, Any]) -> None:
    grant, asked, answer = found["grant"], found["application"], found["answer"]
    pairs: list[tuple[str, object]] = []
    if grant is not None:
        pairs += [
            ("Grant", grant["grant"]),
            ("Resource", grant["resource"]),
            ("Provider", grant["provider"]),
            ("Reader", grant["reader_department"] or grant["reader"]),
            ("Purpose", grant["purpose"]),
        ]
    if asked is not None:
        pairs += [
            ("Case", asked["case"]),
            ("Basis", asked["basis"]),
            ("Applied for by", f"{asked['handler']}, {asked['approver']}"),
        ]
    if answer is not None:
        pairs.append(("Answered by", f"{answer['handler']}, {answer['approver']}"))
    shell.facts(pairs)


def _entries(shell: Shell, entries: Iterable[Mapping[str, Any]]) -> None:
    shell.table(
        ("No.", "Time", "Direction", "Kind", "Sender", "Code"),
        (
            (
                each["seq"],
                shell.time(each["time_ms"]),
                shell.word(each["direction"]),
                each["kind"],
                each["sender"],
                each["error"],
            )
            for each in entries
        ),
    )


def _unknown(shell: Shell, unknown: Iterable[Mapping[str, Any]]) -> None:
    for each in unknown:
        shell.line(each["text"], **each["facts"])


def _pairs(given: Iterable[str]) -> dict[str, str]:
    """Raises CorrectionKey."""
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise CorrectionKey(detail=each)
        found[name] = value
    return found
