"""token: what opens the programming interface to departments' programs (令牌)."""

from __future__ import annotations

from typing import Annotated

import typer

from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(help="Tokens of departments' programs: make, list, revoke.", no_args_is_help=True)


@app.command("new")
def new(
    ctx: typer.Context,
    department: Annotated[
        str, typer.Option(help="The program's department: its unified social credit code.")
    ],
    scope: Annotated[
        str, typer.Option(help="push:RESOURCE to publish, pull:SUBSCRIPTION to fetch.")
    ],
    days: Annotated[int, typer.Option(help="For how many days it opens.")] = 365,
    as_json: Json = False,
) -> None:
    """Make a token. It is shown this once: nobody can show it again."""
    shell = Shell.of(ctx)
    answer = shell.call("token.new", department=department, scope=scope, days=days)

    def show() -> None:
        shell.line(
            "{text}\nToken {token} opens {scope} until {until}. Keep it: it is not shown again.",
            text=answer["text"],
            token=answer["token"],
            scope=answer["scope"],
            until=shell.time(answer["expires_ms"]),
        )

    shell.answer(answer, show)


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List tokens; never their texts."""
    shell = Shell.of(ctx)
    answer = shell.call("token.list")
    shell.answer(
        answer,
        lambda: shell.table(
            ("Token", "Department", "Scope", "State", "Expires", "Last used"),
            (
                (
                    one["token"],
                    one["department"],
                    one["scope"],
                    shell.word(one["state"]),
                    shell.time(one["expires_ms"]),
                    shell.time(one["used_ms"]),
                )
                for one in answer["tokens"]
            ),
        ),
    )


@app.command("revoke")
def revoke(
    ctx: typer.Context,
    token: Annotated[str, typer.Argument(help="Its name, as list shows it.")],
    as_json: Json = False,
) -> None:
    """Close a token at once."""
    shell = Shell.of(ctx)
    answer = shell.call("token.revoke", token=token)
    shell.done(answer, "Token {token} opens nothing any more.", token=token)
