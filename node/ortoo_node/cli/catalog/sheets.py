"""catalog import, export, template: the catalog as files (Excel, CSV, JSON, DCAT)."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any

import typer

from ortoo_node.cli.catalog.importing import bring
from ortoo_protocol.cli.files import write_new
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.core.errors import SettingsExists

app = typer.Typer()
NewFile = Annotated[Path, typer.Argument(dir_okay=False, help="The file to write; it must be new.")]
TIMEOUT_S = 120.0


class Form(enum.StrEnum):
    EXCEL = "xlsx"
    CSV = "csv"
    JSON = "json"
    NATIONAL = "national"
    DCAT = "dcat"


@app.command("import")
def import_(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="Excel, CSV or JSON."),
    ],
    by: Annotated[str, typer.Option(help="Who compiles these entries (编目人).")],
    why: Annotated[str, typer.Option(help="Why they are brought in.")] = "",
    check: Annotated[bool, typer.Option("--check", help="Look for problems alone.")] = False,
    publish: Annotated[
        bool,
        typer.Option("--publish", help="Publish at once: the file names who took each step."),
    ] = False,
    marked: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Where the copy with marked problems goes."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Take entries from a file into the drafts: all of them, or none.

    With problems, nothing is taken in, and a copy of the file shows each in its cell.
    """
    bring(Shell.of(ctx), file, by=by, why=why, check=check, publish=publish, marked=marked)


@app.command("template")
def template(ctx: typer.Context, file: NewFile, as_json: Json = False) -> None:
    """Write the empty template (Excel), with drop-down lists and an explanation of each column."""
    from ortoo_node.catalog.sheets.template import write_book

    _new(file)
    write_book(file, ())
    Shell.of(ctx).done({"file": str(file)}, "The template is in {file}.", file=file)


@app.command("export")
def export(
    ctx: typer.Context,
    file: NewFile,
    form: Annotated[
        Form | None, typer.Option("--form", help="By the name of the file, if left out.")
    ] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only this station's own.")] = False,
    code: Annotated[list[str] | None, typer.Option(help="Only these resources.")] = None,
    open_only: Annotated[
        bool, typer.Option("--open", help="Only what is open to society.")
    ] = False,
    base: Annotated[
        str, typer.Option(help="For DCAT: where the addresses of resources begin.")
    ] = "urn:ortoo:catalog",
    as_json: Json = False,
) -> None:
    """Write entries to a file: the template, CSV, JSON, the national platform's form, or DCAT."""
    from ortoo_node.catalog.sheets import outward

    shell = Shell.of(ctx)
    chosen = form or _form_of(shell, file)
    _new(file)
    entries = _entries(shell, mine=mine, open_only=open_only, codes=code or [])
    name = shell.settings().station.name
    if chosen is Form.EXCEL:
        outward.excel(file, entries)
    elif chosen is Form.CSV:
        outward.csv(file, entries)
    elif chosen is Form.JSON:
        write_new(file, outward.json(entries))
    elif chosen is Form.NATIONAL:
        write_new(file, outward.national(entries, name))
    else:
        write_new(file, outward.dcat(entries, name, base))
    answer = {"file": str(file), "entries": len(entries)}
    shell.done(answer, "{entries} entries are written to {file}.", **answer)


def _entries(shell: Shell, **wanted: Any) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    after = ""
    while True:
        answer = shell.call("catalog.export", timeout_s=TIMEOUT_S, after=after, **wanted)
        entries += answer["entries"]
        after = answer["after"]
        if not after:
            return entries


def _form_of(shell: Shell, file: Path) -> Form:
    forms = {".xlsx": Form.EXCEL, ".csv": Form.CSV, ".json": Form.JSON, ".jsonld": Form.DCAT}
    found = forms.get(file.suffix.lower())
    if found is None:
        said = shell.say("The name of {file} ends in none of: {endings}.",
                         file=file, endings=", ".join(forms))  # fmt: skip
        raise typer.BadParameter(said)
    return found


def _new(file: Path) -> None:
    if file.exists():
        raise SettingsExists(path=file)
