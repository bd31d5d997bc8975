"""What sections of the year's report are made of: names, figures, tables, quotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ortoo_protocol.cli.shell import Shell
from ortoo_protocol.cli.supervision.document import Plot, Section, Table
from ortoo_protocol.cli.supervision.figures import said
from ortoo_protocol.core.supervision.half_years import civil_day
from ortoo_protocol.i18n import mark
from ortoo_protocol.station.supervision import words

MOST_QUOTED_CHARACTERS = 600
Facts = Mapping[str, int]


class Said:
    """One report in one language."""

    def __init__(self, shell: Shell, report: Mapping[str, Any]) -> None:
        self.shell, self.report = shell, report
        self.total: Facts = report["total"]
        self.subjects: Sequence[Mapping[str, Any]] = report["subjects"]

    def section(
        self,
        heading: str,
        short: str,
        paragraphs: Sequence[str] = (),
        plots: Sequence[Plot] = (),
        tables: Sequence[Table] = (),
    ) -> Section:
        kept = [plot for plot in plots if plot]
        return Section(self.word(heading), self.word(short), paragraphs, kept, tables)

    def by_subject(self, caption: str, names: Sequence[str]) -> Table:
        rows = [
            (self.name(each), *(said(self.shell, name, self.facts_of(each)) for name in names))
            for each in self.subjects
        ]
        heads = [self.word(mark("Department or league")), *(self.title(name) for name in names)]
        return Table(self.word(caption), heads, rows, frozenset(range(1, len(heads))))

    def quoted(self, passage: str) -> list[str]:
        """What was written in accepted submissions, with who wrote it."""
        return [
            f"{each['name']}（{each['period']}）：{short(each['passages'][passage])}"
            for each in self.report["submissions"]
            if each["passages"].get(passage, "").strip()
        ]

    def fact(self, name: str) -> str:
        return said(self.shell, name, self.total)

    def known(self, each: Mapping[str, Any], name: str) -> int | None:
        return self.facts_of(each).get(name)

    def facts_of(self, each: Mapping[str, Any]) -> Facts:
        """As counted; what cannot be counted here as it was stated."""
        return {**each.get("stated", {}), **each["facts"]}

    def title(self, name: str) -> str:
        return self.word(words.FACTS[name])

    def heads(self, *texts: str) -> list[str]:
        return [self.word(text) for text in texts]

    def name(self, each: Mapping[str, Any]) -> str:
        return str(each["name"] or each["department"] or each["party"])

    def word(self, text: str) -> str:
        return self.shell.word(text)

    def day(self, ms: int) -> str:
        day = civil_day(ms)
        return self.shell.say("{year}-{month}-{date}", year=day.year, month=day.month, date=day.day)


def short(text: str) -> str:
    joined = " ".join(text.split())
    if len(joined) <= MOST_QUOTED_CHARACTERS:
        return joined
    return joined[: MOST_QUOTED_CHARACTERS - 1] + "…"
