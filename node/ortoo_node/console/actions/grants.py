"""Grants in use: pausing and ending them, and the reader's answers."""

from __future__ import annotations

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.i18n import mark

_GRANT = Field("grant", mark("Grant"), "hidden")
_REASON = Field("reason", mark("Reason"), "long")
_BY = Field("by", mark("By"), "me")
_DAYS = Field("days", mark("Days to set it right"), "number", default="10")

ACTIONS = (
    Action(
        "grant.announce",
        mark("Announce the end"),
        Right.DECIDE,
        (_GRANT, _REASON, Field("at_ms", mark("At the end of"), "day"), _BY),
        back="/grants/{grant}",
        subject="grant",
    ),
    Action(
        "grant.keep",
        mark("Take the announcement back"),
        Right.DECIDE,
        (_GRANT, _REASON, _BY),
        back="/grants/{grant}",
        subject="grant",
    ),
    Action(
        "grant.answer",
        mark("Answer the announcement"),
        Right.APPLY,
        (
            _GRANT,
            Field("agreed", mark("We agree"), "yes", required=False),
            Field("reason", mark("Reason"), "long", required=False),
            _BY,
        ),
        back="/grants/{grant}",
        subject="grant",
    ),
    Action(
        "grant.suspend",
        mark("Suspend"),
        Right.DECIDE,
        (_GRANT, _REASON, Field("evidence", mark("Evidence"), "long"), _DAYS, _BY),
        back="/grants/{grant}",
        subject="grant",
        danger=True,
    ),
    Action(
        "grant.rectified",
        mark("Report what was set right"),
        Right.APPLY,
        (_GRANT, Field("report", mark("Report"), "long"), _BY),
        back="/grants/{grant}",
        subject="grant",
    ),
    Action(
        "grant.reject",
        mark("Not enough"),
        Right.DECIDE,
        (_GRANT, _REASON, _DAYS, _BY),
        back="/grants/{grant}",
        subject="grant",
    ),
    Action(
        "grant.resume",
        mark("Resume"),
        Right.DECIDE,
        (_GRANT, _REASON, _BY),
        back="/grants/{grant}",
        subject="grant",
    ),
    Action(
        "grant.terminate",
        mark("Terminate for misuse"),
        Right.DECIDE,
        (_GRANT, _REASON, _BY),
        back="/grants/{grant}",
        subject="grant",
        danger=True,
    ),
    Action(
        "grant.end",
        mark("End the grant"),
        Right.DECIDE,
        (_GRANT, _REASON, _BY),
        back="/grants/{grant}",
        subject="grant",
        danger=True,
    ),
)
