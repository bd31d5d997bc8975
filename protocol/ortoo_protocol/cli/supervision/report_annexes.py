"""The annexes of the year's report: the formula with every figure that entered, and all facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ortoo_protocol.cli.supervision.document import Cell, Section, Table
from ortoo_protocol.cli.supervision.figures import NONE, percent, points
from ortoo_protocol.cli.supervision.report_parts import Said
from ortoo_protocol.i18n import mark
from ortoo_protocol.station.supervision import words


class Annexes(Said):
    def sections(self) -> list[Section]:
        return [self.standard(), self.details()]

    def standard(self) -> Section:
        """The formula, and for everybody what entered it."""
        indicators = self.report["standard"]["indicators"]
        formula = Table(
            self.word(mark("Indicators")),
            self.heads(
                mark("Indicator"), mark("Weight"), mark("Figure"), mark("No points at"),
                mark("All points at"),
            ),
            [self.indicator(each) for each in indicators],
            frozenset((1, 3, 4)),
        )  # fmt: skip
        heads = [
            self.word(mark("Department or league")),
            *(self.indicator_name(each) for each in indicators),
        ]
        rows = [
            (self.name(one), *(_scored(score) for score in one["scores"]))
            for one in self.report["ranked"]
        ]
        known = Table(
            self.word(mark("Points, with the figures that entered")),
            heads,
            rows,
            frozenset(range(1, len(heads))),
        )
        text = self.word(
            mark(
                "Points of an indicator = weight × (value − no points at) ÷ (all points at − no "
                "points at), between 0 and the weight; total = 100 × sum of points ÷ sum of the "
                "weights that apply. What cannot be judged carries no weight."
            )
        )
        heading = mark("Annex 1: standard of evaluation and points")
        return self.section(heading, mark("Annex 1"), [text], tables=[formula, known])

    def details(self) -> Section:
        """Every fact of everybody, by group."""
        tables = []
        for group, title in words.GROUPS.items():
            names = [name for name in words.FACTS if words.group_of(name) == group]
            shown = [
                name
                for name in names
                if any(self.known(each, name) is not None for each in self.subjects)
            ]
            if shown:
                tables.append(self.by_subject(title, shown))
        return self.section(mark("Annex 2: all figures"), mark("Annex 2"), tables=tables)

    def indicator(self, each: Mapping[str, Any]) -> Sequence[Cell]:
        figure, share = self.title(each["part"]), bool(each["whole"])
        if share:
            figure = f"{figure} ÷ {self.title(each['whole'])}"
        zero, full = each["zero"], each["full"]
        return (
            self.indicator_name(each),
            each["weight"],
            figure,
            percent(zero) if share else zero,
            percent(full) if share else full,
        )

    def indicator_name(self, each: Mapping[str, Any]) -> str:
        return each["title"] or self.word(words.INDICATORS.get(each["code"], each["code"]))


def _scored(score: Mapping[str, Any]) -> str:
    if not score["applies"]:
        return NONE
    figures = f"{score['part']}/{score['whole']}" if score["whole"] else str(score["part"])
    return f"{points(score['points'])}（{figures}）"
