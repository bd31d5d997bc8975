"""report: half-yearly submissions, and the year's report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ortoo_protocol.cli.common import Handler
from ortoo_protocol.cli.files import read_bytes, write_new
from ortoo_protocol.cli.paging import Limit, Offset, more, span
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.cli.supervision.book import book
from ortoo_protocol.cli.supervision.page import page
from ortoo_protocol.cli.supervision.report_text import compose
from ortoo_protocol.core.supervision.half_years import PASSAGES
from ortoo_protocol.station.supervision import words

TIMEOUT_S = 600.0

app = typer.Typer(
    help="Half-yearly submissions and the year's report: open, fill, submit, decide, print.",
    no_args_is_help=True,
)
By = Annotated[str, typer.Option(help="Who does this.")]
Number = Annotated[str, typer.Argument(metavar="SUBMISSION", help="Number of the submission.")]
Approver = Annotated[str, typer.Option("--approver", help="Who approves it; not the handler.")]


@app.command("open")
def open_(
    ctx: typer.Context,
    period: Annotated[str, typer.Argument(help="Half-year, such as 2026H1.")],
    days: Annotated[int, typer.Option(min=1, help="Working days until it is submitted.")],
    by: By,
    subject: Annotated[
        list[str] | None, typer.Option(help="Only these; everybody if left out. Several times.")
    ] = None,
    note: Annotated[str, typer.Option(help="What is asked for besides.")] = "",
    as_json: Json = False,
) -> None:
    """Call for the submissions of a half-year."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "report.open", period=period, days=days, by=by, subjects=subject or [], note=note
    )
    shell.done(
        answer,
        "{count} were called on for {period}.",
        count=len(answer["submissions"]),
        period=period,
    )


@app.command("list")
def list_(
    ctx: typer.Context,
    side: Annotated[str, typer.Option(help="authority: to here; subject: from here.")] = "",
    period: Annotated[str, typer.Option(help="Only of this half-year.")] = "",
    limit: Limit = None,
    offset: Offset = None,
    as_json: Json = False,
) -> None:
    """List submissions, and which are late."""
    shell = Shell.of(ctx)
    answer = shell.call("report.list", side=side, period=period, **span(limit, offset))
    shell.answer(answer, lambda: _show_all(shell, answer["submissions"]))
    more(shell, answer, "submissions", offset)


@app.command("show")
def show(
    ctx: typer.Context,
    submission: Number,
    side: Annotated[str, typer.Option(help="authority or subject, where it is both.")] = "",
    as_json: Json = False,
) -> None:
    """Show a submission: figures as counted and as stated, what is written, what happened."""
    shell = Shell.of(ctx)
    answer = shell.call("report.show", submission=submission, side=side)
    shell.answer(answer, lambda: _show_one(shell, answer))


