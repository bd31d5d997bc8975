"""The year's report composed (art. 32): what `report.year` froze, said as official reports are.

Only figures that were frozen enter. What nobody counted is a dash, and what nobody wrote is a place
to write it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ortoo_protocol.cli.catalog.plots import Part
from ortoo_protocol.cli.shell import Shell
from ortoo_protocol.cli.supervision.document import Cell, Document, Plot, Section, Table
from ortoo_protocol.cli.supervision.figures import NONE, points, said
from ortoo_protocol.cli.supervision.report_annexes import Annexes
from ortoo_protocol.cli.supervision.report_parts import Facts, Said, short
from ortoo_protocol.core.supervision.half_years import REQUIRED
from ortoo_protocol.i18n import mark
from ortoo_protocol.station.supervision import words

GREEN, AMBER, RED, DARK, BLUE = "#2f6f4f", "#d9a441", "#a6403a", "#5b3a52", "#2f5597"
MOST_PLOTTED = 25


def compose(
    shell: Shell, answer: Mapping[str, Any], *, number: str, recipient: str, signer: str
) -> Document:
    """`answer`: of report.year or report.year.show."""
    report = answer["report"]
    said_of = Body(shell, report)
    return Document(
        language=shell.say.language,
        authority=report["authority"],
        number=number,
        signer=signer,
        title=shell.say("Report on the sharing of government data in {year}", year=report["year"]),
        recipient=recipient,
        opening=shell.say(
            "Under {article}, this is the report on the sharing of government data in {year}. "
            "The figures are as of {day}; they were counted from records that are signed and kept.",
            article=shell.word(report["articles"]["year"]),
            year=report["year"],
            day=said_of.day(report["now_ms"]),
        ),
        sections=said_of.sections(),
        annexes=Annexes(shell, report).sections(),
        day=said_of.day(report["now_ms"]),
        sources=shell.say(
            "Version {version}, made by {by}; digest of the frozen figures {hash}.",
            version=answer["version"],
            by=answer["by"],
            hash=answer["hash"][:32],
        ),
    )


class Body(Said):
    """The sections, each from what it needs of the report."""

    def sections(self) -> list[Section]:
        return [
            self.overview(),
            self.catalog(),
            self.requests(),
            self.supply(),
            self.quality(),
            self.supervision(),
            self.submissions(),
            self.evaluation(),
            self.outlook(),
        ]

    # --- sections -------------------------------------------------------------------------------

    def overview(self) -> Section:
        total = self.total
        names = (
            "entries", "items", "coverage_permille", "fresh_permille", "asked", "granted",
            "refused", "late_permille", "grants_given", "notices", "notices_mended",
        )  # fmt: skip
        text = self.shell.say(
            "{count} departments or leagues are reported on. They hold {entries} entries with "
            "{items} items in the catalog: {unconditional} unconditional, {conditional} "
            "conditional, {not_shared} not shared. Data of {supplied} entries were supplied. "
            "{asked} requests came in the year: {granted} were granted, {refused} refused; "
            "{answers_late} answers were late.",
            count=len(self.subjects),
            **{
                name: self.fact(name)
                for name in (
                    "entries", "items", "unconditional", "conditional", "not_shared", "supplied",
                    "asked", "granted", "refused", "answers_late",
                )
            },
        )  # fmt: skip
        cells = [(self.title(name), said(self.shell, name, total)) for name in names]
        half = -(-len(cells) // 2)
        beside = [*cells[half:], *[("", "")] * (2 * half - len(cells))]
        table = Table(
            self.word(mark("Main figures of the year")),
            self.heads(mark("Figure"), mark("Value")) * 2,
            [(*left, *right) for left, right in zip(cells[:half], beside, strict=True)],
            frozenset((1, 3)),
        )
        return self.section(mark("The year as a whole"), mark("Overview"), [text], tables=[table])

    def catalog(self) -> Section:
        parts = [
            Part("fresh", self.word(mark("Within the cycle")), GREEN),
            Part("late", self.word("late"), AMBER, True),
            Part("stale", self.word("stale"), RED),
            Part("never", self.word("never"), DARK),
        ]
        rows = [(self.name(each), _ages(each["facts"])) for each in self.subjects]
        plot = Plot(self.word(mark("How fresh the data are")), _fullest(rows), parts)
        names = ("entries", "items", "shareable", "supplied", "coverage_permille", "fresh_permille")
        text = self.shell.say(
            "{supplied} of {shareable} entries that can be shared had their data supplied "
            "({coverage}); {fresh} of {promised} entries with a cycle stand within it ({share}).",
            supplied=self.fact("supplied"),
            shareable=self.fact("shareable"),
            coverage=self.fact("coverage_permille"),
            fresh=self.fact("fresh"),
            promised=self.fact("promised"),
            share=self.fact("fresh_permille"),
        )
        return self.section(
            mark("Compiling and updating the catalog"), mark("Catalog"), [text], [plot],
            [self.by_subject(mark("The catalog by subject"), names)],
        )  # fmt: skip

    def requests(self) -> Section:
        parts = [
            Part("granted", self.word(mark("Agreed to share")), GREEN),
            Part("refused", self.word(mark("Not agreed to")), RED),
            Part("waiting", self.word(mark("Being handled")), AMBER, True),
        ]
        rows = [(str(each["month"]), each) for each in self.report["months"]]
        plot = Plot(self.word(mark("Requests by month")), rows, parts, standing=True)
        names = (
            "asked", "granted", "refused", "waiting", "answers_late", "answer_median_ms",
            "answer_p90_ms",
        )  # fmt: skip
        tables = [self.by_subject(mark("Answers by subject"), names)]
        reasons = [(each["reason"], each["count"]) for each in self.report["reasons"]]
        if reasons:
            tables.append(
                Table(
                    self.word(mark("Why requests were refused")),
                    self.heads(mark("Reason"), mark("Times")),
                    reasons,
                )
            )
        text = self.shell.say(
            "Of {due} answers that were due, {in_time} came in time; {waiting} requests wait.",
            due=self.fact("answers_due"),
            in_time=self.fact("answers_in_time"),
            waiting=self.fact("waiting"),
        )
        heading = mark("Requests and answers")
        return self.section(heading, mark("Requests"), [text], [plot], tables)

    def supply(self) -> Section:
        names = ("grants_given", "grants_held", "feeds_supplied", "feeds_read")
        stated = (
            "rows_published", "rows_applied", "queries_asked", "queries_answered", "files_fetched",
        )  # fmt: skip
        text = self.shell.say(
            "{given} grants are in force, on {feeds} feeds.",
            given=self.fact("grants_given"),
            feeds=self.fact("feeds_supplied"),
        )
        texts, tables = [text], [self.by_subject(mark("Supply by subject"), names)]
        if any(self.known(each, name) is not None for each in self.subjects for name in stated):
            tables.append(self.by_subject(mark("Use by subject"), stated))
            if self.report["regional"]:
                texts.append(
                    self.word(
                        mark(
                            "Rows, queries and files are as the leagues stated them in their "
                            "submissions: the hub cannot see them."
                        )
                    )
                )
        return self.section(mark("Supply and use"), mark("Supply"), texts, tables=tables)

    def quality(self) -> Section:
        names = (
            "corrections_received", "corrections_open", "corrections_late", "tasks",
            "tasks_settled", "tasks_late",
        )  # fmt: skip
        heading = mark("Corrections and quality")
        if not any(self.known(each, name) for each in self.subjects for name in names):
            text = self.word(mark("No corrections and no quality tasks are known here."))
            return self.section(heading, mark("Quality"), [text])
        table = self.by_subject(mark("Corrections and quality by subject"), names)
        return self.section(heading, mark("Quality"), tables=[table])

    def supervision(self) -> Section:
        leads, notices = self.report["leads"], self.report["notices"]
        states = ("open", "confirmed", "dismissed", "noticed")
        tables = []
        if leads:
            rows: list[Sequence[Cell]] = [
                (self.word(words.VIOLATIONS[int(violation)]), *(of.get(s, 0) for s in states))
                for violation, of in sorted(leads.items())
            ]
            tables.append(
                Table(
                    self.word(mark("Leads by kind of violation")),
                    self.heads(mark("Violation"), *(words.LEAD_STATES[state] for state in states)),
                    rows,
                )
            )
        if notices:
            tables.append(
                Table(
                    self.word(mark("Written notices of the year")),
                    self.heads(
                        mark("Notice number"), mark("Addressee"), mark("Matter of the notice"),
                        mark("Issued"), mark("Last day"), mark("State"),
                    ),
                    [self.notice(each) for each in notices],
                )
            )  # fmt: skip
        text = self.shell.say(
            "{leads} leads were looked into by people. {notices} written notices were issued, "
            "{settled} are settled, {late} were not rectified in time.",
            leads=sum(sum(of.values()) for of in leads.values()),
            notices=len(notices),
            settled=sum(each["settled"] for each in notices),
            late=sum(each["late"] for each in notices),
        )
        heading = mark("Supervision and rectification")
        return self.section(heading, mark("Supervision"), [text], tables=tables)

    def notice(self, each: Mapping[str, Any]) -> Sequence[Cell]:
        late = f"（{self.word('late')}）" if each["late"] else ""
        return (
            each["number"] or NONE,
            each["name"],
            each["title"],
            self.day(each["issued_ms"]),
            self.day(each["due_ms"] - 1),
            self.word(words.NOTICE_STATES[each["state"]]) + late,
        )

    def submissions(self) -> Section:
        found = self.report["submissions"]
        heading = mark("Half-yearly submissions")
        if not found:
            text = self.word(mark("No submissions were called for in this year."))
            return self.section(heading, mark("Submissions"), [text])
        table = Table(
            self.word(mark("Submissions of the year")),
            self.heads(
                mark("Period"), mark("Department or league"), mark("State"), mark("Submitted"),
                mark("In time"),
            ),
            [
                (
                    each["period"],
                    each["name"],
                    self.word(words.SUBMISSION_STATES[each["state"]]),
                    self.day(each["first_ms"]) if each["first_ms"] else NONE,
                    self.word("no" if each["late"] else "yes"),
                )
                for each in found
            ],
        )  # fmt: skip
        text = self.shell.say(
            "{count} submissions were called for; {accepted} are accepted and archived, {late} "
            "came late or not at all.",
            count=len(found),
            accepted=sum(each["state"] == "accepted" for each in found),
            late=sum(each["late"] for each in found),
        )
        tables = [table, *self.quoted_table()]
        return self.section(heading, mark("Submissions"), [text], tables=tables)

    def quoted_table(self) -> list[Table]:
        """What was written of carrying out and of effect, where it was accepted."""
        rows = [
            (
                f"{each['name']} {each['period']}",
                *(short(each["passages"].get(name, "")) for name in REQUIRED),
            )
            for each in self.report["submissions"]
            if each["passages"]
        ]
        if not rows:
            return []
        heads = self.heads(
            mark("Department or league"), *(words.PASSAGES[name] for name in REQUIRED)
        )
        return [Table(self.word(mark("From the submissions")), heads, rows)]

    def evaluation(self) -> Section:
        ranked = [each for each in self.report["ranked"] if each["rank"]]
        heading = mark("Evaluation")
        if not ranked:
            text = self.word(mark("Nothing of the standard applies yet."))
            return self.section(heading, mark("Evaluation"), [text])
        part = Part("total", self.word(mark("Points of 100")), BLUE)
        rows = [(self.name(each), {"total": each["total"]}) for each in ranked]
        plot = Plot(self.word(mark("Points")), rows[:MOST_PLOTTED], [part], scale=1_000)
        table = Table(
            self.word(mark("Ranking")),
            self.heads(mark("Rank"), mark("Department or league"), mark("Points")),
            [(each["rank"], self.name(each), points(each["total"])) for each in ranked],
            frozenset((2,)),
        )
        text = self.shell.say(
            "By version {version} of the standard; the formula and every figure that entered stand "
            "in annex 1.",
            version=self.report["standard"]["version"],
        )
        return self.section(heading, mark("Evaluation"), [text], [plot], [table])

    def outlook(self) -> Section:
        texts = [*self.quoted("problems"), *self.quoted("plans")]
        blank = self.word(mark("(To be written by the drafting office.)"))
        heading = mark("Problems, and what comes next")
        return self.section(heading, mark("Outlook"), texts or [blank])


def _ages(facts: Facts) -> dict[str, int]:
    """The states of freshness, `late` being what is left of those that promise a cycle."""
    known = {name: facts.get(name, 0) for name in ("fresh", "stale", "never")}
    return {**known, "late": max(facts.get("promised", 0) - sum(known.values()), 0)}


def _fullest(rows: list[tuple[str, dict[str, int]]]) -> list[tuple[str, dict[str, int]]]:
    ordered = sorted(rows, key=lambda row: -sum(row[1].values()))
    return [row for row in ordered if any(row[1].values())][:MOST_PLOTTED]
