"""How people hear of what is due: trying again, and trying out."""

from __future__ import annotations

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.i18n import mark

ACTIONS = (
    Action(
        "notify.retry",
        mark("Send again what waits or was given up"),
        Right.OPERATE,
        (),
        back="/notices",
    ),
    Action(
        "notify.test",
        mark("Send a test on every channel"),
        Right.OPERATE,
        (
            Field(
                "person",
                mark("To the contact"),
                required=False,
                hint=mark("Nobody named: to the addresses of the channels themselves."),
            ),
            Field("department", mark("Department"), required=False),
        ),
        back="/notices",
        subject="person",
        shows="notice-test.html",
    ),
)
