"""A quality report as one printable page: no script, no font, nothing from outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from string import Template
from typing import Any

from ortoo_protocol.cli.shell import Shell
from ortoo_protocol.i18n import mark

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
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #bbb; padding: .3em .6em; text-align: left; vertical-align: top; }
th { background: #f0f0ee; font-weight: 600; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
tr { break-inside: avoid; }
.score { font-size: 2.4em; font-weight: 700; }
.bad { color: #a3120a; font-weight: 600; }
.good { color: #1d6b2f; }
code { font-size: .85em; }
svg { width: 100%; height: 8em; }
@media print { body { margin: 0; max-width: none; } }
</style>
</head>
<body>
<h1>$title</h1>
<p class="sub">$subtitle</p>
<p><span class="score $tone">$score</span> <span class="$tone">$verdict</span></p>
$body
</body>
</html>
""")


def page(shell: Shell, answer: Mapping[str, Any]) -> str:
    """The report that `quality.report` answered, in the shell's language."""
    report, word = answer["report"], shell.word
    passed = report["passed"]
    return _PAGE.substitute(
        language=escape(shell.say.language.replace("_", "-")),
        title=escape(f"{word('Data quality report')} · {report['name']}"),
        subtitle=escape(
            f"{report['resource']} · {report['department_name']} {report['department']} · "
            f"{shell.time(report['time_ms'])}"
        ),
        score=f"{report['score_permille'] / 10:.1f}",
        tone="good" if passed else "bad",
        verdict=escape(word("passed" if passed else "not passed")),
        body="\n".join(
            (
                _section(word("Overview"), _facts(shell, report)),
                _section(word("Rules"), _rules(shell, report)),
                _section(word("Examples, by marks of keys"), _examples(report)),
                _section(word("Scores so far"), _trend(shell, answer["trend"])),
            )
        ),
    )


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{body}"


def _facts(shell: Shell, report: Mapping[str, Any]) -> str:
    fresh, compared = report["freshness"], report["comparison"]
    rows: list[tuple[str, object]] = [
        (mark("Rows"), report["rows"]),
        (mark("Rows that fail"), report["failed_rows"]),
        (mark("Version of the rules"), report["rules_version"]),
        (mark("Cycle"), fresh["cycle"]),
        (mark("Published"), shell.time(fresh["published_ms"])),
        (mark("Up to date"), shell.word("passed" if fresh["passed"] else "not passed")),
    ]
    if compared is not None:
        rows += [
            (mark("Source rows"), compared["source_rows"]),
            (mark("Published rows"), compared["published_rows"]),
            (mark("May not leave"), compared["rejected"]),
            (mark("Missing"), compared["missing"]),
            (mark("Surplus"), compared["surplus"]),
            (mark("Differing"), compared["differing"]),
        ]
    return _table((), ((shell.word(label), value) for label, value in rows))


def _rules(shell: Shell, report: Mapping[str, Any]) -> str:
    headings = ("Item", "Rule", "Severity", "In the source", "Published", "Result")
    rows = (
        (
            f"{each['title']} {each['column']}".strip(),
            _reason(shell, each),
            shell.word(each["severity"]),
            each["source_failed"],
            each["published_failed"],
            shell.word("passed" if each["passed"] else "not passed"),
        )
        for each in report["rules"]
    )
    return _table([shell.word(heading) for heading in headings], rows)


def _reason(shell: Shell, each: Mapping[str, Any]) -> str:
    error = {"code": each["code"], "what": "", "cure": "", "facts": {"column": each["column"]}}
    return shell.crossed(error)


def _examples(report: Mapping[str, Any]) -> str:
    found = [(each["rule"], " ".join(filter(None, each["examples"]))) for each in report["rules"]]
    if report["comparison"] is not None:
        found.append(("consistency", " ".join(report["comparison"]["examples"])))
    return _table((), [(rule, marks) for rule, marks in found if marks])


def _trend(shell: Shell, trend: Sequence[Mapping[str, Any]]) -> str:
    scores = [each["score_permille"] for each in trend]
    step = 100 / max(len(scores) - 1, 1)
    points = " ".join(f"{at * step:.2f},{100 - score / 10:.1f}" for at, score in enumerate(scores))
    drawn = (
        '<svg viewBox="0 -4 100 108" preserveAspectRatio="none" role="img">'
        '<polyline fill="none" stroke="#2b5c9e" stroke-width="1.5" '
        f'vector-effect="non-scaling-stroke" points="{points}"/></svg>'
    )
    rows = ((shell.time(e["time_ms"]), f"{e['score_permille'] / 10:.1f}") for e in trend[-12:])
    return drawn + _table([shell.word("Time"), shell.word("Score")], rows)


def _table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in rows)
    return f"<table>{f'<tr>{head}</tr>' if head else ''}\n{body}</table>"


def _cell(value: object) -> str:
    number = ' class="n"' if isinstance(value, int) else ""
    return f"<td{number}>{escape(str(value))}</td>"
