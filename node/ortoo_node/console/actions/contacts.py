"""Contacts (联络员): who answers for a department, hand-overs, and who stands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ortoo_node.console.actions.cases import departments
from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field, Options
from ortoo_protocol.console.page import Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.i18n import mark

_FIELDS = ("name", "phone", "mail", "webhook")
_DEPARTMENT = Field("department", mark("Department"), "hidden")
_BY = Field("by", mark("By"), "me")
_BACK = "/contacts/{department}"


def _person(role: str, title: str, *, required: bool) -> tuple[Field, ...]:
    said = (mark("Name"), mark("Telephone"), mark("Mail"), mark("Address for notices"))
    return tuple(
        Field(f"{role}_{name}", label, required=required and name == "name", hint=title)
        for name, label in zip(_FIELDS, said, strict=True)
    )


def _gather(params: dict[str, Any], *roles: str) -> dict[str, Any]:
    """Fields of persons as the objects that the methods take."""
    rest = {name: value for name, value in params.items() if name[:2] not in _PREFIXES}
    for role, into in ((role, "to" if role == "t" else role) for role in roles):
        person = {name: params.get(f"{role}_{name}", "") for name in _FIELDS}
        if person["name"]:
            rest[into] = person
    return rest


async def roles(page: Page, _given: Mapping[str, Any]) -> Options:
    return [("a", page.t.text(_A)), ("b", page.t.text(_B))]


_PREFIXES = ("a_", "b_", "t_")
_A, _B = mark("Contact A (A岗)"), mark("Contact B (B岗), who stands in")

ACTIONS = (
    Action(
        "contact.set",
        mark("Set the contacts"),
        Right.CONFIRM,
        (
            Field("department", mark("Department"), "choice", choices=departments),
            Field("unit", mark("Unit in charge")),
            *_person("a", _A, required=True),
            *_person("b", _B, required=False),
            _BY,
        ),
        back=_BACK,
        subject="department",
        prepare=lambda params: _gather(params, "a", "b"),
    ),
    Action(
        "contact.confirm",
        mark("Confirm"),
        Right.CONFIRM,
        (_DEPARTMENT, _BY),
        back=_BACK,
        subject="department",
        note=mark("What stands here is still right; the clock of confirming begins anew."),
    ),
    Action(
        "contact.handover",
        mark("Hand over"),
        Right.CONFIRM,
        (
            _DEPARTMENT,
            Field("role", mark("Which one"), "choice", choices=roles),
            *_person("t", mark("Who takes over"), required=True),
            Field("reason", mark("Reason"), required=False),
            _BY,
        ),
        back=_BACK,
        subject="department",
        note=mark("What is open at this moment is listed in the hand-over."),
        prepare=lambda params: _gather(params, "t"),
    ),
    Action(
        "contact.away",
        mark("Note an absence"),
        Right.CONFIRM,
        (
            _DEPARTMENT,
            Field("person", mark("Name")),
            Field("until_ms", mark("Until"), "day"),
            Field("reason", mark("Reason"), required=False),
            _BY,
        ),
        back=_BACK,
        subject="department",
    ),
    Action(
        "contact.back",
        mark("Back at work"),
        Right.CONFIRM,
        (_DEPARTMENT, Field("person", mark("Name"))),
        back=_BACK,
        subject="department",
    ),
)
