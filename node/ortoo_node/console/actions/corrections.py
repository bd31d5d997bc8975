"""Corrections: doubting a row, answering for it, and ending the matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field, Options
from ortoo_protocol.console.page import Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.corrections import ABOUT, ANSWERS, OUTCOMES, Event
from ortoo_protocol.i18n import mark
from ortoo_protocol.station.corrections.words import SAID

# Actions of a correction, and the events of its table that each is (core/corrections).
OFFERED = {
    "correction.answer": {each.value for each in ANSWERS},
    "correction.close": {Event.ACCEPT.value},
    "correction.withdraw": {Event.WITHDRAW.value},
}
_CORRECTION = Field("correction", mark("Correction"), "hidden")
_BY = Field("by", mark("By"), "me")
_VALUES = mark("One a line: column=value.")
_BACK = "/corrections/{correction}"


async def outcomes(page: Page, _given: Mapping[str, Any]) -> Options:
    return [(each, page.t.text(SAID.get(each, each))) for each in OUTCOMES]


async def grants_read(page: Page, _given: Mapping[str, Any]) -> Options:
    """Grants that this station reads or did: a row may be doubted after the end."""
    found = (await page.call("grant.list", role="reader", active=False))["grants"]
    return [(each["grant"], f"{each['resource_name']} ({each['resource']})") for each in found]


ACTIONS = (
    Action(
        "correction.raise",
        mark("Doubt a row"),
        Right.APPLY,
        (
            Field("grant", mark("Grant"), "choice", choices=grants_read),
            Field("about", mark("What about it"), "choice", words=ABOUT),
            Field(
                "key",
                mark("Key of the row"),
                "pairs",
                hint=mark("One a line: column=value, every column of the key."),
            ),
            Field("seen", mark("What stands there"), "pairs", required=False, hint=_VALUES),
            Field("expected", mark("What should stand there"), "pairs", False, _VALUES),
            Field("text", mark("Why it is doubted"), "long"),
            Field("found_ms", mark("Found on"), "day"),
            Field("evidence", mark("Evidence"), "file", False, mark("At most 512 KiB.")),
            _BY,
        ),
        back="/corrections",
        subject="grant",
        note=mark("Row and values are sealed to the provider; the hub sees who and until when."),
    ),
    Action(
        "correction.answer",
        mark("Answer the doubt"),
        Right.DECIDE,
        (
            _CORRECTION,
            Field("outcome", mark("Outcome"), "choice", choices=outcomes),
            Field("reason", mark("Reason"), "long"),
            Field(
                "source",
                mark("Department whose data they are"),
                required=False,
                hint=mark("Where it is passed on to the source department."),
            ),
            Field("text", mark("What the answer rests on"), "long", required=False),
            Field("evidence", mark("Evidence"), "file", False, mark("At most 512 KiB.")),
            Field("handler", mark("Handler (经办人)")),
            Field("approver", mark("Approver (负责人)"), "me"),
        ),
        back=_BACK,
        subject="correction",
        note=mark("Corrected: publish the corrected row first; the answer names it."),
    ),
    Action(
        "correction.close",
        mark("Accept the answer"),
        Right.APPLY,
        (_CORRECTION, Field("reason", mark("Reason"), "long", required=False), _BY),
        back=_BACK,
        subject="correction",
    ),
    Action(
        "correction.withdraw",
        mark("Withdraw the doubt"),
        Right.APPLY,
        (_CORRECTION, Field("reason", mark("Reason"), "long"), _BY),
        back=_BACK,
        subject="correction",
        danger=True,
    ),
)
