"""What this station's own authority (本级) decides about cases of two departments here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field, Options
from ortoo_protocol.console.page import Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.i18n import mark

RULINGS = ("extend", "deny-extension", "decide", "uphold", "refer")
SAID = {
    "extend": mark("give more time"),
    "deny-extension": mark("give no more time"),
    "decide": mark("it is to be shared"),
    "uphold": mark("it is not to be shared"),
    "refer": mark("refer to the government of this level"),
}


async def rulings(page: Page, given: Mapping[str, Any]) -> Options:
    """What the table still allows."""
    case = str(given.get("case", ""))
    open_ = (await page.call("request.show", case=case))["open"].get("authority", [])
    return [(each, page.t.text(SAID[each])) for each in RULINGS if each in open_]


ACTIONS = (
    Action(
        "coordination.rule",
        mark("Decide as the authority"),
        Right.DECIDE,
        (
            Field("case", mark("Case"), "hidden"),
            Field("event", mark("Decision"), "choice", choices=rulings),
            Field("reason", mark("Reason"), "long"),
            Field("handler", mark("Handler (经办人)")),
            Field("approver", mark("Approver (负责人)"), "me"),
        ),
        back="/cases/{case}",
        subject="case",
        note=mark("A decision to share obliges the provider's people; it opens nothing by itself."),
    ),
)
