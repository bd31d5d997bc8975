"""What the region makes known to its stations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field, Options
from ortoo_protocol.console.page import Page
from ortoo_protocol.console.showing import DAY_MS
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.catalog.divisions import LEAGUES
from ortoo_protocol.core.gazette import LEVELS
from ortoo_protocol.i18n import mark


async def leagues(_page: Page, _given: Mapping[str, Any]) -> Options:
    return list(LEAGUES.items())


def _days(params: dict[str, Any]) -> dict[str, Any]:
    """From the beginning of the first day, through the last: days are read as their ends."""
    if "from_ms" in params:
        params["from_ms"] += 1 - DAY_MS
    return params


ACTIONS = (
    Action(
        "announcement.issue",
        mark("Make an announcement"),
        Right.DECIDE,
        (
            Field("replaces", mark("Takes the place of"), "hidden", required=False),
            Field("title", mark("Title")),
            Field("text", mark("Text"), "long"),
            Field("level", mark("Level"), "choice", words=LEVELS, default=LEVELS[0]),
            Field(
                "from_ms",
                mark("First day"),
                "day",
                required=False,
                hint=mark("From now on if left empty."),
            ),
            Field("until_ms", mark("Last day"), "day"),
            Field(
                "leagues",
                mark("For"),
                "many",
                required=False,
                choices=leagues,
                hint=mark("All stations if none is chosen."),
            ),
            Field("by", mark("By"), "me"),
        ),
        back="/announcements/{announcement}",
        subject="title",
        note=mark(
            "It goes to every station of this plane at once and cannot be changed: another takes"
            " its place, or it is withdrawn."
        ),
        prepare=_days,
    ),
    Action(
        "announcement.withdraw",
        mark("Withdraw the announcement"),
        Right.DECIDE,
        (
            Field("announcement", mark("Announcement"), "hidden"),
            Field("reason", mark("Reason"), "long"),
            Field("by", mark("By"), "me"),
        ),
        back="/announcements/{announcement}",
        subject="announcement",
        note=mark("It counts no longer; what it said stays on record, with the reason."),
        danger=True,
    ),
)
