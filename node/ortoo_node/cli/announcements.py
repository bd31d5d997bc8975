"""announcements: what the region makes known, and who has read it (公告)."""

from __future__ import annotations

from typing import Annotated

import typer

from ortoo_protocol.cli.announcements import Number, app
from ortoo_protocol.cli.shell import Json, Shell

__all__ = ["app"]


@app.command("read")
def read(
    ctx: typer.Context,
    announcement: Number,
    by: Annotated[str, typer.Option(help="Who has read it.")],
    as_json: Json = False,
) -> None:
    """Note that somebody has read an announcement."""
    shell = Shell.of(ctx)
    answer = shell.call("announcement.read", announcement=announcement, by=by)
    shell.done(answer, "It is noted that {person} has read it.", person=by)
