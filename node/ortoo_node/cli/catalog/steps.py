"""catalog: drafts and the steps they go through, from compiled to stopped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ortoo_node.cli.catalog.entries import read_entry
from ortoo_protocol.cli.exits import Exit
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.core.catalog.steps import Act
from ortoo_protocol.core.law.share_types import WORDS as SHARE_TYPES
from ortoo_protocol.station.control_client import error_from

app = typer.Typer()
File = Annotated[
    Path,
    typer.Argument(
        exists=True, dir_okay=False, readable=True, help="The entry, as .toml or .json."
    ),
]
Draft = Annotated[str, typer.Argument(help="Number of the draft, or code of the resource.")]
By = Annotated[str, typer.Option(help="Who does this.")]
Why = Annotated[str, typer.Option(help="Reason; some steps need one.")]
MANY = 100  # steps of one request
MANY_S = 120.0


@app.command("draft")
def draft(
    ctx: typer.Context,
    file: File,
    by: By,
    why: Why = "",
    number: Annotated[str, typer.Option("--draft", help="The draft that it replaces.")] = "",
    as_json: Json = False,
) -> None:
    """Keep an entry as a draft; nothing is published.

    Its code may be left out, or be a class only: filing gives the number.
    """
    shell = Shell.of(ctx)
    entry = read_entry(shell, file)
    answer = shell.call("catalog.draft.save", entry=entry, by=by, why=why, draft=number)

    def show() -> None:
        shell.line("Draft {draft} is kept.", draft=answer["draft"]["draft"])
        if answer["problems"]:
            show_problems(shell, answer["problems"])

    shell.answer(answer, show)


@app.command("check")
def check(ctx: typer.Context, file: File, as_json: Json = False) -> None:
    """Show all that is wrong with an entry, without keeping it."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.check", entry=read_entry(shell, file))
    shell.answer(answer, lambda: show_problems(shell, answer["problems"]))
    if answer["problems"]:
        raise typer.Exit(Exit.REFUSED)


@app.command("drafts")
def drafts(
    ctx: typer.Context,
    state: Annotated[
        list[str] | None, typer.Option(help="Only of this state; those on their way if not said.")
    ] = None,
    department: Annotated[str, typer.Option(help="Only of this department.")] = "",
    as_json: Json = False,
) -> None:
    """List drafts."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.draft.list", states=state or [], department=department)
    shell.answer(
        answer,
        lambda: shell.table(
            ("Draft", "Code", "Version", "Name", "Department", "State", "Compiled by", "Changed"),
            (
                (
                    one["draft"],
                    one["code"],
                    one["version"],
                    one["name"],
                    one["department"],
                    shell.word(one["state"]),
                    one["compiled_by"],
                    shell.time(one["changed_ms"]),
                )
                for one in answer["drafts"]
            ),
        ),
    )


@app.command("steps")
def steps(ctx: typer.Context, draft: Draft, as_json: Json = False) -> None:
    """Show a draft: who did what, when and why, and which steps are open."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.draft.show", draft=draft)
    shell.answer(answer, lambda: _show_draft(shell, answer))


