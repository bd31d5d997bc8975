"""supervise notice: written notices, issued here or received here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.common import Handler
from ortoo_protocol.cli.paging import Limit, Offset, more, span
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.station.supervision import words

app = typer.Typer(
    help="Written notices with a time limit: issue, follow up, answer.", no_args_is_help=True
)
Notice = Annotated[str, typer.Argument(help="Number of the notice.")]
Approver = Annotated[str, typer.Option("--approver", help="Who approves it; not the handler.")]
Text = Annotated[str, typer.Option("--text", help="What is said.")]


@app.command("issue")
def issue(
    ctx: typer.Context,
    subject: Annotated[str, typer.Argument(help="Department's code; at the hub the station's id.")],
    violation: Annotated[int, typer.Option(min=1, max=6, help="1 to 6, as in art. 36.")],
    found: Annotated[str, typer.Option(help="What was found.")],
    demands: Annotated[str, typer.Option(help="What is to be mended.")],
    days: Annotated[int, typer.Option(min=1, help="Working days until it is mended.")],
    handler: Handler,
    approver: Approver,
    title: Annotated[str, typer.Option(help="Title; the kind of violation if not.")] = "",
    number: Annotated[str, typer.Option(help="The notice's number (文号).")] = "",
    lead: Annotated[
        list[str] | None, typer.Option(help="Confirmed lead that it is about; several times.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Issue a written notice; the evidence of its leads goes with it, and the clock starts."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "notice.issue",
        subject=subject,
        violation=violation,
        title=title or shell.word(words.VIOLATIONS[violation]),
        found=found,
        demands=demands,
        days=days,
        handler=handler,
        approver=approver,
        number=number,
        leads=lead or [],
    )
    shell.done(
        answer,
        "Notice {notice} is issued; it is to be mended by {due}.",
        notice=answer["notice"],
        due=shell.time(answer["due_ms"] - 1),
    )


@app.command("list")
def list_(
    ctx: typer.Context,
    side: Annotated[str, typer.Option(help="authority: issued here; subject: received.")] = "",
    settled: Annotated[bool, typer.Option("--settled", help="Also those that are over.")] = False,
    limit: Limit = None,
    offset: Offset = None,
    as_json: Json = False,
) -> None:
    """List written notices by their last day."""
    shell = Shell.of(ctx)
    answer = shell.call("notice.list", side=side, settled=settled, **span(limit, offset))
    shell.answer(answer, lambda: _show_all(shell, answer["notices"]))
    more(shell, answer, "notices", offset)


@app.command("show")
def show(
    ctx: typer.Context,
    notice: Notice,
    side: Annotated[str, typer.Option(help="authority or subject, where it is both.")] = "",
    as_json: Json = False,
) -> None:
    """Show a notice with its evidence and everything that followed."""
    shell = Shell.of(ctx)
    answer = shell.call("notice.show", notice=notice, side=side)
    shell.answer(answer, lambda: _show_one(shell, answer))


@app.command("acknowledge")
def acknowledge(
    ctx: typer.Context, notice: Notice, handler: Handler, as_json: Json = False
) -> None:
    """Say that a notice was received (签收)."""
    _act(ctx, notice, "acknowledge", handler)


@app.command("answer")
def answer(
    ctx: typer.Context,
    notice: Notice,
    text: Text,
    handler: Handler,
    approver: Approver,
    as_json: Json = False,
) -> None:
    """Report what was mended."""
    _act(ctx, notice, "answer", handler, text, approver)


@app.command("return")
def return_(
    ctx: typer.Context, notice: Notice, text: Text, handler: Handler, as_json: Json = False
) -> None:
    """Return an answer: it is not mended yet."""
    _act(ctx, notice, "return", handler, text)


@app.command("verify")
def verify(
    ctx: typer.Context,
    notice: Notice,
    text: Text,
    handler: Handler,
    approver: Approver,
    as_json: Json = False,
) -> None:
    """Verify that it is mended, and close the notice (销号)."""
    _act(ctx, notice, "verify", handler, text, approver)


@app.command("escalate")
def escalate(
    ctx: typer.Context,
    notice: Notice,
    text: Text,
    handler: Handler,
    approver: Approver,
    as_json: Json = False,
) -> None:
    """Take it to who stands above; it can still be answered."""
    _act(ctx, notice, "escalate", handler, text, approver)


@app.command("revoke")
def revoke(
    ctx: typer.Context,
    notice: Notice,
    text: Text,
    handler: Handler,
    approver: Approver,
    as_json: Json = False,
) -> None:
    """Revoke a notice that should not have been issued."""
    _act(ctx, notice, "revoke", handler, text, approver)


def _act(
    ctx: typer.Context, notice: str, event: str, handler: str, text: str = "", approver: str = ""
) -> None:
    shell = Shell.of(ctx)
    found = shell.call(
        "notice.act", notice=notice, event=event, handler=handler, text=text, approver=approver
    )
    state = shell.word(words.NOTICE_STATES[found["state"]])
    shell.done(found, "Notice {notice} is {state}.", notice=notice, state=state)


def _show_all(shell: Shell, found: Sequence[Mapping[str, Any]]) -> None:
    shell.table(
        ("Notice", "Notice number", "Side", "Addressee", "Title", "Last day", "State"),
        (
            (
                one["notice"],
                one["number"],
                shell.word(one["side"]),
                f"{one['name']} {one['department'] or one['party']}",
                one["title"],
                _due(shell, one),
                _state(shell, one),
            )
            for one in found
        ),
    )


def _due(shell: Shell, one: Mapping[str, Any]) -> str:
    provisional = f" ({shell.word('provisional')})" if one["provisional"] else ""
    return shell.time(one["due_ms"] - 1) + provisional


def _state(shell: Shell, one: Mapping[str, Any]) -> str:
    return shell.word(words.NOTICE_STATES[one["state"]]) + (
        f" ({shell.word('late')})" if one["late"] else ""
    )


def _show_one(shell: Shell, answer: Mapping[str, Any]) -> None:
    from ortoo_protocol.cli.supervision.supervise import show_evidence

    one = answer["notice"]
    shell.facts(
        [
            ("Notice", one["notice"]),
            ("Notice number", one["number"]),
            ("Addressee", f"{one['name']} {one['department'] or one['party']}"),
            ("Title", one["title"]),
            ("Violation", shell.word(words.VIOLATIONS[one["violation"]])),
            ("Article", shell.word(one["article"])),
            ("What was found", one["found"]),
            ("What is to be mended", one["demands"]),
            ("Last day", _due(shell, one)),
            ("State", _state(shell, one)),
            ("Next", ", ".join(shell.word(each) for each in one["next"])),
        ]
    )
    show_evidence(shell, answer["evidence"])
    shell.table(
        ("Time", "What happened", "Text", "Handler", "Approver", "Stands"),
        (
            (
                shell.time(move["time_ms"]),
                shell.word(move["event"]),
                move["text"],
                move["handler"],
                move["approver"],
                shell.word("yes" if move["stands"] else "not yet"),
            )
            for move in answer["moves"]
        ),
    )
