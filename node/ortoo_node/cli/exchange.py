"""subscribe, publish: rows out of and into departments' databases."""

from __future__ import annotations

from typing import Annotated

import typer

from ortoo_protocol.cli.shell import Json, Shell

PUBLISH_TIMEOUT_S = 3_600.0

app = typer.Typer()


@app.command("subscribe")
def subscribe(
    ctx: typer.Context,
    resource: Annotated[str, typer.Argument(help="Code of the resource.")],
    department: Annotated[
        str, typer.Option(help="The reading department's unified social credit code.")
    ],
    sink: Annotated[
        str, typer.Option(help="Name of the database or folder among the sinks of the settings.")
    ],
    table: Annotated[
        str,
        typer.Option(help="Table, or folder below out/, that the rows go into; made if missing."),
    ],
    purpose: Annotated[
        str, typer.Option(help="What the data are used for; of a grant, as it was granted.")
    ],
    basis: Annotated[str, typer.Option(help="The duty or law that needs them.")] = "",
    scenario: Annotated[str, typer.Option(help="In which business they are used.")] = "",
    handler: Annotated[str, typer.Option(help="Who handles this (经办人).")] = "",
    approver: Annotated[str, typer.Option(help="Who approves it; not the handler.")] = "",
    grant: Annotated[
        str | None, typer.Option(help="Grant to read by, if there are several.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take a resource's rows into a department's database, and keep them current.

    An unconditional resource is taken directly: say purpose, basis, scenario, handler and approver.
    A conditional one needs a grant for this purpose first: request apply.
    """
    shell = Shell.of(ctx)
    answer = shell.call(
        "subscribe",
        resource=resource,
        department=department,
        sink=sink,
        table=table,
        purpose=purpose,
        basis=basis,
        scenario=scenario,
        handler=handler,
        approver=approver,
        grant=grant,
    )
    shell.done(
        answer, "Subscribed to {resource}; the rows arrive in {table}.", **answer, table=table
    )


@app.command("publish")
def publish(
    ctx: typer.Context,
    resource: Annotated[str, typer.Argument(help="Code of the resource, of this station's own.")],
    source: Annotated[
        str | None,
        typer.Option(help="Name of the database or folder that is read; kept for later."),
    ] = None,
    table: Annotated[
        str | None, typer.Option(help="Its table, or pattern of its files; kept for later.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read a resource's table and publish what changed since the last time."""
    shell = Shell.of(ctx)
    answer = shell.long_call(
        "Reading and publishing…",
        "publish",
        timeout_s=PUBLISH_TIMEOUT_S,
        resource=resource,
        source=source,
        table=table,
    )
    shell.done(
        answer,
        "{rows} rows read: {upserts} new or changed, {deletes} gone, {rejected} set aside;"
        " {feed} stands at {seq}.",
        **answer,
    )
