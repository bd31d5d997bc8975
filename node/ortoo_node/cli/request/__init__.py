"""request: share requests (共享申请), asking, answering, and what follows."""

from __future__ import annotations

import typer

from ortoo_node.cli.request import answering, asking, disputing, looking

app = typer.Typer(help="Share requests: apply, answer, follow.", no_args_is_help=True)
for each in (asking, answering, disputing, looking):
    app.add_typer(each.app)
