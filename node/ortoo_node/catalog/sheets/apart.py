"""Files of entries read, marked and written in a process of their own: they take the processor for
seconds, which the service has for others. What crosses is plain data."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from ortoo_node.catalog.sheets import outward
from ortoo_node.catalog.sheets.csv_form import write_csv
from ortoo_node.catalog.sheets.joining import join
from ortoo_node.catalog.sheets.marking import write_marked
from ortoo_node.catalog.sheets.problems import Problem
from ortoo_node.catalog.sheets.reading import Read, read
from ortoo_node.catalog.sheets.template import MOST_MERGED, write_book
from ortoo_protocol.core.catalog.intake import problems
from ortoo_protocol.core.errors import OrtooError, SheetError
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.i18n import mark as marked
from ortoo_protocol.i18n import translator
from ortoo_protocol.station.control_client import error_from, error_to

Made = TypeVar("Made")
SHOWN = 500  # problems that a page lists; all stand in the marked copy
EXCEL, CSV, JSON, NATIONAL, DCAT = "xlsx", "csv", "json", "national", "dcat"
FORMS = {EXCEL: "xlsx", CSV: "csv", JSON: "json", NATIONAL: "json", DCAT: "jsonld"}  # endings


class Told(NamedTuple):
    """A problem: row from 1 (0: no cell), column's heading and letter, in words of a language."""

    row: int
    cell: str
    heading: str
    resource: str
    what: str
    cure: str


class Looked(NamedTuple):
    """`problems`: how many."""

    resources: list[dict[str, Any]]
    problems: int
    unknown: tuple[str, ...]


async def look(file: Path, profile: str) -> Looked:
    """What stands in a file and is wrong with it. Raises SheetError."""
    return await in_a_process(partial(_look, file, profile), file.name)


async def mark(
    file: Path, target: Path, profile: str, language: str, found: Sequence[Mapping[str, Any]]
) -> tuple[list[Told], int]:
    """The marked copy, with what the station has against the file besides (`found`, as of
    catalog.import.check); the problems, and how many. Raises SheetError."""
    return await in_a_process(
        partial(_mark, file, target, profile, language, list(found)), file.name
    )


async def write(form: str, lines: Path, target: Path, name: str, base: str) -> None:
    """Entries, one a line of `lines` as JSON, as a file of `form`; `name`: who publishes them."""
    await in_a_process(partial(_write, form, lines, target, name, base), target.name)


async def template(target: Path) -> None:
    await in_a_process(partial(_template, target), target.name)


async def in_a_process(job: Callable[[], Made], name: str) -> Made:
    """`name`: of the file that it is about. Raises what `job` raises of our errors, SheetError."""
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    try:
        loop = asyncio.get_running_loop()
        made, refused = await loop.run_in_executor(pool, _guarded, job)
    except BrokenProcessPool:
        raise SheetError(file=name, detail=marked("it takes more than this machine has")) from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    if refused is not None:
        raise error_from(refused)
    return made  # type: ignore[return-value]


def _guarded(job: Callable[[], Made]) -> tuple[Made | None, dict[str, Any] | None]:
    try:
        return job(), None
    except OrtooError as error:
        return None, error_to(error)


# --- in the other process -----------------------------------------------------------------------


def _read(file: Path, profile: str) -> Read:
    return read(file, partial(problems, profile=profile_named(profile)))


def _look(file: Path, profile: str) -> Looked:
    found = _read(file, profile)
    fields = [draft.fields for draft in found.drafts]
    return Looked(fields, len(found.problems), found.unknown)


def _mark(
    file: Path, target: Path, profile: str, language: str, known: Sequence[Mapping[str, Any]]
) -> tuple[list[Told], int]:
    found = _read(file, profile)
    join(found, known)
    write_marked(file, target, found, translator(language))
    return _told(found, language), len(found.problems)


def _told(found: Read, language: str) -> list[Told]:
    say = translator(language)

    def one(problem: Problem) -> Told:
        where = (problem.row, problem.where, problem.heading, problem.resource)
        return Told(*where, *say.error(problem.error))

    return [one(each) for each, _ in zip(found.problems, range(SHOWN), strict=False)]


def _write(form: str, lines: Path, target: Path, name: str, base: str) -> None:
    if form == EXCEL:
        write_book(target, _entries(lines), merged=_count(lines) <= MOST_MERGED)
    elif form == CSV:
        write_csv(target, _entries(lines))
    elif form == JSON:
        target.write_bytes(outward.json(list(_entries(lines))))
    elif form == NATIONAL:
        target.write_bytes(outward.national(list(_entries(lines)), name))
    else:
        target.write_bytes(outward.dcat(list(_entries(lines)), name, base))


def _template(target: Path) -> None:
    write_book(target, ())


def _count(lines: Path) -> int:
    with lines.open("rb") as file:
        return sum(1 for _ in file)


def _entries(lines: Path) -> Iterator[dict[str, Any]]:
    with lines.open("rb") as file:
        for line in file:
            yield msgspec.json.decode(line)
