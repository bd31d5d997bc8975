"""Lists beside the catalog, changes of law, and looks at sources."""

from __future__ import annotations

from typing import Any

from ortoo_node.console.actions.cases import departments
from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.catalog.elements import CYCLE_ORDER
from ortoo_protocol.core.catalog.lists import ANSWERED, CLOSED, LISTS
from ortoo_protocol.i18n import mark

DAY_MS = 24 * 3_600_000
_DEPARTMENT = Field("department", mark("Department"), "choice", choices=departments)
_ME = Field("by", mark("By"), "me")
_REASON = Field("reason", mark("Reason"), "long")
_CHANGE = Field("change", mark("Change"), "hidden")
_TEXTS = ("list", "number", "department", "office", "title", "content", "basis", "purpose", "items",
          "holder", "cycle", "resource", "contact", "compiled_by", "secrecy_checked_by",
          "approved_by", "ratified_by")  # fmt: skip


def _as_row(params: dict[str, Any]) -> dict[str, Any]:
    return {"row": {name: params[name] for name in _TEXTS if name in params}}


def _from_morning(params: dict[str, Any]) -> dict[str, Any]:
    """A form's day is its end; a law changes when the day begins."""
    if "since_ms" not in params:
        return params
    return {**params, "since_ms": params["since_ms"] + 1 - DAY_MS}


ACTIONS = (
    Action(
        "catalog.lists.put",
        mark("Publish a row"),
        Right.DECIDE,
        (
            Field("list", mark("List"), "choice", words=tuple(LISTS)),
            Field("number", mark("Number of the row that it replaces"), required=False),
            _DEPARTMENT,
            Field("office", mark("Office"), required=False),
            Field("title", mark("Title")),
            Field("content", mark("Content"), "long", required=False),
            Field("basis", mark("Legal basis"), "long"),
            Field("purpose", mark("Purpose"), "long", required=False),
            Field("items", mark("Items"), "lines", required=False),
            Field("holder", mark("Who is thought to have it"), required=False),
            Field("cycle", mark("Cycle"), "choice", required=False, words=CYCLE_ORDER),
            Field("resource", mark("Code of the resource"), required=False),
            Field("contact", mark("Contact"), required=False),
            Field("compiled_by", mark("Compiled by")),
            Field("secrecy_checked_by", mark("Secrecy checked by")),
            Field("approved_by", mark("Approver (负责人)"), "me"),
            Field(
                "ratified_by",
                mark("Ratified by"),
                required=False,
                hint=mark("For what is not shared."),
            ),
        ),
        back="/catalog/lists/{list}",
        prepare=_as_row,
    ),
    Action(
        "catalog.lists.settle",
        mark("Answer or close a row"),
        Right.DECIDE,
        (
            Field("list", mark("List"), "hidden"),
            Field("number", mark("Number"), "hidden"),
            Field("status", mark("State"), "choice", words=(ANSWERED, CLOSED), default=CLOSED),
            Field("answer", mark("How, or why"), "long", required=False),
            Field("resource", mark("Code of the resource"), required=False),
            Field("by", mark("Compiled by")),
            Field("checker", mark("Secrecy checked by")),
            Field("approver", mark("Approver (负责人)"), "me"),
        ),
        back="/catalog/lists/{list}",
        subject="number",
    ),
    Action(
        "catalog.change.record",
        mark("Record a change of law"),
        Right.COMPILE,
        (
            _DEPARTMENT,
            Field("what", mark("What changed"), "long"),
            Field("basis", mark("Legal basis"), "long", required=False),
            Field("since_ms", mark("Changed on"), "day", required=False),
            Field("codes", mark("Codes of the resources"), "lines", required=False),
            _ME,
        ),
        back="/catalog/changes",
        subject="what",
        note=mark("From then on the clock runs: the catalog follows within working days."),
        prepare=_from_morning,
    ),
    Action(
        "catalog.change.extend",
        mark("Extend the time"),
        Right.DECIDE,
        (_CHANGE, _REASON, _ME),
        back="/catalog/changes",
        subject="change",
    ),
    Action(
        "catalog.change.close",
        mark("Close the change"),
        Right.DECIDE,
        (_CHANGE, _REASON, _ME),
        back="/catalog/changes",
        subject="change",
    ),
    Action(
        "catalog.drift",
        mark("Look at the sources now"),
        Right.OPERATE,
        (Field("resource", mark("Resource"), "hidden", required=False),),
        back="/catalog/drift",
        subject="resource",
        params={"now": True, "limit": 1},
    ),
)
