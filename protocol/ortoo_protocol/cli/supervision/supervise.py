"""supervise: facts, leads, evaluation, and the standard of it; notices stand in notices.py."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ortoo_protocol.cli.files import read_bytes
from ortoo_protocol.cli.paging import Limit, Offset, more, span
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.cli.supervision import notices
from ortoo_protocol.cli.supervision.figures import NONE, percent, points, said
from ortoo_protocol.i18n import mark
from ortoo_protocol.station.supervision import words

TIMEOUT_S = 300.0
SHOWN = (
    "entries", "coverage_permille", "fresh_permille", "asked", "refused", "late_permille",
    "grants_given", "tasks_late", "notices", "submissions_in_time",
)  # fmt: skip

app = typer.Typer(
    help="Supervision by the authority of this level: facts, leads, notices, evaluation.",
    no_args_is_help=True,
)
standard_app = typer.Typer(help="The standard of evaluation.", no_args_is_help=True)
app.add_typer(notices.app, name="notice")
app.add_typer(standard_app, name="standard")

Period = Annotated[str, typer.Option(help="Half-year or year, such as 2026H1; this one if not.")]
Subject = Annotated[str, typer.Option(help="Department's code; at the hub the station's id.")]
By = Annotated[str, typer.Option(help="Who does this.")]
Reason = Annotated[str, typer.Option(help="Why.")]


class Outcome(enum.StrEnum):
    CONFIRM = "confirm"
    DISMISS = "dismiss"


@app.command("facts")
def facts(
    ctx: typer.Context, period: Period = "", subject: Subject = "", as_json: Json = False
) -> None:
    """Count what departments or leagues did in a period."""
    shell = Shell.of(ctx)
    answer = shell.long_call(
        "Counting…", "supervise.facts", timeout_s=TIMEOUT_S, period=period, subject=subject
    )
    show = _show_one if subject else _show_all
    shell.answer(answer, lambda: show(shell, answer))


def _show_all(shell: Shell, answer: Mapping[str, Any]) -> None:
    shell.line("Period {period}.", period=answer["period"])
    shell.table(
        ("Department or league", *(words.FACTS[name] for name in SHOWN)),
        (
            (_name(one), *(said(shell, name, one["facts"]) for name in SHOWN))
            for one in answer["subjects"]
        ),
    )


def _show_one(shell: Shell, answer: Mapping[str, Any]) -> None:
    for one in answer["subjects"]:
        shell.line("{name}, period {period}.", name=_name(one), period=answer["period"])
        shell.table(
            ("Group", "Fact", "Value"),
            (
                (shell.word(title), shell.word(words.FACTS[name]), said(shell, name, one["facts"]))
                for group, title in words.GROUPS.items()
                for name in one["facts"]
                if words.group_of(name) == group
            ),
        )
        if one["reasons"]:
            shell.table(
                ("Why requests were refused", "Times"),
                ((each["reason"], each["count"]) for each in one["reasons"]),
            )


# --- leads --------------------------------------------------------------------------------------


@app.command("leads")
def leads(
    ctx: typer.Context,
    lead: Annotated[str, typer.Argument(help="A lead, to see its evidence.")] = "",
    state: Annotated[str, typer.Option(help="open, confirmed, dismissed or noticed.")] = "",
    look: Annotated[bool, typer.Option("--look", help="Apply the rules first.")] = False,
    period: Period = "",
    limit: Limit = None,
    offset: Offset = None,
    as_json: Json = False,
) -> None:
    """List leads, or show one with its evidence; --look applies the rules to the period first."""
    shell = Shell.of(ctx)
    if look:
        shell.long_call("Counting…", "supervise.look", timeout_s=TIMEOUT_S, period=period)
    if lead:
        one = shell.call("supervise.lead", lead=lead)
        shell.answer(one, lambda: _show_lead(shell, one))
        return
    answer = shell.call("supervise.leads", state=state, **span(limit, offset))
    shell.answer(answer, lambda: _show_leads(shell, answer["leads"]))
    more(shell, answer, "leads", offset)


@app.command("decide")
def decide(
    ctx: typer.Context,
    lead: Annotated[str, typer.Argument(help="Number of the lead.")],
    outcome: Annotated[Outcome, typer.Argument(help="confirm or dismiss.")],
    reason: Reason,
    by: By,
    intent: Annotated[
        str, typer.Option(help="That it was done on purpose, and why people say so.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Confirm a lead or dismiss it; nothing follows by itself."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "supervise.decide", lead=lead, outcome=outcome.value, reason=reason, by=by, intent=intent
    )
    shell.done(
        answer,
        "Lead {lead} is {state}.",
        lead=lead,
        state=shell.word(words.LEAD_STATES[answer["state"]]),
    )


@app.command("enter")
def enter(
    ctx: typer.Context,
    subject: Annotated[str, typer.Argument(help="Department's code; at the hub the station's id.")],
    violation: Annotated[int, typer.Argument(min=1, max=6, help="1 to 6, as in art. 36.")],
    text: Annotated[str, typer.Option(help="What was found.")],
    by: By,
    intent: Annotated[
        str, typer.Option(help="That it was done on purpose, and why people say so.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Enter what people found themselves; the sixth violation can come in no other way."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "supervise.enter", subject=subject, violation=violation, text=text, by=by, intent=intent
    )
    shell.done(answer, "Lead {lead} is entered.", lead=answer["lead"])


def _show_leads(shell: Shell, found: Sequence[Mapping[str, Any]]) -> None:
    shell.table(
        (
            "Lead",
            "Department or league",
            "Violation",
            "Rule",
            "Matters",
            "State",
            "Found",
            "On purpose",
        ),
        (
            (
                one["lead"],
                _name(one),
                f"({one['violation']}) {shell.word(words.VIOLATIONS[one['violation']])}",
                _rule(shell, one),
                one["matters"],
                shell.word(words.LEAD_STATES[one["state"]]),
                shell.time(one["found_ms"]),
                one["intent"],
            )
            for one in found
        ),
    )


def _rule(shell: Shell, lead: Mapping[str, Any]) -> str:
    return lead["text"] or shell.word(words.RULES.get(lead["rule"], lead["rule"]))


def _show_lead(shell: Shell, answer: Mapping[str, Any]) -> None:
    lead = answer["lead"]
    shell.facts(
        [
            ("Lead", lead["lead"]),
            ("Department or league", _name(lead)),
            ("Violation", shell.word(words.VIOLATIONS[lead["violation"]])),
            ("Article", shell.word(lead["article"])),
            ("Rule", _rule(shell, lead)),
            ("State", shell.word(words.LEAD_STATES[lead["state"]])),
            ("On purpose", lead["intent"]),
        ]
    )
    show_evidence(shell, answer["evidence"])
    shell.table(
        ("Time", "What happened", "By", "Reason"),
        (
            (shell.time(one["time_ms"]), shell.word(one["event"]), one["by"], one["reason"])
            for one in answer["events"]
        ),
    )


def show_evidence(shell: Shell, evidence: Sequence[Mapping[str, Any]]) -> None:
    """What proves each matter: a leaf of the journal, a letter or item, or the record alone."""
    shell.table(
        ("Matter", "Since", "Detail", "Journal leaf", "Hash of the leaf", "Letter or item"),
        (
            (
                f"{shell.word(one['kind'])} {one['ref']}",
                shell.time(one["time_ms"]),
                shell.word(one["detail"]),
                NONE if one["leaf"] is None else one["leaf"],
                one["hash"],
                one["envelope"] or one["body_hash"],
            )
            for one in evidence
        ),
    )


# --- evaluation ---------------------------------------------------------------------------------


@app.command("evaluate")
def evaluate(
    ctx: typer.Context,
    by: Annotated[str, typer.Option(help="Who evaluates; to count anew.")] = "",
    period: Period = "",
    show: Annotated[str, typer.Option("--show", help="An evaluation that was made.")] = "",
    as_json: Json = False,
) -> None:
    """Evaluate everybody by the standard in force and keep it; with --show, an earlier one; with
    neither, list them."""
    shell = Shell.of(ctx)
    if not by and not show:
        listed = shell.call("supervise.evaluations")
        shell.answer(listed, lambda: _show_evaluations(shell, listed["evaluations"]))
        return
    if show:
        answer = shell.call("supervise.evaluation", evaluation=show)
    else:
        answer = shell.long_call(
            "Counting…", "supervise.evaluate", timeout_s=TIMEOUT_S, by=by, period=period
        )
    shell.answer(answer, lambda: _show_evaluation(shell, answer))


def _show_evaluations(shell: Shell, found: Sequence[Mapping[str, Any]]) -> None:
    shell.table(
        ("Evaluation", "Period", "Version of the standard", "By", "Time"),
        (
            (
                one["evaluation"], one["period"], one["standard"], one["by"],
                shell.time(one["time_ms"]),
            )
            for one in found
        ),
    )  # fmt: skip


def _show_evaluation(shell: Shell, answer: Mapping[str, Any]) -> None:
    shell.line(
        "Evaluation {evaluation}, period {period}, version {standard} of the standard.",
        **{name: answer[name] for name in ("evaluation", "period", "standard")},
    )
    if not answer["same"]:
        shell.line("Counted again, the kept figures give another result: the store was changed.")
    shell.table(
        (
            "Rank",
            "Department or league",
            "Points",
            *(_indicator(shell, one) for one in answer["indicators"]),
        ),
        (
            (
                one["rank"] or NONE,
                _name(one),
                points(one["total"]) if one["rank"] else NONE,
                *(_score(each) for each in one["scores"]),
            )
            for one in answer["ranked"]
        ),
    )


def _score(score: Mapping[str, Any]) -> str:
    if not score["applies"]:
        return NONE
    whole = f"/{score['whole']}" if score["whole"] else ""
    return f"{points(score['points'])} ({score['part']}{whole})"


def _indicator(shell: Shell, one: Mapping[str, Any]) -> str:
    title = one["title"] or shell.word(words.INDICATORS.get(one["code"], one["code"]))
    return f"{title} ({one['weight']})"


@standard_app.command("show")
def show_standard(
    ctx: typer.Context,
    version: Annotated[int, typer.Option(help="An earlier version; 0 is the built-in one.")] = -1,
    as_json: Json = False,
) -> None:
    """Show weights, bounds and the rules of leads, and who changed them when."""
    shell = Shell.of(ctx)
    answer = shell.call("supervise.standard", version=version)
    shell.answer(answer, lambda: _show_standard(shell, answer))


@standard_app.command("put")
def put_standard(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="JSON with indicators and bounds, as show prints."
        ),
    ],
    by: By,
    reason: Reason,
    as_json: Json = False,
) -> None:
    """Put another standard in force as the next version; evaluations that were made stay."""
    shell = Shell.of(ctx)
    given = _standard(shell, file)
    answer = shell.call("supervise.standard.put", standard=given, by=by, reason=reason)
    shell.done(answer, "Version {version} of the standard is in force.", **answer)


def _standard(shell: Shell, file: Path) -> dict[str, Any]:
    try:
        given = msgspec.json.decode(read_bytes(file), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        detail = shell.say("{file} holds no standard: {detail}", file=file, detail=error)
        raise typer.BadParameter(detail) from None
    return {name: given[name] for name in ("indicators", "bounds") if name in given}


def _show_standard(shell: Shell, answer: Mapping[str, Any]) -> None:
    shell.line("Version {version} of the standard.", version=answer["version"])
    shell.table(
        ("Indicator", "Weight", "Figure", "No points at", "All points at"),
        (
            (
                _indicator(shell, one),
                one["weight"],
                " ÷ ".join(shell.word(words.FACTS[n]) for n in (one["part"], one["whole"]) if n),
                *(
                    percent(one[bound]) if one["whole"] else one[bound]
                    for bound in ("zero", "full")
                ),
            )
            for one in answer["indicators"]
        ),
    )
    shell.table(
        ("Rule", "What it finds", "Violation", "Matters that make a lead"),
        (
            (
                one["rule"],
                shell.word(words.RULES[one["rule"]]),
                f"({one['violation']}) {shell.word(words.VIOLATIONS[one['violation']])}",
                one["at_least"] or shell.word(mark("out of use")),
            )
            for one in answer["rules"]
        ),
    )
    shell.table(
        ("Version", "By", "Reason", "Time"),
        (
            (one["version"], one["by"], one["reason"], shell.time(one["time_ms"]))
            for one in answer["history"]
        ),
    )


def _name(one: Mapping[str, Any]) -> str:
    number = one["department"] or one["party"]
    return f"{one['name']} {number}".strip()
