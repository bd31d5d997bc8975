"""use: records of use, and disposal of what was received (使用记录, 处置)."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from ortoo_node.cli import onward
from ortoo_protocol.cli.grants import By, Days, Grant, Reason
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(help="Use of what was received: record, show, dispose.", no_args_is_help=True)
app.add_typer(onward.app, name="onward")


class Why(enum.StrEnum):
    MET = "met"
    IMPOSSIBLE = "impossible"
    UNNEEDED = "unneeded"


@app.command("record")
def record(
    ctx: typer.Context,
    grant: Grant,
    by: By,
    scenario: Annotated[str, typer.Option(help="In which business (使用场景).")] = "",
    process: Annotated[str, typer.Option(help="How it was used (使用过程).")] = "",
    effect: Annotated[str, typer.Option(help="What came of it (应用成效).")] = "",
    storage: Annotated[str, typer.Option(help="Where it is kept (存储情况).")] = "",
    destruction: Annotated[str, typer.Option(help="What was destroyed (销毁情况).")] = "",
    as_json: Json = False,
) -> None:
    """Record how data were used that came under a grant of ours."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "use.record",
        grant=grant,
        by=by,
        scenario=scenario,
        process=process,
        effect=effect,
        storage=storage,
        destruction=destruction,
    )
    shell.done(answer, "{count} records of this grant.", count=len(answer["records"]))


@app.command("list")
def list_(ctx: typer.Context, grant: Grant, as_json: Json = False) -> None:
    """Show what was recorded, by people and by the station."""
    shell = Shell.of(ctx)
    answer = shell.call("use.list", grant=grant)

    def human() -> None:
        shell.table(
            ("Time", "Scenario", "Process", "Effect", "Storage", "Destruction", "By"),
            ((shell.time(each[1]), *each[2:]) for each in answer["records"]),
        )
        shell.table(
            ("Day", "What", "Times", "Rows"),
            ((day, shell.word(how), times, amount) for day, how, times, amount in answer["days"]),
        )

    shell.answer(answer, human)


@app.command("ask")
def ask(ctx: typer.Context, grant: Grant, reason: Reason, by: By, as_json: Json = False) -> None:
    """Look at a reader's records of a grant of ours (查阅); grant show has the answer."""
    shell = Shell.of(ctx)
    answer = shell.call("use.ask", grant=grant, reason=reason, by=by)
    shell.done(answer, "Asked as {ask}.", **answer)


@app.command("dispose")
def dispose(
    ctx: typer.Context,
    grant: Grant,
    why: Annotated[Why, typer.Option(help="The purpose: met, impossible, or no longer needed.")],
    by: By,
    detail: Annotated[str, typer.Option(help="What is to be said to it.")] = "",
    as_json: Json = False,
) -> None:
    """Declare that data are needed no longer; their provider ends the grant on that."""
    shell = Shell.of(ctx)
    answer = shell.call("use.dispose", grant=grant, why=why.value, by=by, detail=detail)
    shell.done(answer, "Declared; record the destruction with use destroyed.")


@app.command("require")
def require(
    ctx: typer.Context,
    grant: Grant,
    requirements: Annotated[str, typer.Option(help="What is to be done with the data.")],
    by: By,
    days: Days = 10,
    as_json: Json = False,
) -> None:
    """Ask the reader of a grant of ours to dispose of what it received."""
    shell = Shell.of(ctx)
    answer = shell.call("use.require", grant=grant, requirements=requirements, days=days, by=by)
    shell.done(answer, "Asked; its days run (clock list).")


@app.command("destroyed")
def destroyed(
    ctx: typer.Context,
    grant: Grant,
    by: By,
    what: Annotated[str, typer.Option(help="What was destroyed.")] = "",
    how: Annotated[str, typer.Option(help="How.")] = "",
    evidence: Annotated[str, typer.Option(help="What shows it.")] = "",
    drop: Annotated[
        bool, typer.Option("--drop", help="Drop the tables now; how they stood is the evidence.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Record the destruction of what came under a grant, and tell its provider (销毁)."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "use.destroyed", grant=grant, by=by, what=what, how=how, evidence=evidence, drop=drop
    )
    shell.done(answer, "Recorded: {evidence}.", **answer)
