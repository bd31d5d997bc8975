"""What the authority decides in cases between leagues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field, Options
from ortoo_protocol.console.page import Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.cases import Side
from ortoo_protocol.i18n import mark


async def rulings(page: Page, given: Mapping[str, Any]) -> Options:
    """What may be ruled as the case stands."""
    shown = await page.call("case.show", case=str(given.get("case", "")))
    return [(event, page.t.text(event)) for event in shown["open"][Side.AUTHORITY.value]]


ACTIONS = (
    Action(
        "coordination.rule",
        mark("Give a ruling"),
        Right.DECIDE,
        (
            Field("case", mark("Case"), "hidden"),
            Field("event", mark("Ruling"), "choice", choices=rulings),
            Field("reason", mark("Reason"), "long"),
            Field("handler", mark("Handler (经办人)")),
            Field("approver", mark("Approver (负责人)"), "me"),
        ),
        back="/cases/{case}",
        subject="case",
        note=mark(
            "Both members are told, and the law's clocks follow. A decision obliges the provider's"
            " people; only their own signed grant opens anything."
        ),
    ),
)
