"""Subscriptions: making one, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ortoo_node.console.actions.cases import departments
from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field, Options
from ortoo_protocol.console.page import Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.i18n import mark

_SUBSCRIPTION = Field("subscription", mark("Subscription"), "hidden")
_BACK = "/subscriptions/{subscription}"


async def sinks(page: Page, _given: Mapping[str, Any]) -> Options:
    found = (await page.call("sink.list"))["sinks"]
    return [(each["name"], f"{each['name']} ({page.t.text(each['kind'])})") for each in found]


ACTIONS = (
    Action(
        "subscribe",
        mark("Subscribe"),
        Right.APPLY,
        (
            Field("resource", mark("Code of the resource")),
            Field("department", mark("Department that asks"), "choice", choices=departments),
            Field("sink", mark("Sink"), "choice", choices=sinks),
            Field(
                "table",
                mark("Table or folder"),
                hint=mark("In the sink. What is not there yet is made."),
            ),
            Field("purpose", mark("Purpose"), hint=mark("As it was granted.")),
            Field("grant", mark("Grant"), required=False, hint=mark("Empty: the one that fits.")),
            Field(
                "basis",
                mark("Legal basis"),
                "long",
                required=False,
                hint=mark("This and what follows: where an unconditional resource is first taken."),
            ),
            Field("scenario", mark("Scenario of use"), "long", required=False),
            Field("handler", mark("Handler (经办人)"), "me"),
            Field("approver", mark("Approver (负责人)"), required=False),
        ),
        back=_BACK,
        subject="resource",
    ),
    Action(
        "subscription.resume",
        mark("Go on"),
        Right.OPERATE,
        (_SUBSCRIPTION,),
        back=_BACK,
        subject="subscription",
        note=mark("It goes on where it stopped; if nothing was kept meanwhile, by a snapshot."),
    ),
    Action(
        "subscription.pause",
        mark("Pause"),
        Right.OPERATE,
        (_SUBSCRIPTION,),
        back=_BACK,
        subject="subscription",
        note=mark("Nothing more is applied; what comes meanwhile is kept, up to a bound."),
    ),
    Action(
        "subscription.reread",
        mark("Read items again"),
        Right.OPERATE,
        (_SUBSCRIPTION, Field("first", mark("From item number"), "number")),
        back=_BACK,
        subject="subscription",
        note=mark("The publisher sends them again, as far as it keeps them, and they are applied."),
    ),
    Action(
        "subscription.resync",
        mark("Take a snapshot"),
        Right.OPERATE,
        (_SUBSCRIPTION,),
        back=_BACK,
        subject="subscription",
        note=mark("The sink becomes what the publisher has now."),
        danger=True,
    ),
)
