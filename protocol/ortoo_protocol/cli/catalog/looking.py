"""catalog search, statistics, report: the same at a station and at the hub."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.catalog.report_page import page
from ortoo_protocol.cli.files import write_new
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.core.catalog.divisions import LEAGUES
from ortoo_protocol.core.catalog.elements import SHARE_TYPES as SHARE_NAMES
from ortoo_protocol.core.catalog.freshness import STATES
from ortoo_protocol.core.law.share_types import WORDS as SHARE_TYPES

FACETS = ("league", "theme", "share", "mode", "cycle", "status", "freshness", "department")
SHOWN_VALUES = 12
FRESHNESS_COLUMNS = ("fresh", "late", "stale", "never", "unknown")

app = typer.Typer()

League = Annotated[str, typer.Option(help="League or city: its name, or four digits.")]
Department = Annotated[str, typer.Option(help="Department: its name, or its code.")]
Provider = Annotated[str, typer.Option(help="Station that provides it.")]


@app.command("search")
def search(
    ctx: typer.Context,
    text: Annotated[
        str,
        typer.Argument(
            help="Words that all stand in an entry; a code or its beginning; initials of pinyin."
        ),
    ] = "",
    league: League = "",
    department: Department = "",
    provider: Provider = "",
    kind: Annotated[str, typer.Option(help="Type of catalog: 1 base, 2 theme, 3 department.")] = "",
    theme: Annotated[str, typer.Option(help="Class of the code, three digits.")] = "",
    share: Annotated[
        str, typer.Option(help="Share type: 1 unconditional, 2 conditional, 3 not shared.")
    ] = "",
    mode: Annotated[str, typer.Option(help="Mode of sharing, such as 联机查询.")] = "",
    cycle: Annotated[str, typer.Option(help="Update cycle, such as 每日.")] = "",
    status: Annotated[str, typer.Option(help="published, planned or stopped.")] = "",
    grade: Annotated[str, typer.Option(help="Grade of classification.")] = "",
    freshness: Annotated[
        str, typer.Option(help="fresh, late, stale, never, unknown or none.")
    ] = "",
    facets: Annotated[bool, typer.Option("--facets", help="Also count by each filter.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 50,
    offset: Annotated[int, typer.Option(min=0, help="How many to leave out before.")] = 0,
    as_json: Json = False,
) -> None:
    """Search the region's catalog; works also while the hub is down."""
    shell = Shell.of(ctx)
    filters = {
        "league": _league(league),
        "department": department,
        "provider": provider,
        "kind": kind,
        "theme": theme,
        "share": _share(shell, share),
        "mode": mode,
        "cycle": cycle,
        "status": status,
        "grade": grade,
        "freshness": _freshness(shell, freshness),
    }
    answer = shell.call(
        "catalog.search",
        text=text,
        limit=limit,
        offset=offset,
        filters={name: value for name, value in filters.items() if value},
        facets=list(FACETS) if facets else [],
    )
    shell.answer(answer, lambda: _show_found(shell, answer, offset))


def _league(given: str) -> str:
    return next((code[:4] for code, name in LEAGUES.items() if name == given), given)


def _share(shell: Shell, given: str) -> str:
    """By number, or by its word in either language."""
    for number, word in SHARE_TYPES.items():
        if given in (word, shell.word(word), SHARE_NAMES[number]):
            return str(number)
    return given


def _freshness(shell: Shell, given: str) -> str:
    return next((state for state in STATES if given in (state, shell.word(state))), given)


def _show_found(shell: Shell, answer: Mapping[str, Any], offset: int) -> None:
    entries: Sequence[Mapping[str, Any]] = answer["entries"]
    show_entries(shell, entries)
    if entries:
        last = offset + len(entries)
        shell.line(
            "{first} to {last} of {total}.", first=offset + 1, last=last, total=answer["total"]
        )
    if answer["facets"] and answer["counted"] < answer["total"]:
        shell.line(
            "The counts below are estimates, from {counted} of the {total}.",
            counted=answer["counted"],
            total=answer["total"],
        )
    for name, values in answer["facets"].items():
        names = answer["names"].get(name, {})
        counted = [
            f"{_value(shell, name, value, names)} {count}"
            for value, count in list(values.items())[:SHOWN_VALUES]
        ]
        more = len(values) - len(counted)
        if more > 0:
            counted.append(shell.say("{more} more", more=more))
        shell.facts([(FACET_TITLES[name], " · ".join(counted))])


