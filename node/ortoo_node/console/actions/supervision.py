"""Supervision at a station: as its authority, and as who is supervised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ortoo_node.console.actions.cases import departments
from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field, Options
from ortoo_protocol.console.page import Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.supervision.half_years import PASSAGES
from ortoo_protocol.core.supervision.law import Violation
from ortoo_protocol.i18n import mark

VIOLATIONS = {
    Violation.CATALOG: mark("catalog not made or renewed as required"),
    Violation.SHARING: mark("not shared as provided"),
    Violation.DATA: mark("data untrue, inexact, stale or unusable"),
    Violation.USE: mark("used beyond what duty needs"),
    Violation.RECTIFICATION: mark("not set right as required"),
    Violation.OTHER: mark("another violation"),
}
SAID = {
    "confirm": mark("it is so"),
    "dismiss": mark("it is not so"),
    "acknowledge": mark("received"),
    "answer": mark("report what was set right"),
    "return": mark("not set right yet"),
    "verify": mark("set right and closed"),
    "escalate": mark("refer upwards"),
    "revoke": mark("it should not have been issued"),
}
TITLES = {
    "implementation": mark("How sharing was carried out"),
    "effect": mark("Effect of use"),
    "problems": mark("Problems"),
    "plans": mark("Plans"),
}
_BY = Field("by", mark("By"), "me")
_REASON = Field("reason", mark("Reason"), "long")
_LEAD = Field("lead", mark("Lead"), "hidden")
_NOTICE = Field("notice", mark("Written notice"), "hidden")
_SUBMISSION = Field("submission", mark("Submission"), "hidden")
_HANDLER = Field("handler", mark("Handler (经办人)"))
_ME_APPROVER = Field("approver", mark("Approver (负责人)"), "me")
_SUBJECT = Field("subject", mark("Department"), "choice", choices=departments)


async def violations(page: Page, _given: Mapping[str, Any]) -> Options:
    return [(str(each.value), page.t.text(said)) for each, said in VIOLATIONS.items()]


async def moves(page: Page, given: Mapping[str, Any]) -> Options:
    """What this notice still allows, of whichever side this station is on."""
    found, notice = [], str(given.get("notice", ""))
    listed = (await page.call("notice.list", settled=True))["notices"]
    for each in (one for one in listed if one["notice"] == notice):
        found += [event for event in each["next"] if event not in found]
    return [(each, page.t.text(SAID.get(each, each))) for each in found]


async def decisions(page: Page, _given: Mapping[str, Any]) -> Options:
    return [(each, page.t.text(SAID[each])) for each in ("confirm", "dismiss")]


async def outcomes(page: Page, _given: Mapping[str, Any]) -> Options:
    said = {
        "accept": mark("accept and archive"),
        "return": mark("give back for completion"),
        "chase": mark("remind"),
    }
    return [(each, page.t.text(text)) for each, text in said.items()]


def _violation(params: dict[str, Any]) -> dict[str, Any]:
    return {**params, "violation": int(params["violation"])}


def _passages(params: dict[str, Any]) -> dict[str, Any]:
    written = {name: params[name] for name in PASSAGES if name in params}
    rest = {name: value for name, value in params.items() if name not in PASSAGES}
    return {**rest, "passages": written}


_VIOLATION = Field("violation", mark("What is violated"), "choice", choices=violations)

ACTIONS = (
    Action(
        "supervise.look",
        mark("Look for leads"),
        Right.DECIDE,
        (),
        back="/supervision",
        note=mark("Rules find what may be a violation; people decide on each."),
    ),
    Action(
        "supervise.enter",
        mark("Enter what people found"),
        Right.DECIDE,
        (_SUBJECT, _VIOLATION, Field("text", mark("What was found"), "long"), _BY),
        back="/supervision/leads/{lead}",
        subject="subject",
        prepare=_violation,
    ),
    Action(
        "supervise.decide",
        mark("Decide on the lead"),
        Right.DECIDE,
        (_LEAD, Field("outcome", mark("Decision"), "choice", choices=decisions), _REASON, _BY),
        back="/supervision/leads/{lead}",
        subject="lead",
    ),
    Action(
        "notice.issue",
        mark("Issue a written notice"),
        Right.DECIDE,
        (
            _SUBJECT,
            _VIOLATION,
            Field("number", mark("Document number (文号)"), required=False),
            Field("title", mark("Title")),
            Field("found", mark("What was found"), "long"),
            Field("demands", mark("What is to be set right"), "long"),
            Field("days", mark("Working days for it"), "number", default="15"),
            Field("leads", mark("Leads"), "lines", required=False, hint=mark("One a line.")),
            _HANDLER,
            _ME_APPROVER,
        ),
        back="/supervision/notices/{notice}",
        subject="subject",
        prepare=_violation,
    ),
    Action(
        "notice.act",
        mark("Act on the notice"),
        Right.DECIDE,
        (
            _NOTICE,
            Field("event", mark("What is done"), "choice", choices=moves),
            Field("text", mark("Text"), "long", required=False),
            _HANDLER,
            _ME_APPROVER,
        ),
        back="/supervision/notices/{notice}",
        subject="notice",
    ),
    Action(
        "report.open",
        mark("Call for submissions"),
        Right.DECIDE,
        (
            Field("period", mark("Half-year"), hint=mark("Such as 2026H1.")),
            Field("days", mark("Working days for it"), "number", default="15"),
            Field("note", mark("Note"), "long", required=False),
            _BY,
        ),
        back="/supervision/submissions",
        subject="period",
    ),
    Action(
        "report.fill",
        mark("Fill in"),
        Right.APPLY,
        (
            _SUBMISSION,
            *(Field(name, TITLES[name], "long", required=False) for name in PASSAGES),
            _BY,
        ),
        back="/supervision/submissions/{submission}",
        subject="submission",
        note=mark("The figures are counted anew when it is saved."),
        prepare=_passages,
    ),
    Action(
        "report.submit",
        mark("Submit"),
        Right.DECIDE,
        (_SUBMISSION, _HANDLER, _ME_APPROVER),
        back="/supervision/submissions/{submission}",
        subject="submission",
    ),
    Action(
        "report.decide",
        mark("Decide on the submission"),
        Right.DECIDE,
        (
            _SUBMISSION,
            Field("outcome", mark("Decision"), "choice", choices=outcomes),
            Field("reason", mark("Reason"), "long", required=False),
            _BY,
        ),
        back="/supervision/submissions/{submission}",
        subject="submission",
    ),
    Action(
        "supervise.evaluate",
        mark("Evaluate"),
        Right.DECIDE,
        (Field("period", mark("Period"), required=False, hint=mark("Such as 2026H1.")), _BY),
        back="/supervision/evaluations/{evaluation}",
        subject="period",
    ),
)
