"""Demands that cross leagues: the authority says who is to answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field, Options
from ortoo_protocol.console.page import Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.i18n import mark


async def members(page: Page, given: Mapping[str, Any]) -> Options:
    """All but the member that demands: its own station assigns within it."""
    trust = page.console.station.parts.trust.current
    return [
        (each.party, f"{each.name} ({each.party})")
        for each in trust.parties
        if each.status == "active" and each.party not in (trust.hub, given.get("provider"))
    ]


ACTIONS = (
    Action(
        "demand.assign",
        mark("Assign the demand"),
        Right.DECIDE,
        (
            Field("provider", mark("Who demands"), "hidden"),
            Field("number", mark("Number"), "hidden"),
            Field("party", mark("Station that answers"), "choice", choices=members),
            Field("department", mark("Code of its department")),
            Field("reason", mark("Reason"), "long", required=False),
            Field("handler", mark("Handler (经办人)")),
            Field("approver", mark("Approver (负责人)"), "me"),
        ),
        back="/demands/{provider}/{number}",
        subject="number",
        note=mark("Both members are told by letter; the clock of the answer begins."),
    ),
)
