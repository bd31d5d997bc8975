"""catalog: the station's own entries (目录编制) and the region's catalog, one file a subject."""

from __future__ import annotations

import typer

from ortoo_node.cli.catalog import changes, entries, lists, sheets, sources, steps
from ortoo_protocol.cli.catalog import looking

app = typer.Typer(
    help="The catalog of resources: compiled, filed, published, found, stopped.",
    no_args_is_help=True,
)
app.add_typer(entries.app)
app.add_typer(looking.app)
app.add_typer(steps.app)
app.add_typer(lists.app, name="lists")
app.add_typer(lists.beside)
app.add_typer(sources.app)
app.add_typer(changes.app, name="change")
app.add_typer(sheets.app)
