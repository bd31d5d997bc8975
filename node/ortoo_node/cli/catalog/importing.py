"""One import as its user sees it: read, checked, handed over, saved; or a marked copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ortoo_protocol.cli.shell import Shell
from ortoo_protocol.core.errors import SettingsExists, SheetProblems
from ortoo_protocol.i18n import mark
from ortoo_protocol.station.control_client import error_to

if TYPE_CHECKING:
    from ortoo_node.catalog.sheets.problems import Problem, Problems
    from ortoo_node.catalog.sheets.reading import Read

Fields = Mapping[str, Any]
SAVE_S = 600.0
_SHOWN = 20


def bring(
    shell: Shell,
    file: Path,
    *,
    by: str,
    why: str,
    check: bool,
    publish: bool,
    marked: Path | None,
) -> None:
    """Raises SheetError, and SheetProblems with the marked copy written."""
    from ortoo_node.catalog.sheets.joining import join
    from ortoo_node.catalog.sheets.reading import read
    from ortoo_protocol.core.catalog.intake import problems
    from ortoo_protocol.core.law.profiles import profile_named

    target = _target(file, marked)
    begun = shell.call("catalog.import.begin")
    number = begun["number"]
    try:
        with _bar(shell, mark("Reading")) as show:
            rules = partial(problems, profile=profile_named(begun["profile"]))
            found = read(file, rules, show)
        with _bar(shell, mark("Handing over")) as show:
            _hand_over(shell, number, [draft.fields for draft in found.drafts], show)
        answer = shell.call("catalog.import.check", timeout_s=SAVE_S, number=number)
        join(found, answer["problems"])
        if not found.problems and not check:
            saving: Fields = {"number": number, "by": by, "why": why, "publish": publish}
            answer = shell.long_call("Saving", "catalog.import.save", timeout_s=SAVE_S, **saving)
            join(found, answer["problems"])
    finally:
        shell.call("catalog.import.end", number=number)
    if found.problems:
        raise _refused(shell, file, target, found)
    _done(shell, found, answer.get("saved", []), check=check, publish=publish)


def _done(shell: Shell, found: Read, saved: Sequence[str], *, check: bool, publish: bool) -> None:
    items = sum(len(draft.fields.get("items", ())) for draft in found.drafts)
    value = {
        "resources": len(found.drafts),
        "items": items,
        "saved": list(saved),
        "unknown_headings": list(found.unknown),
        "problems": [],
    }

    def human() -> None:
        facts = {"resources": len(found.drafts), "items": items}
        if check:
            shell.line("{resources} resources with {items} items, and no problem.", **facts)
        elif publish:
            shell.line("{resources} resources with {items} items are published now.", **facts)
        else:
            shell.line("{resources} resources with {items} items are drafts now.", **facts)
        if found.unknown:
            shell.line(
                "Columns that were not taken in: {columns}", columns="、".join(found.unknown)
            )

    shell.answer(value, human)


# --- to the service -----------------------------------------------------------------------------


def _hand_over(
    shell: Shell, number: int, resources: Sequence[Mapping[str, Any]], show: Any
) -> None:
    from ortoo_node.catalog.sheets.joining import parts

    after = 0
    for part in parts(resources):
        answer = shell.call(
            "catalog.import.add", timeout_s=SAVE_S, number=number, after=after, resources=part
        )
        after = answer["count"]
        show(after, len(resources))


# --- problems -----------------------------------------------------------------------------------


def _refused(shell: Shell, file: Path, target: Path, found: Read) -> SheetProblems:
    from ortoo_node.catalog.sheets.marking import write_marked

    with _bar(shell, mark("Marking the problems")):
        write_marked(file, target, found, shell.say)
    if shell.as_json:
        shell.answer({"problems": [_crossing(each) for each in found.problems]}, lambda: None)
    else:
        _show(shell, found.problems)
    return SheetProblems(count=len(found.problems), file=file.name, marked=target)


def _show(shell: Shell, problems: Problems) -> None:
    rows: list[tuple[str, ...]] = []
    for problem in problems:
        if len(rows) < _SHOWN:
            what, cure = shell.say.error(problem.error)
            rows.append((problem.where, problem.heading, problem.resource, what, cure))
    shell.table(("Cell", "Column", "Resource", "Problem", "What to do"), rows)
    if len(problems) > _SHOWN:
        shell.line("{more} more stand in the copy.", more=len(problems) - _SHOWN)


def _crossing(problem: Problem) -> dict[str, Any]:
    return {
        "cell": problem.where,
        "column": problem.heading,
        "resource": problem.resource,
        "error": error_to(problem.error),
    }


def _target(file: Path, marked: Path | None) -> Path:
    """Where the marked copy goes; a new file, beside the other if nothing is said."""
    if marked is not None:
        if marked.exists():
            raise SettingsExists(path=marked)
        return marked
    for number in range(1, 1_000):
        name = "" if number == 1 else f"-{number}"
        target = file.with_name(f"{file.stem}-问题{name}.xlsx")
        if not target.exists():
            return target
    raise SettingsExists(path=target)


@contextmanager
def _bar(shell: Shell, msgid: str) -> Iterator[Any]:
    """A bar on a terminal, nothing elsewhere; to be told how far it is, and of how much."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(shell.say.text(msgid), total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None)

        yield show
