"""reject, task: rows that did not leave, and who mends them."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any

import typer

from ortoo_node.cli.quality import reason
from ortoo_protocol.cli.files import NewFile, write_new
from ortoo_protocol.cli.shell import Json, Shell

ALL = 10_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

rejects = typer.Typer(help="Rows that did not leave, and why.", no_args_is_help=True)
tasks = typer.Typer(help="Rectification tasks (整改任务).", no_args_is_help=True)
Resource = Annotated[str, typer.Argument(help="Code of the resource, of this station's own.")]
Task = Annotated[str, typer.Argument(help="Number of the task.")]
By = Annotated[str, typer.Option(help="Who says this.")]


@rejects.command("list")
def list_(
    ctx: typer.Context,
    resource: Resource,
    most: Annotated[int, typer.Option(min=1, max=ALL, help="How many at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List rows that did not leave, the newest first. A row that is mended disappears."""
    shell = Shell.of(ctx)
    answer = shell.call("reject.list", resource=resource, most=most)
    shell.answer(answer, lambda: _show(shell, answer))


def _show(shell: Shell, answer: dict[str, Any]) -> None:
    shell.table(
        ("Reason", "Column", "Rows"),
        (
            (reason(shell, each["error"], each["column"]), each["column"], each["total"])
            for each in answer["totals"]
        ),
    )
    shell.table(
        ("Key", "Row", "Column", "Reason", "Times", "Since"),
        (
            (
                each["key"],
                _where(each),
                each["column"],
                reason(shell, each["error"], each["column"]),
                each["times"],
                shell.time(each["first_ms"]),
            )
            for each in answer["rejects"]
        ),
    )


def _where(each: dict[str, Any]) -> object:
    """File and line, where a file was read; else the row's place in the reading."""
    place, found, _said = str(each["detail"]).partition(": [")
    return place if found and place else each["row"] or ""


@rejects.command("export")
def export(ctx: typer.Context, resource: Resource, file: NewFile, as_json: Json = False) -> None:
    """Write all of them to a CSV file, for whoever has to mend them."""
    shell = Shell.of(ctx)
    found = shell.call("reject.list", resource=resource, most=ALL)["rejects"]
    out = io.StringIO()
    writer = csv.writer(out)
    headings = ("Key", "Row", "Column", "Code", "Reason", "Detail", "Times", "Since", "Time")
    writer.writerow([shell.word(heading) for heading in headings])
    for each in found:
        said = reason(shell, each["error"], each["column"])
        times = (each["times"], shell.time(each["first_ms"]), shell.time(each["time_ms"]))
        row = (each["key"], each["row"], each["column"], each["error"], said, each["detail"])
        writer.writerow([_plain(value) for value in (*row, *times)])
    write_new(file, out.getvalue().encode("utf-8-sig"))
    shell.done(
        {"file": str(file), "rows": len(found)},
        "{rows} rows are written to {file}.",
        rows=len(found),
        file=file,
    )


def _plain(value: object) -> object:
    """A spreadsheet calculates what begins as a formula: keys are other people's data."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


@tasks.command("list")
def list_tasks(
    ctx: typer.Context,
    settled: Annotated[bool, typer.Option("--all", help="Also those that are settled.")] = False,
    as_json: Json = False,
) -> None:
    """List what departments have to mend, and until when."""
    shell = Shell.of(ctx)
    answer = shell.call("task.list", settled=settled)
    shell.answer(
        answer,
        lambda: shell.table(
            ("Task", "Resource", "Department", "Rule", "Found", "State", "Due", "History"),
            (
                (
                    one["task"],
                    f"{one['resource']} {one['resource_name']}",
                    one["department"],
                    _rule(shell, one["rule"]),
                    one["what"],
                    _state(shell, one["state"]),
                    _due(shell, one),
                    "\n".join(_event(shell, event) for event in one["events"]),
                )
                for one in answer["tasks"]
            ),
        ),
    )


def _rule(shell: Shell, rule: str) -> str:
    check, colon, column = rule.partition(":")
    if not colon:
        return shell.word(check)
    code = check if "." in check else f"quality.{check}"
    return reason(shell, code, column)


def _state(shell: Shell, word: str) -> str:
    """Of a task or an event: an open task is not what an open end is."""
    return shell.word("to be mended") if word == "open" else shell.word(word)


def _due(shell: Shell, task: dict[str, Any]) -> str:
    due = shell.time(task["due_ms"])
    return f"{due} {shell.word('overdue')}" if task["overdue"] else due


def _event(shell: Shell, event: dict[str, Any]) -> str:
    said = (
        shell.time(event["time_ms"]),
        _state(shell, event["event"]),
        event["by"],
        event["reason"],
    )
    return " ".join(filter(None, said))


@tasks.command("answer")
def answer(
    ctx: typer.Context,
    task: Task,
    by: By,
    reason: Annotated[str, typer.Option(help="What was done about it.")],
    as_json: Json = False,
) -> None:
    """Answer a task; the next check that passes verifies it."""
    shell = Shell.of(ctx)
    found = shell.call("task.answer", task=task, by=by, reason=reason)
    shell.done(found, "Task {task} is answered.", **found)


@tasks.command("close")
def close(
    ctx: typer.Context,
    task: Task,
    by: By,
    reason: Annotated[str, typer.Option(help="Why nothing more is done.")],
    as_json: Json = False,
) -> None:
    """Close a task for a reason, though its rule still fails."""
    shell = Shell.of(ctx)
    found = shell.call("task.close", task=task, by=by, reason=reason)
    shell.done(found, "Task {task} is closed.", **found)
