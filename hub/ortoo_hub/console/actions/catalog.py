"""Who is the source of a datum that two resources claim (一数一源): a person decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field, Options
from ortoo_protocol.console.page import Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.i18n import mark


async def claimants(page: Page, given: Mapping[str, Any]) -> Options:
    """The two resources of the conflict."""
    found = (await page.call("catalog.conflicts"))["conflicts"]
    return [
        (code, f"{name} ({code})")
        for each in found
        if each["conflict"] == given.get("conflict")
        for code, name in (
            (each["resource"], each["resource_name"]),
            (each["other"], each["other_name"]),
        )
    ]


ACTIONS = (
    Action(
        "catalog.resolve",
        mark("Resolve the conflict"),
        Right.DECIDE,
        (
            Field("conflict", mark("Conflict"), "hidden"),
            Field("source", mark("The source is"), "choice", choices=claimants),
            Field("reason", mark("Reason"), "long"),
            Field("by", mark("By"), "me"),
        ),
        back="/catalog/conflicts",
        subject="conflict",
        note=mark("Both compilers are told by letter."),
    ),
)
