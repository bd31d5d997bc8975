"""source: what departments' tables allow, and what they need for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from ortoo_node.captures import How
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(help="Departments' tables: how their changes can be found.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of the source in the settings.")]
Table = Annotated[str, typer.Option(help="Its table.")]
Key = Annotated[
    list[str] | None, typer.Option(help="Key column; several times for several; its own if not.")
]


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List the sources that the settings name; passwords are not shown."""
    shell = Shell.of(ctx)
    answer = shell.call("source.list")
    shell.answer(answer, lambda: endpoints(shell, answer["sources"]))


def endpoints(shell: Shell, found: Sequence[dict[str, Any]]) -> None:
    shell.table(
        ("Name", "Kind of place", "Place", "Error"),
        (
            (one["name"], shell.word(one["kind"]), one["address"], shell.crossed(one["error"]))
            for one in found
        ),
    )


@app.command("test")
def try_(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Connect to a source, as a run would; reads no row."""
    shell = Shell.of(ctx)
    shell.done(shell.call("source.test", name=name), "{name} answers.", name=name)


@app.command("preview")
def preview(ctx: typer.Context, name: Name, table: Table, as_json: Json = False) -> None:
    """Show the first rows of a table, at most twenty; of a folder, of its newest file."""
    shell = Shell.of(ctx)
    answer = shell.call("source.preview", name=name, table=table)
    rows = [["" if cell is None else cell for cell in row] for row in answer["rows"]]
    heads = answer["columns"] or [""] * max(map(len, rows), default=1)
    shell.answer(answer, lambda: shell.table(heads, rows, of_data=True))


@app.command("check")
def check(
    ctx: typer.Context,
    name: Name,
    table: Table,
    key: Key = None,
    watermark: Annotated[str, typer.Option(help="Column that rises with every change.")] = "",
    as_json: Json = False,
) -> None:
    """Show in which ways changes of a table can be found, best first. Changes nothing."""
    shell = Shell.of(ctx)
    answer = shell.call("source.check", name=name, table=table, key=key or [], watermark=watermark)
    shell.answer(
        answer,
        lambda: shell.table(
            ("Changes by", "State", "What to do"),
            (
                (shell.word(one["how"]), shell.word(one["state"]), shell.word(one["why"]))
                for one in answer["captures"]
            ),
        ),
    )


@app.command("prepare")
def prepare(
    ctx: typer.Context,
    name: Name,
    table: Table,
    key: Key = None,
    capture: Annotated[
        How, typer.Option(help="log: a table of changed keys, by triggers; slot: PostgreSQL's log.")
    ] = How.LOG,
    apply: Annotated[
        bool, typer.Option("--apply", help="Run it, as the source's own user.")
    ] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take it all away again.")] = False,
    as_json: Json = False,
) -> None:
    """Print the SQL that lets a table's changes be found, for its administrator, or run it.

    A slot keeps the server's log until it is read: where the station may be off for long, bound it
    with max_slot_wal_keep_size. Triggers cost every write a little.
    """
    shell = Shell.of(ctx)
    answer = shell.call(
        "source.prepare",
        name=name,
        table=table,
        key=key or [],
        capture=capture.value,
        apply=apply,
        remove=remove,
    )

    def show() -> None:
        for statement in answer["sql"]:
            typer.echo(f"{statement};")
        if answer["applied"]:
            shell.line("Done: {table} of {name}.", table=table, name=name)

    shell.answer(answer, show)
