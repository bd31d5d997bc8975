"""Grants in use: pausing and ending them, and the reader's answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.use import ending, suspension
from ortoo_protocol.i18n import mark

_GRANT = Field("grant", mark("Grant"), "hidden")
_REASON = Field("reason", mark("Reason"), "long")
_BY = Field("by", mark("By"), "me")
_DAYS = Field("days", mark("Days to set it right"), "number", default="10")


def fitting(shown: Mapping[str, Any], party: str, now_ms: int) -> list[str]:
    """What `party` can do with a grant as it stands (`grant.show`), whoever may do it. An
    authority's suspension is the authority's to lift."""
    grant = shown["grant"]
    if grant["state"] == "ended":
        return []
    resting = next((e for e in shown["suspensions"] if e["state"] in suspension.OPEN), None)
    announced = any(each["state"] in ending.OPEN for each in shown["endings"])
    found = []
    if grant["provider"] == party:
        found.append("grant.keep" if announced else "grant.announce")
        found += ["grant.suspend"] if resting is None else _of_provider(resting, party, now_ms)
        found.append("grant.end")
    if grant["reader"] == party:
        found += ["grant.answer"] if announced else []
        found += ["grant.rectified"] if resting is not None else []
    return found


def _of_provider(resting: Mapping[str, Any], party: str, now_ms: int) -> list[str]:
    found = []
    if resting["suspender"] == party:
        reported = resting["state"] == suspension.State.REPORTED.value
        found += ["grant.reject", "grant.resume"] if reported else ["grant.resume"]
    if resting["rejected"] or now_ms >= resting["until_ms"]:
        found.append("grant.terminate")
    return found


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
