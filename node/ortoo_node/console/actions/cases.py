"""Requests: applying, answering, disputing. Who is signed in acts under their own name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field, Options
from ortoo_protocol.console.page import Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.cases.needs import GROUNDS
from ortoo_protocol.core.catalog.elements import MODES
from ortoo_protocol.i18n import mark

# Actions of a case, and the event of its table that each is (core/cases/table).
OFFERED = {
    "request.grant": "grant",
    "request.refuse": "refuse",
    "request.accept": "accept",
    "request.return": "return",
    "request.extend": "ask-extension",
    "request.submit": "submit",
    "request.complete": "complete",
    "request.agree": "agree",
    "request.negotiate": "negotiate",
    "request.coordinate": "coordinate",
    "request.disagree": "disagree",
    "request.sign": "sign",
    "request.withdraw": "withdraw",
}
_CASE = Field("case", mark("Case"), "hidden")
_HANDLER = Field("handler", mark("Handler (经办人)"))
_ME_HANDLER = Field("handler", mark("Handler (经办人)"), "me")
_APPROVER = Field("approver", mark("Approver (负责人)"))
_ME_APPROVER = Field("approver", mark("Approver (负责人)"), "me")
_REASON = Field("reason", mark("Reason"), "long")


async def departments(page: Page, _given: Mapping[str, Any]) -> Options:
    """Departments of this station that the directory names."""
    trust, party = page.console.station.parts.trust.current, page.console.station.party
    return [(code, f"{name} ({code})") for code, name in trust.departments(party).items()]


async def items_of_resource(page: Page, given: Mapping[str, Any]) -> Options:
    code = given.get("resource", "")
    return [] if not code else await _items(page, str(code))


async def items_of_case(page: Page, given: Mapping[str, Any]) -> Options:
    shown = await page.call("request.show", case=str(given.get("case", "")))
    asked = shown["application"]["items"]
    offered = await _items(page, shown["case"]["resource"])
    return [each for each in offered if not asked or each[0] in asked]


async def _items(page: Page, code: str) -> Options:
    entry = (await page.call("catalog.show", code=code))["entry"]
    return [(each["column"], f"{each['name']} ({each['column']})") for each in entry["items"]]


def _one_or_many(params: dict[str, Any]) -> dict[str, Any]:
    resources = params["resource"]
    return {**params, "resource": resources[0] if len(resources) == 1 else resources}


ACTIONS = (
    Action(
        "request.apply",
        mark("Apply for data"),
        Right.APPLY,
        (
            Field(
                "resource",
                mark("Codes of the resources"),
                "lines",
                hint=mark("One a line; several make one application and a case for each."),
            ),
            Field("department", mark("Department that asks"), "choice", choices=departments),
            Field(
                "items",
                mark("Items"),
                "many",
                required=False,
                choices=items_of_resource,
                hint=mark("Nothing ticked: all items."),
            ),
            Field("row_filter", mark("Rows, as a filter"), required=False),
            Field("purpose", mark("Purpose")),
            Field("basis", mark("Legal basis"), "long"),
            Field("scenario", mark("Scenario of use"), "long"),
            Field("mode", mark("Mode"), "choice", words=MODES, default=MODES[0]),
            Field("until_ms", mark("Until"), "day", required=False),
            _ME_HANDLER,
            _APPROVER,
            Field("contact", mark("Contact"), required=False),
            Field("attachments", mark("Scans"), "files", required=False),
            Field("draft", mark("Keep it as a draft"), "yes", required=False),
        ),
        back="/cases/{case}",
        subject="resource",
        prepare=_one_or_many,
    ),
    Action(
        "request.submit",
        mark("Submit"),
        Right.APPLY,
        (_CASE,),
        back="/cases/{case}",
        subject="case",
        note=mark("The application goes to the provider; its clock begins with the receipt."),
    ),
    Action(
        "request.complete",
        mark("Complete the application"),
        Right.APPLY,
        (
            _CASE,
            Field("note", mark("What is added"), "long", required=False),
            Field(
                "changes",
                mark("Changed fields"),
                "pairs",
                required=False,
                hint=mark("One a line, such as purpose=…; the names are those of the application."),
            ),
            Field("attachments", mark("Scans"), "files", required=False),
        ),
        back="/cases/{case}",
        subject="case",
    ),
    Action(
        "request.agree",
        mark("Accept the conditions of use"),
        Right.APPLY,
        (_CASE, _ME_HANDLER, _APPROVER),
        back="/cases/{case}",
        subject="case",
    ),
    Action(
        "request.withdraw",
        mark("Withdraw"),
        Right.APPLY,
        (_CASE, _REASON, _ME_HANDLER),
        back="/cases/{case}",
        subject="case",
        danger=True,
    ),
    Action(
        "request.negotiate",
        mark("Negotiate"),
        Right.APPLY,
        (_CASE, _REASON, _ME_HANDLER, _APPROVER),
        back="/cases/{case}",
        subject="case",
    ),
    Action(
        "request.coordinate",
        mark("Ask the authority to coordinate"),
        Right.APPLY,
        (_CASE, _REASON, _ME_HANDLER, _APPROVER),
        back="/cases/{case}",
        subject="case",
    ),
    Action(
        "request.grant",
        mark("Grant"),
        Right.DECIDE,
        (
            _CASE,
            Field("items", mark("Items"), "many", choices=items_of_case),
            Field(
                "masks",
                mark("Masks"),
                "pairs",
                required=False,
                hint=mark("One a line: column=mask, such as id_card=partial(6,4)."),
            ),
            Field("conditions", mark("Conditions of use"), "long", required=False),
            Field("until_ms", mark("Until"), "day", required=False),
            _HANDLER,
            _ME_APPROVER,
        ),
        back="/cases/{case}",
        subject="case",
    ),
    Action(
        "request.refuse",
        mark("Refuse"),
        Right.DECIDE,
        (
            _CASE,
            _REASON,
            Field(
                "ground_kind", mark("Kind of legal ground"), "choice", required=False, words=GROUNDS
            ),
            Field("ground", mark("Legal ground"), required=False),
            _HANDLER,
            _ME_APPROVER,
        ),
        back="/cases/{case}",
        subject="case",
        danger=True,
    ),
    Action(
        "request.accept",
        mark("Accept for answering"),
        Right.DECIDE,
        (_CASE, _ME_HANDLER),
        back="/cases/{case}",
        subject="case",
    ),
    Action(
        "request.return",
        mark("Return for completion"),
        Right.DECIDE,
        (
            _CASE,
            Field(
                "missing",
                mark("What is missing"),
                "lines",
                hint=mark("One a line. An application is returned once: name everything."),
            ),
            _HANDLER,
            _ME_APPROVER,
        ),
        back="/cases/{case}",
        subject="case",
    ),
    Action(
        "request.extend",
        mark("Ask for more time"),
        Right.DECIDE,
        (_CASE, _REASON, _HANDLER, _ME_APPROVER),
        back="/cases/{case}",
        subject="case",
    ),
    Action(
        "request.disagree",
        mark("End the negotiation without agreement"),
        Right.DECIDE,
        (_CASE, _REASON, _HANDLER, _ME_APPROVER),
        back="/cases/{case}",
        subject="case",
    ),
    Action(
        "request.sign",
        mark("Sign for receipt"),
        Right.CONFIRM,
        (_CASE, _ME_HANDLER),
        back="/cases/{case}",
        subject="case",
    ),
    Action(
        "request.compare",
        mark("Compare with the hub"),
        Right.READ,
        (),
        back="/cases",
        note=mark("Asks the hub in which state it holds each open case; this may take 10 seconds."),
        shows="compared.html",
    ),
)
