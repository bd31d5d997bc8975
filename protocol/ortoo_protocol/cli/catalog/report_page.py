"""The catalog in numbers as one printable page: tables and plots, nothing from outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from string import Template
from typing import Any

from ortoo_protocol.cli.catalog.plots import Part, bars
from ortoo_protocol.cli.shell import Shell
from ortoo_protocol.core.catalog.elements import CYCLE_ORDER
from ortoo_protocol.core.law.share_types import WORDS as SHARE_TYPES
from ortoo_protocol.i18n import mark

MOST_PLOTTED = 25
# Told apart also without colours in print, and by those who do not see them all.
_SHARE_COLOURS = {"1": "#2f6f4f", "2": "#d9a441", "3": "#a6403a"}
_STATE_COLOURS = {
    "fresh": "#2f6f4f",
    "late": "#d9a441",
    "stale": "#a6403a",
    "never": "#5b3a52",
    "unknown": "#a9b0b8",
}
_LIGHT = frozenset(("2", "late", "unknown"))

_PAGE = Template("""\
<!DOCTYPE html>
<html lang="$language">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>$title</title>
<style>
body { font: 14px/1.6 "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", sans-serif;
  color: #1b1b1b; max-width: 60em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.6em; margin: 0; }
h2 { font-size: 1.15em; margin: 1.8em 0 .4em; border-bottom: 1px solid #999; }
p.sub { color: #555; margin: .2em 0 1.2em; }
dl { display: flex; flex-wrap: wrap; gap: .6em; margin: 1em 0; }
dl div { border: 1px solid #bbb; padding: .3em .9em; min-width: 6em; }
dt { color: #555; font-size: .85em; }
dd { margin: 0; font-size: 1.5em; font-weight: 700; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; margin: .6em 0; }
th, td { border: 1px solid #bbb; padding: .2em .5em; text-align: left; vertical-align: top; }
th { background: #f0f0ee; font-weight: 600; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
thead { display: table-header-group; }
tr, figure { break-inside: avoid; }
h2 { break-after: avoid; }
figure { margin: .6em 0; }
svg { width: 100%; height: auto; display: block; }
svg text { font: 11px "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", sans-serif; }
svg .l { text-anchor: end; }
svg .i, svg .d { text-anchor: middle; fill: #fff; }
svg .d { fill: #1b1b1b; }
svg .n { fill: #333; }
.legend { margin: .3em 0; font-size: .85em; }
.legend span { margin-right: 1.2em; white-space: nowrap; }
.legend i { display: inline-block; width: .9em; height: .9em; margin-right: .3em;
  vertical-align: -.1em; }
footer { margin-top: 2em; color: #555; font-size: .85em; }
@page { size: A4; margin: 15mm; }
@media print { body { margin: 0; max-width: none; font-size: 11px; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
</style>
</head>
<body>
<h1>$title</h1>
<p class="sub">$subtitle</p>
$body
<footer>$footer</footer>
</body>
</html>
""")


def page(shell: Shell, answer: Mapping[str, Any], of: str = "") -> str:
    """What `catalog.statistics` answered, in the shell's language. `of`: what it was limited to."""
    word = shell.word
    sections = [
        _numbers(shell, answer["total"]),
        _share_types(shell, answer),
        _plotted(shell, word(mark("By theme")), mark("Theme"), answer["theme"], "shares"),
        _plotted(shell, word(mark("By league")), mark("League"), answer["league"], "shares"),
        _freshness(shell, answer),
        _plotted(shell, word(mark("By mode of sharing")), mark("Mode"), answer["mode"], "shares"),
        _plotted(
            shell,
            word(mark("By update cycle")),
            mark("Cycle"),
            _in_turn(answer["cycle"]),
            "freshness",
        ),
        _departments(shell, answer["department"]),
    ]
    return _PAGE.substitute(
        language=escape(shell.say.language.replace("_", "-")),
        title=escape(word(mark("The catalog in numbers"))),
        subtitle=escape(" · ".join(filter(None, (of, shell.time(answer["now_ms"]))))),
        body="\n".join(filter(None, sections)),
        footer=escape(
            word(
                mark(
                    "Fresh: carried within the update cycle and a tenth of it. Late: within twice "
                    "the cycle. Stale: older. Never: nothing was carried yet. Unknown: the "
                    "provider has not said. What was stopped is not counted."
                )
            )
        ),
    )


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{escape(title)}</h2>\n{''.join(parts)}</section>"


def _numbers(shell: Shell, total: Mapping[str, Any]) -> str:
    facts = (
        (mark("Entries"), total["entries"]),
        (mark("Items"), total["items"]),
        *((word, total["shares"][str(number)]) for number, word in SHARE_TYPES.items()),
        *((state, total["freshness"][state]) for state in ("late", "stale", "never")),
        ("stopped", total["stopped"]),
    )
    shown = "".join(
        f"<div><dt>{escape(shell.word(label))}</dt><dd>{value:,}</dd></div>"
        for label, value in facts
    )
    return f"<dl>{shown}</dl>"


def _share_types(shell: Shell, answer: Mapping[str, Any]) -> str:
    title = shell.word(mark("By type of catalog"))
    return _plotted(shell, title, mark("Type"), answer["kind"], "shares")


def _freshness(shell: Shell, answer: Mapping[str, Any]) -> str:
    title = shell.word(mark("Freshness by league"))
    return _plotted(shell, title, mark("League"), answer["league"], "freshness")


def _plotted(
    shell: Shell, title: str, column: str, rows: Sequence[Mapping[str, Any]], what: str
) -> str:
    """A plot of the first and a table of all."""
    shown = [row for row in rows if row["entries"]]
    if not shown:
        return ""
    parts = _parts(shell, what)
    plotted = [
        (_name(row), row[what])
        for row in shown[:MOST_PLOTTED]
        if any(row[what].get(part.key) for part in parts)
    ]
    figure = f"<figure>{bars(plotted, parts, title)}</figure>"
    headings = (column, "Entries", "Items", *(part.title for part in parts))
    cells = (
        (_name(row), row["entries"], row["items"], *(row[what].get(part.key, 0) for part in parts))
        for row in shown
    )
    return _section(title, figure, _table(shell, headings, cells))


def _in_turn(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Cycles from the shortest to the longest."""
    return [row for cycle in CYCLE_ORDER for row in rows if row["value"] == cycle]


def _departments(shell: Shell, rows: Sequence[Mapping[str, Any]]) -> str:
    """For supervision: those with the most that is late, stale or never came are plotted."""
    shown = [row for row in rows if row["entries"]]
    if not shown:
        return ""
    overdue = sorted(shown, key=lambda row: -_overdue(row))[:MOST_PLOTTED]
    overdue = [row for row in overdue if _overdue(row)]
    parts = _parts(shell, "freshness")
    figures = []
    if overdue:
        title = shell.word(mark("Departments with the most that is late, stale or never came"))
        drawn = bars([(_name(row), row["freshness"]) for row in overdue], parts, title)
        figures.append(f"<figure><figcaption>{escape(title)}</figcaption>{drawn}</figure>")
    headings = (
        mark("Department"), mark("League"), "Entries", "Items",
        *SHARE_TYPES.values(), *(part.title for part in parts),
    )  # fmt: skip
    cells = (
        (
            _name(row),
            row["league_name"],
            row["entries"],
            row["items"],
            *row["shares"].values(),
            *(row["freshness"][part.key] for part in parts),
        )
        for row in shown
    )
    return _section(shell.word(mark("By department")), *figures, _table(shell, headings, cells))


def _overdue(row: Mapping[str, Any]) -> int:
    return sum(int(row["freshness"][state]) for state in ("late", "stale", "never"))


def _name(row: Mapping[str, Any]) -> str:
    return str(row.get("name") or row["value"])


def _parts(shell: Shell, what: str) -> list[Part]:
    if what == "shares":
        return [
            Part(key, shell.word(SHARE_TYPES[int(key)]), colour, key in _LIGHT)
            for key, colour in _SHARE_COLOURS.items()
        ]
    return [
        Part(state, shell.word(state), colour, state in _LIGHT)
        for state, colour in _STATE_COLOURS.items()
    ]


def _table(shell: Shell, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(
        f"<th{_class(place)}>{escape(shell.word(heading))}</th>"
        for place, heading in enumerate(headings)
    )
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"


def _class(place: int) -> str:
    return ' class="n"' if place else ""


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f'<td class="n">{value:,}</td>'
    return f"<td>{escape(str(value))}</td>"
