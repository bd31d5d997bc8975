"""catalog: entries added, listed, shown, stopped."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.catalog.looking import show_entries
from ortoo_protocol.cli.common import show_entry
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer()
Code = Annotated[str, typer.Argument(help="Code of the resource.")]


@app.command("add")
def add(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, readable=True, help="The entry, as .toml or .json."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Publish a catalog entry, or its next version, from a file."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.add", entry=read_entry(shell, file))
    shell.done(answer, "Entry {code} is published as version {version}.", **answer)


def read_entry(shell: Shell, file: Path) -> dict[str, Any]:
    """The fields of an entry file. Raises typer.BadParameter."""
    try:
        text = file.read_text(encoding="utf-8")
        entry = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        said = shell.say("{file} is no TOML or JSON: {detail}", file=file, detail=error)
        raise typer.BadParameter(said) from None
    if not isinstance(entry, dict):
        raise typer.BadParameter(shell.say("{file} holds no entry.", file=file))
    return entry


@app.command("list")
def list_(
    ctx: typer.Context,
    mine: Annotated[bool, typer.Option("--mine", help="Only this station's own.")] = False,
    as_json: Json = False,
) -> None:
    """List the catalog."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.list", mine=mine)
    shell.answer(answer, lambda: show_entries(shell, answer["entries"]))


@app.command("show")
def show(ctx: typer.Context, code: Code, as_json: Json = False) -> None:
    """Show one entry with its items."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.show", code=code)
    shell.answer(answer, lambda: show_entry(shell, answer))


@app.command("refusals")
def refusals(ctx: typer.Context, as_json: Json = False) -> None:
    """List this station's entries that the hub did not take, and why."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.refusals")
    shell.answer(
        answer,
        lambda: shell.table(
            ("Time", "Code", "Version", "Error", "Reason"),
            (
                (shell.time(r["time_ms"]), r["code"], r["version"], r["error"], r["reason"])
                for r in answer["refusals"]
            ),
        ),
    )


@app.command("stop")
def stop(
    ctx: typer.Context,
    code: Code,
    reason: Annotated[str, typer.Option(help="Why supplying stops; it is filed.")],
    by: Annotated[str, typer.Option(help="Who files it for the department.")],
    approver: Annotated[str, typer.Option(help="Who stops it for the authority.")],
    as_json: Json = False,
) -> None:
    """Stop supplying a resource: files the reason first, then ends its grants (art. 18)."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.stop", code=code, reason=reason, by=by, approver=approver)
    shell.done(answer, "Stopped {code}; filed as {filing}; {ended} grants ended.", **answer)
