"""folder: what lies on front-end machines."""

from __future__ import annotations

from typing import Annotated

import typer

from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(help="Folders of front-end machines (前置机).", no_args_is_help=True)


@app.command("files")
def files(
    ctx: typer.Context,
    resource: Annotated[str, typer.Argument(help="Code of the resource, of this station's own.")],
    as_json: Json = False,
) -> None:
    """List the files that a resource is published from, and what became of each."""
    shell = Shell.of(ctx)
    answer = shell.call("folder.files", resource=resource)
    shell.answer(
        answer,
        lambda: shell.table(
            ("File", "Bytes", "State", "Error"),
            (
                (
                    one["file"],
                    one["size_bytes"],
                    shell.word(one["state"]),
                    shell.crossed(one["error"]),
                )
                for one in answer["files"]
            ),
        ),
    )
