"""correction: doubt what was received, answer for what was given (校核)."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ortoo_protocol.cli import corrections
from ortoo_protocol.cli.common import Approver, Handler
from ortoo_protocol.cli.corrections import Number, show_one
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.core.errors import CorrectionKey
from ortoo_protocol.core.law.clock import instant_ms

app = typer.Typer(help="Corrections of shared data (校核).", no_args_is_help=True)
app.add_typer(corrections.app)
By = Annotated[str, typer.Option(help="Who says so.")]
Values = list[str]


class About(enum.StrEnum):
    WRONG = "wrong"
    DOUBTFUL = "doubtful"
    MISSING = "missing"


class Outcome(enum.StrEnum):
    CORRECTED = "corrected"
    RIGHT = "right"
    PASSED = "passed"


class Side(enum.StrEnum):
    DETAIL = "detail"
    EVIDENCE = "evidence"


@app.command("raise")
def raise_(
    ctx: typer.Context,
    grant: Annotated[str, typer.Argument(help="Number of the grant it was received under.")],
    key: Annotated[Values, typer.Option(help="Of the row, COLUMN=VALUE for each key item.")],
    text: Annotated[str, typer.Option(help="What is wrong with it.")],
    found: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The day on which it was discovered.")
    ],
    by: By,
    about: Annotated[About, typer.Option(help="What kind of doubt it is.")] = About.DOUBTFUL,
    seen: Annotated[Values | None, typer.Option(help="A field as it came, COLUMN=VALUE.")] = None,
    expected: Annotated[
        Values | None, typer.Option(help="The same as it should be, COLUMN=VALUE.")
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file that shows it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Doubt a row that was received, or fields of it (疑义反馈).

    Who, which resource and until when is known to the authority; the row and the evidence are
    sealed to the provider.
    """
    shell = Shell.of(ctx)
    answer = shell.call(
        "correction.raise",
        grant=grant,
        key=_pairs(key),
        text=text,
        found_ms=instant_ms(found),
        by=by,
        about=about.value,
        seen=_pairs(seen or []),
        expected=_pairs(expected or []),
        evidence="" if evidence is None else str(evidence.resolve()),
    )
    shell.answer(answer, lambda: show_one(shell, answer))


@app.command("answer")
def answer_(
    ctx: typer.Context,
    correction: Number,
    outcome: Annotated[Outcome, typer.Option(help="What was found.")],
    reason: Annotated[str, typer.Option(help="Why; the authority reads it too.")],
    handler: Handler,
    approver: Approver,
    source: Annotated[str, typer.Option(help="Whose data they are, if passed on (数源部门).")] = "",
    text: Annotated[str, typer.Option(help="What only the reader is to see.")] = "",
    evidence: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file that shows it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer for a resource of ours (校核处理结果).

    Corrected: mend the source and publish first; the answer names the item, and the case closes
    when the reader has applied it.
    """
    shell = Shell.of(ctx)
    answer = shell.call(
        "correction.answer",
        correction=correction,
        outcome=outcome.value,
        reason=reason,
        handler=handler,
        approver=approver,
        source=source,
        text=text,
        evidence="" if evidence is None else str(evidence.resolve()),
    )
    shell.answer(answer, lambda: show_one(shell, answer))


@app.command("close")
def close(
    ctx: typer.Context,
    correction: Number,
    by: By,
    reason: Annotated[str, typer.Option(help="What is to be said to it.")] = "",
    as_json: Json = False,
) -> None:
    """Accept an answer that no row will close by itself."""
    shell = Shell.of(ctx)
    answer = shell.call("correction.close", correction=correction, by=by, reason=reason)
    shell.answer(answer, lambda: show_one(shell, answer))


@app.command("withdraw")
def withdraw(
    ctx: typer.Context,
    correction: Number,
    reason: Annotated[str, typer.Option(help="Why it is doubted no longer.")],
    by: By,
    as_json: Json = False,
) -> None:
    """Take a doubt back."""
    shell = Shell.of(ctx)
    answer = shell.call("correction.withdraw", correction=correction, reason=reason, by=by)
    shell.answer(answer, lambda: show_one(shell, answer))


@app.command("evidence")
def evidence(
    ctx: typer.Context,
    correction: Number,
    side: Annotated[Side, typer.Argument(help="The reader's, or the provider's.")],
    to: Annotated[Path, typer.Option(help="A new file.")],
    as_json: Json = False,
) -> None:
    """Write a file that one side put in."""
    shell = Shell.of(ctx)
    answer = shell.call(
        "correction.evidence", correction=correction, side=side.value, path=str(Path.cwd() / to)
    )
    shell.done(answer, "{bytes} bytes in {path}.", **answer)


def _pairs(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or name in found:
            raise CorrectionKey(detail=f"{name[:63]} is not COLUMN=VALUE, or stands twice")
        found[name] = value
    return found