@app.command("step")
def step(
    ctx: typer.Context,
    draft: Draft,
    act: Annotated[Act, typer.Argument(help="The step.")],
    by: By,
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Take a step: review, check, assess, file, ratify, publish, plan, take-over, revise,
    file-stop, keep, stop, send-back or withdraw.

    Who compiles does not approve; who approves for the department does not file for the authority.
    """
    shell = Shell.of(ctx)
    answer = shell.call("catalog.step", draft=draft, act=act.value, by=by, why=why)
    shell.done(
        answer,
        "{name} ({code}) is now: {state}.",
        name=answer["name"],
        code=answer["code"] or answer["draft"],
        state=shell.word(answer["state"]),
    )


@app.command("step-all")
def step_all(
    ctx: typer.Context,
    act: Annotated[Act, typer.Argument(help="The step.")],
    by: By,
    state: Annotated[str, typer.Option(help="Drafts of this state, such as drafting.")],
    department: Annotated[str, typer.Option(help="Only of this department.")] = "",
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Take the same step of every draft of a state: after an import, say.

    Each stands for itself: one that is refused stays as it is, with the reason, and the others go
    on.
    """
    shell = Shell.of(ctx)
    names: dict[str, str] = {}  # by draft, of all that were tried
    taken: list[Any] = []
    refused: list[Any] = []
    while True:  # a list holds so many at most; what went on stands in it no more
        listed = shell.call("catalog.draft.list", states=[state], department=department)["drafts"]
        part = [one for one in listed if one["draft"] not in names][:MANY]
        if not part:
            break
        names |= {one["draft"]: one["name"] for one in part}
        answer = shell.call(
            "catalog.step.many", timeout_s=MANY_S, drafts=[one["draft"] for one in part],
            act=act.value, by=by, why=why,
        )  # fmt: skip
        taken += answer["taken"]
        refused += answer["refused"]
    shell.answer(
        {"taken": taken, "refused": refused}, lambda: _show_many(shell, names, taken, refused)
    )
    if refused:
        raise typer.Exit(Exit.REFUSED)


def _show_many(
    shell: Shell,
    names: Mapping[str, str],
    taken: Sequence[Any],
    refused: Sequence[Mapping[str, Any]],
) -> None:
    shell.line("{count} drafts went on.", count=len(taken))
    if not refused:
        return
    shell.line("{count} drafts stay as they are:", count=len(refused))

    def rows() -> Iterable[tuple[object, ...]]:
        for one in refused:
            what, cure = shell.say.error(error_from(one["error"]))
            yield one["draft"], names[one["draft"]], what, cure

    shell.table(("Draft", "Name", "What is wrong", "What to do"), rows())


@app.command("codes")
def codes(
    ctx: typer.Context,
    prefix: Annotated[str, typer.Argument(help="Class whose classes are listed.")] = "",
    as_json: Json = False,
) -> None:
    """List the classes of codes: 1 base, 2 theme, 3 department, and below."""
    shell = Shell.of(ctx)
    answer = shell.call("catalog.codes", prefix=prefix)
    shell.answer(
        answer,
        lambda: shell.table(
            ("Code", "Name", "Lead department"),
            ((one["code"], one["name"], one["lead"]) for one in answer["classes"]),
        ),
    )


def show_problems(shell: Shell, problems: Iterable[Mapping[str, Any]]) -> None:
    def rows() -> Iterable[tuple[object, ...]]:
        for one in problems:
            what, cure = shell.say.error(error_from(one["error"]))
            place = one["field"] if one["item"] is None else f"{one['field']} ({one['item'] + 1})"
            yield place, what, cure

    shell.table(("Field (item)", "What is wrong", "What to do"), rows())


def _show_draft(shell: Shell, answer: Mapping[str, Any]) -> None:
    draft = answer["draft"]
    shell.facts(
        [
            ("Draft", draft["draft"]),
            ("Code", f"{draft['code']} ({draft['version']})"),
            ("Name", draft["name"]),
            ("Department", draft["department"]),
            ("Share type", shell.word(SHARE_TYPES.get(draft["share_type"]))),
            ("State", shell.word(draft["state"])),
            ("Filed as", draft["filed"]),
        ]
    )
    shell.table(
        ("Time", "Step", "Before", "After", "By", "Reason"),
        (
            (
                shell.time(one["time_ms"]),
                shell.word(one["act"]),
                shell.word(one["before"]),
                shell.word(one["after"]),
                one["who"],
                one["why"],
            )
            for one in answer["steps"]
        ),
    )
    shell.table(
        ("Open step", "Whose", "Reason"),
        (
            (one["act"], shell.word(one["side"]), "✓" if one["reason"] else "")
            for one in answer["next"]
        ),
    )
    if answer["refusals"]:
        shell.table(
            ("Not taken by the hub", "Version", "Error", "Reason"),
            (
                (shell.time(one["time_ms"]), one["version"], one["error"], one["reason"])
                for one in answer["refusals"]
            ),
        )
    if answer["problems"]:
        show_problems(shell, answer["problems"])
