"""token: what opens the programming interface to departments' programs (令牌)."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(
    help="Tokens of departments' programs: make, list, rotate, revoke.", no_args_is_help=True
)


@app.command("new")
def new(
    ctx: typer.Context,
    department: Annotated[
        str, typer.Option(help="The program's department: its unified social credit code.")
    ],
    scope: Annotated[
        list[str],
        typer.Option(help="What it opens, e.g. request:write or push:RESOURCE; several allowed."),
    ],
    application: Annotated[str, typer.Option(help="Which program it is for.")] = "",
    days: Annotated[int, typer.Option(help="For how many days it opens.")] = 365,
    as_json: Json = False,
) -> None:
    """Make a token. It is shown this once: nobody can show it again."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "token.new", department=department, scopes=scope, days=days, application=application
    )
    shell.answer(answer, lambda: _show(shell, answer))


@app.command("rotate")
def rotate(
    ctx: typer.Context,
    token: Annotated[str, typer.Argument(help="Its name, as list shows it.")],
    overlap_hours: Annotated[int, typer.Option(help="How long the old one still opens.")] = 24,
    days: Annotated[int, typer.Option(help="For how many days it opens.")] = 365,
    as_json: Json = False,
) -> None:
    """Make a new token in place of one; the old one opens a while longer."""
    shell = Shell.of(ctx)
    answer = shell.call("token.rotate", token=token, overlap_hours=overlap_hours, days=days)
    shell.answer(answer, lambda: _show(shell, answer))


def _show(shell: Shell, answer: dict[str, Any]) -> None:
    shell.line(
        "{text}\nToken {token} opens {scope} until {until}. Keep it: it is not shown again.",
        text=answer["text"],
        token=answer["token"],
        scope=" ".join(answer["scopes"]),
        until=shell.time(answer["expires_ms"]),
    )


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List tokens; never their texts."""
    shell = Shell.of(ctx)
    answer = shell.call("token.list")
    shell.answer(
        answer,
        lambda: shell.table(
            ("Token", "Program", "Department", "Scope", "State", "Expires", "Last used"),
            (
                (
                    one["token"],
                    one["application"],
                    one["department"],
                    " ".join(one["scopes"]),
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
