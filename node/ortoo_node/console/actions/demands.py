"""Demands (需求): asking for data that no catalog has, and what becomes of the ask."""

from __future__ import annotations

from typing import Any

from ortoo_node.console.actions.cases import departments
from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.i18n import mark

# Actions of a demand, and the event of its table that each is (core/demands).
OFFERED = {
    "demand.assign": "assign",
    "demand.take": "take",
    "demand.decline": "decline",
    "demand.supply": "supply",
}
_PROVIDER = Field("provider", mark("Who needs it"), "hidden")
_NUMBER = Field("number", mark("Number"), "hidden")
_REASON = Field("reason", mark("Reason"), "long")
_WHY = Field("reason", mark("Reason"), "long", required=False)
_HANDLER = Field("handler", mark("Handler (经办人)"))
_ME_APPROVER = Field("approver", mark("Approver (负责人)"), "me")
_BACK = "/demands/{provider}/{number}"


def _row(params: dict[str, Any]) -> dict[str, Any]:
    return {"row": params}


ACTIONS = (
    Action(
        "demand.ask",
        mark("Publish a demand"),
        Right.APPLY,
        (
            Field("number", mark("Number"), required=False, hint=mark("Only for a new version.")),
            Field("title", mark("Data that are needed")),
            Field("content", mark("Which data in particular"), "long", required=False),
            Field("items", mark("Items"), "lines", required=False, hint=mark("One a line.")),
            Field("department", mark("Department that asks"), "choice", choices=departments),
            Field("purpose", mark("Purpose")),
            Field("basis", mark("Legal basis"), "long"),
            Field("holder", mark("Who may have them"), required=False),
            Field("cycle", mark("How often"), required=False),
            Field("contact", mark("Contact")),
            Field("compiled_by", mark("Compiled by"), "me"),
            Field("secrecy_checked_by", mark("Secrecy checked by"), required=False),
            Field("approved_by", mark("Approved by")),
        ),
        back=_BACK,
        subject="title",
        note=mark("It stands on the list of demands of the whole region."),
        prepare=_row,
    ),
    Action(
        "demand.assign",
        mark("Assign"),
        Right.DECIDE,
        (
            _PROVIDER,
            _NUMBER,
            Field("department", mark("To the department"), "choice", choices=departments),
            _WHY,
            _HANDLER,
            _ME_APPROVER,
        ),
        back=_BACK,
        subject="number",
        prepare=lambda params: {name: params[name] for name in params if name != "provider"},
    ),
    Action(
        "demand.take",
        mark("Take it on"),
        Right.DECIDE,
        (_PROVIDER, _NUMBER, _WHY, _HANDLER, _ME_APPROVER),
        back=_BACK,
        subject="number",
        note=mark("A draft of a catalog entry begins; published, it supplies the demand."),
    ),
    Action(
        "demand.decline",
        mark("Decline"),
        Right.DECIDE,
        (_PROVIDER, _NUMBER, _REASON, _HANDLER, _ME_APPROVER),
        back=_BACK,
        subject="number",
        danger=True,
    ),
    Action(
        "demand.supply",
        mark("Name what supplies it"),
        Right.DECIDE,
        (
            _PROVIDER,
            _NUMBER,
            Field("resource", mark("Code of the resource")),
            _HANDLER,
            _ME_APPROVER,
        ),
        back=_BACK,
        subject="number",
    ),
)
