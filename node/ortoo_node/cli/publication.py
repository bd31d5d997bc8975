"""publication: what is published by itself, from where, and how that goes."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ortoo_node.captures import How
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(
    help="What this station publishes from which tables, and when.", no_args_is_help=True
)


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List publications: their source, their last and next run, and what went wrong."""
    shell = Shell.of(ctx)
    answer = shell.call("publication.list")
    shell.answer(
        answer,
        lambda: shell.table(
            (
                "Resource",
                "Source",
                "Changes by",
                "Last run",
                "Rows",
                "Set aside",
                "Warned",
                "Next run",
                "Error",
                "What to do",
            ),
            (
                (
                    f"{one['resource']} {one['resource_name']}",
                    f"{one['source']}: {one['table']}",
                    _how(shell, one),
                    shell.time(one["ended_ms"]),
                    f"{one['rows']} (+{one['upserts']} -{one['deletes']})"
                    if one["ended_ms"]
                    else "",
                    one["rejects"],
                    sum(one["warned"].values()),
                    shell.time(one["next_ms"]),
                    shell.crossed(one["error"]),
                    _cure(shell, one["error"]),
                )
                for one in answer["publications"]
            ),
        ),
    )


def _how(shell: Shell, one: dict[str, Any]) -> str:
    """As chosen, and in brackets what auto took."""
    chosen = shell.word(one["capture"])
    taken = shell.word(one["how"]) if one["how"] and one["how"] != one["capture"] else ""
    return f"{chosen} ({taken})" if taken else chosen


def _cure(shell: Shell, error: dict[str, Any] | None) -> str:
    return shell.cure(error) if error else ""


@app.command("set")
def set_(
    ctx: typer.Context,
    resource: Annotated[str, typer.Argument(help="Code of the resource, of this station's own.")],
    source: Annotated[str | None, typer.Option(help="Name of the source in the settings.")] = None,
    table: Annotated[str | None, typer.Option(help="Its table.")] = None,
    capture: Annotated[
        How | None, typer.Option(help="How changes are found; auto takes the best that is ready.")
    ] = None,
    watermark: Annotated[
        str | None, typer.Option(help="Column that rises with every change.")
    ] = None,
    overlap: Annotated[
        int | None,
        typer.Option(help="How far below the highest value is read again: seconds, or units."),
    ] = None,
    whole_every_s: Annotated[
        int | None, typer.Option(help="After how many seconds the whole table is compared.")
    ] = None,
    every_s: Annotated[
        int | None, typer.Option(help="Publish every so many seconds; 0: only by publish.")
    ] = None,
    follow: Annotated[
        bool | None,
        typer.Option("--follow/--no-follow", help="Publish as soon as the database tells."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say how changes of a resource's table are found, and when it is published by itself."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "publication.set",
        resource=resource,
        source=source,
        table=table,
        capture=capture.value if capture is not None else None,
        watermark=watermark,
        overlap=overlap,
        whole_every_s=whole_every_s,
        every_s=every_s,
        follow=follow,
    )
    shell.done(
        answer,
        "{resource} is published from {table} of {source}; see publication list.",
        **answer,
    )
