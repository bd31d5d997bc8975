"""The authority over grants in use: misuse, and records of use."""

from __future__ import annotations

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.i18n import mark

_GRANT = Field("grant", mark("Grant"), "hidden")
_REASON = Field("reason", mark("Reason"), "long")
_DAYS = Field("days", mark("Days to set it right"), "number", default="10")
_BY = Field("by", mark("By"), "me")


def _action(
    method: str, title: str, *fields: Field, note: str = "", danger: bool = False
) -> Action:
    return Action(
        method,
        title,
        Right.DECIDE,
        (_GRANT, _REASON, *fields, _BY),
        back="/grants/{grant}",
        subject="grant",
        note=note,
        danger=danger,
    )


ACTIONS = (
    _action(
        "grant.suspend",
        mark("Suspend"),
        Field("evidence", mark("Evidence"), "long"),
        _DAYS,
        note=mark("Feed, queries and files rest at once; the reader is told why and until when."),
        danger=True,
    ),
    _action("grant.reject", mark("Not enough"), _DAYS),
    _action("grant.resume", mark("Resume")),
    _action("grant.terminate", mark("Terminate for misuse"), danger=True),
    _action(
        "use.ask",
        mark("Ask for records of use"),
        note=mark("The reader's station answers by itself."),
    ),
)