@app.command("fill")
def fill(
    ctx: typer.Context,
    submission: Number,
    by: By,
    file: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="JSON with passages and stated by name; what is stated has value and note.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Count the figures anew, and save what is written and stated in the file.

    Passages: implementation, effect (both needed), problems, plans.
    """
    shell = Shell.of(ctx)
    given = {} if file is None else _given(shell, file)
    answer = shell.call(
        "report.fill",
        submission=submission,
        by=by,
        passages=given.get("passages", {}),
        stated=given.get("stated", {}),
    )
    shell.answer(answer, lambda: _show_draft(shell, answer["draft"]))


def _given(shell: Shell, file: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(read_bytes(file), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        said = shell.say("{file} holds no submission: {detail}", file=file, detail=error)
        raise typer.BadParameter(said) from None


@app.command("submit")
def submit(
    ctx: typer.Context,
    submission: Number,
    handler: Handler,
    approver: Approver,
    as_json: Json = False,
) -> None:
    """Send what is filled in to the authority."""
    shell = Shell.of(ctx)
    answer = shell.call("report.submit", submission=submission, handler=handler, approver=approver)
    shell.done(answer, "Submission {submission} is on its way.", submission=submission)


@app.command("accept")
def accept(ctx: typer.Context, submission: Number, by: By, as_json: Json = False) -> None:
    """Accept a submission; it is archived as it came."""
    _decide(ctx, submission, "accept", by, "")


@app.command("return")
def return_(
    ctx: typer.Context,
    submission: Number,
    by: By,
    reason: Annotated[str, typer.Option(help="What is to be mended.")],
    as_json: Json = False,
) -> None:
    """Return a submission with the reason."""
    _decide(ctx, submission, "return", by, reason)


@app.command("chase")
def chase(
    ctx: typer.Context,
    submission: Number,
    by: By,
    reason: Annotated[str, typer.Option(help="What is said.")] = "",
    as_json: Json = False,
) -> None:
    """Ask for a submission that has not come (催报)."""
    _decide(ctx, submission, "chase", by, reason)


def _decide(ctx: typer.Context, submission: str, outcome: str, by: str, reason: str) -> None:
    shell = Shell.of(ctx)
    answer = shell.call(
        "report.decide", submission=submission, outcome=outcome, by=by, reason=reason
    )
    state = shell.word(words.SUBMISSION_STATES[answer["state"]])
    shell.done(answer, "Submission {submission} is {state}.", submission=submission, state=state)


# --- the year -----------------------------------------------------------------------------------


@app.command("year")
def year(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="YEAR", help="Which year.")],
    by: Annotated[str, typer.Option(help="Who makes it; to count anew as its next version.")] = "",
    version: Annotated[int, typer.Option(help="Print this version; the newest if not.")] = 0,
    html: Annotated[
        Path | None, typer.Option(dir_okay=False, help="The page to write; it must be new.")
    ] = None,
    xlsx: Annotated[
        Path | None, typer.Option(dir_okay=False, help="The workbook to write; it must be new.")
    ] = None,
    document: Annotated[str, typer.Option("--number", help="The report's number (文号).")] = "",
    to: Annotated[str, typer.Option(help="To whom it is addressed (主送).")] = "",
    signer: Annotated[str, typer.Option(help="Who signs it for issue (签发人).")] = "",
    as_json: Json = False,
) -> None:
    """Make the year's report, or print a version that was made: a page and a workbook, ready to
    sign."""
    shell = Shell.of(ctx)
    if by:
        answer = shell.long_call(
            "Counting…", "report.year", timeout_s=TIMEOUT_S, year=number, by=by
        )
    else:
        answer = shell.call("report.year.show", year=number, version=version)
    made = compose(shell, answer, number=document, recipient=to, signer=signer)
    if html is not None:
        write_new(html, page(shell, made).encode())
    if xlsx is not None:
        write_new(xlsx, book(shell, made))
    shell.done(
        answer,
        "Report of {year}, version {version}, digest {hash}.",
        **{name: answer[name] for name in ("year", "version", "hash")},
    )


@app.command("years")
def years(ctx: typer.Context, as_json: Json = False) -> None:
    """List the years' reports in all their versions."""
    shell = Shell.of(ctx)
    answer = shell.call("report.years")
    shell.answer(
        answer,
        lambda: shell.table(
            ("Year", "Version", "By", "Time", "Digest"),
            (
                (one["year"], one["version"], one["by"], shell.time(one["time_ms"]), one["hash"])
                for one in answer["reports"]
            ),
        ),
    )


# --- showing ------------------------------------------------------------------------------------


def _show_all(shell: Shell, found: Sequence[Mapping[str, Any]]) -> None:
    shell.table(
        (
            "Submission",
            "Period",
            "Side",
            "Department or league",
            "Last day",
            "State",
            "Round",
            "Submitted",
        ),
        (
            (
                one["submission"],
                one["period"],
                shell.word(one["side"]),
                f"{one['name']} {one['department'] or one['party']}",
                shell.time(one["due_ms"] - 1),
                shell.word(words.SUBMISSION_STATES[one["state"]])
                + (f" ({shell.word('late')})" if one["late"] else ""),
                one["round"],
                shell.time(one["first_ms"]),
            )
            for one in found
        ),
    )


def _show_one(shell: Shell, answer: Mapping[str, Any]) -> None:
    one = answer["submission"]
    _show_all(shell, [one])
    _show_draft(shell, answer["sent"] or answer["draft"])
    shell.line("Digest of what was sent: {hash}", hash=one["hash"])
    shell.table(
        ("Time", "What happened", "By", "Reason"),
        (
            (shell.time(each["time_ms"]), _event(shell, each), each["by"], each["reason"])
            for each in answer["events"]
        ),
    )


def _event(shell: Shell, event: Mapping[str, Any]) -> str:
    name = event["event"]
    return shell.word(words.SUBMISSION_EVENTS.get(name, name))


def _show_draft(shell: Shell, draft: Mapping[str, Any]) -> None:
    shell.table(
        ("Fact", "Counted", "Stated", "Note"),
        (
            (shell.word(words.FACTS[name]), counted, stated, note)
            for name, counted, stated, note in draft["figures"]
        ),
    )
    written = dict(draft["passages"])
    shell.table(
        ("Passage", "Text"),
        ((shell.word(words.PASSAGES[name]), written.get(name, "")) for name in PASSAGES),
    )
