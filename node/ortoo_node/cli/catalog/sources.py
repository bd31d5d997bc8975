"""catalog: resources and where their data come from (挂接), and where both differ."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.exits import Exit
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.station.control_client import error_from

LOOK_TIMEOUT_S = 600.0

app = typer.Typer()
Source = Annotated[str, typer.Option(help="Name of the source or folder in the settings.")]
Table = Annotated[str, typer.Option(help="Its table or view; of a folder, the pattern of files.")]
Code = Annotated[str, typer.Argument(help="Code of the resource.")]


@app.command("propose")
def propose(
    ctx: typer.Context,
    source: Source,
    table: Table,
    draft: Annotated[str, typer.Option(help="Draft whose items they become.")] = "",
    by: Annotated[str, typer.Option(help="Who does this.")] = "",
    as_json: Json = False,
) -> None:
    """Propose items from a table's columns, as text for an entry file or into a draft."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "catalog.propose", source=source, table=table, draft=draft, by=by, timeout_s=LOOK_TIMEOUT_S
    )
    shell.answer(answer, lambda: typer.echo(_as_toml(answer["items"])))


def _as_toml(items: Iterable[Mapping[str, Any]]) -> str:
    tables = []
    for item in items:
        lines = [
            f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in item.items()
        ]
        tables.append("\n".join(["[[items]]", *lines]))
    return "\n\n".join(tables)


@app.command("attach")
def attach(
    ctx: typer.Context,
    code: Code,
    by: Annotated[str, typer.Option(help="Who does this.")],
    source: Source = "",
    table: Table = "",
    query: Annotated[str, typer.Option(help="Or the code of a declared query.")] = "",
    as_json: Json = False,
) -> None:
    """Tie a resource to its table, view, files or query, and compare both."""
    shell = Shell.of(ctx)
    if bool(query) == bool(source and table):
        raise typer.BadParameter(shell.say("Name a source and its table, or a query."))
    answer = shell.call(
        "catalog.attach",
        resource=code,
        source=source,
        table=table,
        query=query,
        by=by,
        timeout_s=LOOK_TIMEOUT_S,
    )
    shell.answer(answer, lambda: _show(shell, [answer]))


@app.command("detach")
def detach(ctx: typer.Context, code: Code, as_json: Json = False) -> None:
    """Tie a resource to nothing any more."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.detach", resource=code)
    shell.done(answer, "{resource} is tied to nothing any more.", resource=code)


@app.command("drift")
def drift(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="Code of the resource; all without it.")] = "",
    now: Annotated[bool, typer.Option("--now", help="Look at the sources again first.")] = False,
    as_json: Json = False,
) -> None:
    """Show where catalog and sources differ (exit code 4 if they do)."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.drift", resource=code, now=now, timeout_s=LOOK_TIMEOUT_S)
    shell.answer(answer, lambda: _show(shell, answer["places"]))
    if any(place["drift"] or place["error"] for place in answer["places"]):
        raise typer.Exit(Exit.REFUSED)


def _show(shell: Shell, places: Iterable[Mapping[str, Any]]) -> None:
    def rows() -> Iterable[tuple[object, ...]]:
        for place in places:
            where = f"{place['source']} {place['table']}".strip()
            looked = shell.time(place["time_ms"]) or shell.word("not looked at yet")
            start = (place["resource"], where, looked)
            if place["error"] is not None:
                what, cure = shell.say.error(error_from(place["error"]))
                yield *start, "", "", "", f"{what} {cure}"
            elif not place["drift"]:
                yield *start, "", "", "", shell.word("as wanted") if place["time_ms"] else ""
            for each in place["drift"]:
                said = shell.word(f"drift: {each['kind']}")
                yield *start, each["column"], each["entry"], each["source"], said

    shell.table(
        ("Resource", "Source and table", "Looked at", "Column", "Catalog", "Source", "State"),
        rows(),
    )
