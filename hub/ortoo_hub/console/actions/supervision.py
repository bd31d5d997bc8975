"""Leads decided by people, written notices, and what leagues submit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ortoo_hub.supervision.sources import SOURCES
from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field, Options
from ortoo_protocol.console.page import Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.supervision.law import Violation, law_of
from ortoo_protocol.i18n import mark

_BY = Field("by", mark("By"), "me")
_HANDLER = Field("handler", mark("Handler (经办人)"))
_ME_APPROVER = Field("approver", mark("Approver (负责人)"), "me")
_PERIOD = Field(
    "period", mark("Period"), required=False, hint=mark("2026H1 or 2026; empty: this half-year.")
)


async def subjects(page: Page, _given: Mapping[str, Any]) -> Options:
    trust = page.console.station.parts.trust.current
    return [
        (each.party, f"{name} ({each.party})") for each, name in SOURCES.subjects(trust).items()
    ]


async def violations(page: Page, _given: Mapping[str, Any]) -> Options:
    cited = law_of(page.console.station.parts.trust.current.profile).violations
    return [(str(each.value), page.t.text(cited[each])) for each in Violation]


async def confirmed_leads(page: Page, _given: Mapping[str, Any]) -> Options:
    found = (await page.call("supervise.leads", state="confirmed"))["leads"]
    return [(each["lead"], f"{each['name']} · {each['lead'][:10]}") for each in found]


async def moves(page: Page, given: Mapping[str, Any]) -> Options:
    """What the authority may do next with the notice."""
    shown = await page.call("notice.show", notice=str(given.get("notice", "")), side="authority")
    own = ("return", "verify", "escalate", "revoke")
    return [(each, page.t.text(each)) for each in shown["notice"]["next"] if each in own]


def _number(params: dict[str, Any]) -> dict[str, Any]:
    return {**params, "violation": int(params["violation"])}


_SUBJECT = Field("subject", mark("Station"), "choice", choices=subjects)
_VIOLATION = Field("violation", mark("Article"), "choice", choices=violations)

ACTIONS = (
    Action(
        "supervise.look",
        mark("Look for leads now"),
        Right.COMPILE,
        (_PERIOD,),
        back="/supervision",
        note=mark("The rules look daily by themselves; nobody is told of a lead."),
    ),
    Action(
        "supervise.enter",
        mark("Enter what people found"),
        Right.COMPILE,
        (_SUBJECT, _VIOLATION, Field("text", mark("What was found"), "long"), _BY),
        back="/supervision/leads/{lead}",
        subject="subject",
        prepare=_number,
    ),
    Action(
        "supervise.decide",
        mark("Decide on the lead"),
        Right.DECIDE,
        (
            Field("lead", mark("Lead"), "hidden"),
            Field("outcome", mark("Outcome"), "choice", words=("confirm", "dismiss")),
            Field("reason", mark("Reason"), "long"),
            Field(
                "intent",
                mark("On purpose (故意)?"),
                "long",
                required=False,
                hint=mark("What speaks for it or against it: for people to say."),
            ),
            _BY,
        ),
        back="/supervision/leads/{lead}",
        subject="lead",
        note=mark("A confirmed lead can be noticed in writing; a dismissed one is closed."),
    ),
    Action(
        "notice.issue",
        mark("Issue a written notice"),
        Right.DECIDE,
        (
            _SUBJECT,
            _VIOLATION,
            Field("number", mark("Number of the document (文号)"), required=False),
            Field("title", mark("Heading")),
            Field("found", mark("What was found"), "long"),
            Field("demands", mark("What is to be mended"), "long"),
            Field("days", mark("Working days to mend it"), "number", default="10"),
            Field("leads", mark("Leads"), "many", required=False, choices=confirmed_leads),
            _HANDLER,
            _ME_APPROVER,
        ),
        back="/supervision/notices/{notice}",
        subject="subject",
        note=mark(
            "It goes to the station at once, with the evidence of its leads, and cannot be changed;"
            " it can be revoked."
        ),
        prepare=_number,
    ),
    Action(
        "notice.act",
        mark("Go on with the notice"),
        Right.DECIDE,
        (
            Field("notice", mark("Notice"), "hidden"),
            Field("event", mark("What to do"), "choice", choices=moves),
            Field("text", mark("Reason"), "long", required=False),
            _HANDLER,
            _ME_APPROVER,
        ),
        back="/supervision/notices/{notice}",
        subject="notice",
        note=mark("The station is told by letter."),
    ),
    Action(
        "report.open",
        mark("Call for submissions"),
        Right.DECIDE,
        (
            Field("period", mark("Half-year"), hint=mark("Such as 2026H2.")),
            Field("days", mark("Working days"), "number", default="15"),
            Field(
                "subjects",
                mark("Stations"),
                "many",
                required=False,
                choices=subjects,
                hint=mark("Nothing ticked: all."),
            ),
            Field("note", mark("Note"), "long", required=False),
            _BY,
        ),
        back="/supervision/submissions",
        subject="period",
        note=mark("Each station is asked by letter, and its clock begins."),
    ),
    Action(
        "report.decide",
        mark("Decide on the submission"),
        Right.DECIDE,
        (
            Field("submission", mark("Submission"), "hidden"),
            Field("outcome", mark("Outcome"), "choice", words=("accept", "return", "chase")),
            Field("reason", mark("Reason"), "long", required=False),
            _BY,
        ),
        back="/supervision/submissions/{submission}",
        subject="submission",
        note=mark("What is accepted is archived: nothing leads on from there."),
    ),
    Action(
        "report.year",
        mark("Make the year's report"),
        Right.DECIDE,
        (Field("year", mark("Year"), "number"), _BY),
        back="/supervision/years",
        subject="year",
        note=mark("Counts the year and freezes it as its next version; earlier ones stay."),
    ),
    Action(
        "supervise.evaluate",
        mark("Evaluate"),
        Right.DECIDE,
        (_PERIOD, _BY),
        back="/supervision/evaluations/{evaluation}",
        subject="period",
        note=mark("By the standard in force; the result is kept with every figure."),
    ),
)