FACET_TITLES = {
    "league": "League",
    "department": "Department",
    "theme": "Theme",
    "share": "Share type",
    "mode": "Mode",
    "cycle": "Cycle",
    "status": "Status",
    "freshness": "Freshness",
}


def _value(shell: Shell, name: str, value: str, names: Mapping[str, str]) -> str:
    if name == "share":
        return shell.word(SHARE_TYPES.get(int(value), value))
    if name in ("status", "freshness"):
        return shell.word(value)
    return names.get(value, value)


def show_entries(shell: Shell, entries: Iterable[Mapping[str, Any]]) -> None:
    shell.table(
        (
            "Code", "Name", "Provider", "Department", "Share type", "Cycle", "Items", "Status",
            "Freshness",
        ),
        (
            (
                entry["code"],
                entry["name"],
                f"{entry['provider']} {entry['provider_name']}",
                entry["department_name"],
                shell.word(SHARE_TYPES.get(entry["share_type"])),
                entry["cycle"],
                entry["items"],
                shell.word(entry["status"]),
                shell.word(entry.get("freshness")),
            )
            for entry in entries
        ),
    )  # fmt: skip


# --- statistics ---------------------------------------------------------------------------------


@app.command("statistics")
def statistics(
    ctx: typer.Context,
    league: League = "",
    department: Department = "",
    provider: Provider = "",
    departments: Annotated[
        int, typer.Option(min=0, help="How many departments are listed; 0: all.")
    ] = 20,
    as_json: Json = False,
) -> None:
    """Count the catalog: by type, share type, theme, league and department, and how fresh it is."""
    shell = Shell.of(ctx)
    answer = _counted(shell, league, department, provider)
    shell.answer(answer, lambda: _show_numbers(shell, answer, departments or None))


def _counted(shell: Shell, league: str, department: str, provider: str) -> Mapping[str, Any]:
    given = {"league": _league(league), "department": department, "provider": provider}
    filters = {name: value for name, value in given.items() if value}
    found: Mapping[str, Any] = shell.call("catalog.statistics", filters=filters)
    return found


def _show_numbers(shell: Shell, answer: Mapping[str, Any], departments: int | None) -> None:
    total = answer["total"]
    shell.line(
        "{entries} entries with {items} items; {stopped} were stopped.",
        entries=total["entries"],
        items=total["items"],
        stopped=total["stopped"],
    )
    titles = (("kind", "Type"), ("theme", "Theme"), ("league", "League"), ("mode", "Mode"),
              ("cycle", "Cycle"))  # fmt: skip
    for group, title in titles:
        _numbers(shell, title, answer[group])
    _numbers(shell, "Department", answer["department"][:departments])
    left = len(answer["department"]) - (departments or len(answer["department"]))
    if left > 0:
        shell.line("{more} more", more=left)


def _numbers(shell: Shell, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    shell.table(
        (
            title, "Entries", "Items", "unconditional", "conditional", "not shared",
            *FRESHNESS_COLUMNS,
        ),
        (
            (
                row.get("name") or row["value"],
                row["entries"],
                row["items"],
                *row["shares"].values(),
                *(row["freshness"][state] for state in FRESHNESS_COLUMNS),
            )
            for row in rows
        ),
    )  # fmt: skip


@app.command("report")
def report(
    ctx: typer.Context,
    html: Annotated[
        Path, typer.Option("--html", dir_okay=False, help="The page to write; it must be new.")
    ],
    league: League = "",
    department: Department = "",
    provider: Provider = "",
    as_json: Json = False,
) -> None:
    """Write the numbers as one page with plots, to be printed or passed on: nothing in it comes
    from outside."""
    shell = Shell.of(ctx)
    answer = _counted(shell, league, department, provider)
    write_new(
        html, page(shell, answer, " ".join(filter(None, (league, department, provider)))).encode()
    )
    shell.done({"file": str(html)}, "{file} is written.", file=html)
