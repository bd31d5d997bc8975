"""Use of what was received: records, disposal, and consent to passing it on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field, Options
from ortoo_protocol.console.page import Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.use.records import IMPOSSIBLE, MET, UNNEEDED
from ortoo_protocol.i18n import mark

BY_READER = ("use.record", "use.dispose", "use.destroyed", "onward.ask", "correction.raise")
BY_PROVIDER = ("use.ask", "use.require")
WHY = {
    MET: mark("the purpose is reached"),
    IMPOSSIBLE: mark("the purpose cannot be reached"),
    UNNEEDED: mark("the purpose is no longer needed"),
}
_GRANT = Field("grant", mark("Grant"), "hidden")
_ONWARD = Field("onward", mark("Consent"), "hidden")
_REASON = Field("reason", mark("Reason"), "long")
_BY = Field("by", mark("By"), "me")
_HANDLER = Field("handler", mark("Handler (经办人)"))
_ME_HANDLER = Field("handler", mark("Handler (经办人)"), "me")
_APPROVER = Field("approver", mark("Approver (负责人)"))
_ME_APPROVER = Field("approver", mark("Approver (负责人)"), "me")
_BACK = "/grants/{grant}/use"


async def whys(page: Page, _given: Mapping[str, Any]) -> Options:
    return [(each, page.t.text(said)) for each, said in WHY.items()]


ACTIONS = (
    Action(
        "use.record",
        mark("Enter a record of use"),
        Right.APPLY,
        (
            _GRANT,
            Field("scenario", mark("Scenario of use"), "long", required=False),
            Field("process", mark("Course of use"), "long", required=False),
            Field("effect", mark("Effect"), "long", required=False),
            Field("storage", mark("How it is stored"), "long", required=False),
            Field("destruction", mark("How it was destroyed"), "long", required=False),
            _BY,
        ),
        back=_BACK,
        subject="grant",
        note=mark("Provider and authority are shown the records when they ask."),
    ),
    Action(
        "use.ask",
        mark("Look at the records of use"),
        Right.DECIDE,
        (_GRANT, _REASON, _BY),
        back=_BACK,
        subject="grant",
        note=mark("The reader's station answers by itself."),
    ),
    Action(
        "use.dispose",
        mark("Declare that it is needed no longer"),
        Right.APPLY,
        (
            _GRANT,
            Field("why", mark("Why"), "choice", choices=whys),
            Field("detail", mark("Reason"), "long", required=False),
            _BY,
        ),
        back=_BACK,
        subject="grant",
        danger=True,
        note=mark("The provider ends the grant on this."),
    ),
    Action(
        "use.require",
        mark("Require disposal"),
        Right.DECIDE,
        (
            _GRANT,
            Field("requirements", mark("Requirements"), "long"),
            Field("days", mark("Working days for it"), "number", default="10"),
            _BY,
        ),
        back=_BACK,
        subject="grant",
    ),
    Action(
        "use.destroyed",
        mark("Record a destruction"),
        Right.APPLY,
        (
            _GRANT,
            Field("what", mark("What was destroyed"), "long", required=False),
            Field("how", mark("How"), "long", required=False),
            Field("evidence", mark("Evidence"), "long", required=False),
            Field(
                "drop",
                mark("Let the station drop the tables that it filled"),
                "yes",
                required=False,
                hint=mark("They are gone for good; how they stood is recorded."),
            ),
            _BY,
        ),
        back=_BACK,
        subject="grant",
        danger=True,
    ),
    Action(
        "onward.ask",
        mark("Ask to pass it on"),
        Right.APPLY,
        (
            _GRANT,
            Field("resource", mark("Code of our resource through which it goes")),
            Field("third", mark("Station of the third party")),
            Field("third_department", mark("Department of the third party")),
            Field("basis", mark("Legal basis"), "long"),
            Field("purpose", mark("Purpose")),
            Field("form", mark("In what form"), hint=mark("As it is, summed up, or verified.")),
            Field("until_ms", mark("Until"), "day"),
            _ME_HANDLER,
            _APPROVER,
        ),
        back=_BACK,
        subject="grant",
    ),
    Action(
        "onward.answer",
        mark("Answer the ask to pass on"),
        Right.DECIDE,
        (
            _ONWARD,
            Field("consented", mark("We consent"), "yes", required=False),
            Field("reason", mark("Reason"), "long", required=False),
            Field("conditions", mark("Conditions of use"), "long", required=False),
            Field("until_ms", mark("Until"), "day", required=False),
            _HANDLER,
            _ME_APPROVER,
        ),
        back=_BACK,
        subject="onward",
    ),
    Action(
        "onward.revoke",
        mark("Take the consent back"),
        Right.DECIDE,
        (_ONWARD, _REASON, _BY),
        back=_BACK,
        subject="onward",
        danger=True,
    ),
)
