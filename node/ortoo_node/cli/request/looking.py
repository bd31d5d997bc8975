"""request list, show, attachment, sign, compare: following cases."""

from __future__ import annotations

import base64
import enum
from pathlib import Path
from typing import Annotated

import typer

from ortoo_node.cli.request.options import Case, Side
from ortoo_protocol.cli import printing
from ortoo_protocol.cli.common import Handler, show_case, show_cases
from ortoo_protocol.cli.exits import Exit
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer()
COMPARE_TIMEOUT_S = 40.0


class Role(enum.StrEnum):
    APPLICANT = "applicant"
    PROVIDER = "provider"
    ALL = "all"


@app.command("list")
def list_(
    ctx: typer.Context,
    role: Annotated[Role, typer.Option(help="As whom this station takes part.")] = Role.ALL,
    state: Annotated[
        str | None, typer.Option(help="Such as submitted, returned, negotiating or granted.")
    ] = None,
    group: Annotated[str, typer.Option(help="Only the cases of one paper.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 1_000,
    offset: Annotated[int, typer.Option(help="Pass so many over.", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """List cases."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "request.list", role=role.value, state=state, group=group, limit=limit, offset=offset
    )
    shell.answer(answer, lambda: show_cases(shell, answer["cases"]))


@app.command("show")
def show(ctx: typer.Context, case: Case, as_json: Json = False) -> None:
    """Show a case, all that happened to it, its clocks, and what may be done next."""
    shell = Shell.of(ctx)
    answer = shell.call("request.show", case=case)
    shell.answer(answer, lambda: show_case(shell, answer))


@app.command("attachment")
def attachment(
    ctx: typer.Context,
    case: Case,
    number: Annotated[int, typer.Argument(help="Its place in the application, from 1.", min=1)],
    to: Annotated[Path, typer.Option(help="File to write.")],
    as_json: Json = False,
) -> None:
    """Write a scan that came with an application to a file."""
    shell = Shell.of(ctx)
    answer = shell.call("request.attachment", case=case, position=number - 1)
    to.write_bytes(base64.b64decode(answer.pop("content")))
    shell.done({**answer, "path": str(to)}, "{name} is written to {path}.", **answer, path=to)


class Paper(enum.StrEnum):
    APPLICATION = "application"
    ANSWER = "answer"


@app.command("print")
def print_(
    ctx: typer.Context,
    case: Case,
    to: Annotated[Path, typer.Argument(help="The file to write: .html, or .pdf.")],
    paper: Annotated[
        Paper, typer.Option(help="The application (申请表), or the newest answer (答复函).")
    ] = Paper.APPLICATION,
    as_json: Json = False,
) -> None:
    """Write a paper of a case, to be printed, signed and filed.

    A PDF is printed by a Chromium of this machine; without one, print the .html from a browser.
    """
    shell = Shell.of(ctx)
    page = shell.call("request.paper", case=case, paper=paper.value)["page"]
    printing.write(to, page)
    answer = {"case": case, "paper": paper.value, "path": str(to)}
    shell.done(answer, "The paper is in {path}.", **answer)


@app.command("sign")
def sign(
    ctx: typer.Context, case: Case, handler: Handler, side: Side = "", as_json: Json = False
) -> None:
    """Sign for receipt (签收): of an application, or of an answer."""
    shell = Shell.of(ctx)
    answer = shell.call("request.sign", case=case, handler=handler, side=side)
    shell.done(answer, "Case {case} is signed for.", **answer)


@app.command("compare")
def compare(
    ctx: typer.Context,
    wait: Annotated[int, typer.Option(help="Seconds to wait for the hub.", min=0, max=30)] = 10,
    as_json: Json = False,
) -> None:
    """Compare the states of cases with the hub's, and name what differs."""
    shell = Shell.of(ctx)
    answer = shell.long_call(
        "Asking the hub…", "request.compare", timeout_s=COMPARE_TIMEOUT_S, wait_s=wait
    )

    def human() -> None:
        shell.table(
            ("Case", "Here", "With the hub"),
            (
                (one["case"], shell.word(one["here"]), shell.word(one["there"]))
                for one in answer["differing"]
            ),
        )
        if not answer["answered"]:
            shell.line("The hub has not answered yet; this is what it said before.")
        elif not answer["differing"]:
            shell.line("{asked} cases compared: all are the same.", asked=answer["asked"])

    shell.answer(answer, human)
    if answer["differing"]:
        raise typer.Exit(Exit.UNVERIFIED)
