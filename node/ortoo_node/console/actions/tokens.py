"""Tokens: a token is to a program what an account with its roles is to a person, so that whoever
gives roles gives them."""

from __future__ import annotations

from ortoo_node.console.actions.cases import departments
from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.i18n import mark

_DAYS = Field("days", mark("Opens for days"), "number", default="365")
_TOKEN = Field("token", mark("Token"))
_ONCE = mark("Its text is shown this once: nobody can show it again.")

ACTIONS = (
    Action(
        "token.new",
        mark("Make a token"),
        Right.SECURE_ACCOUNTS,
        (
            Field("department", mark("Department"), "choice", choices=departments),
            Field("application", mark("Program"), required=False),
            Field(
                "scopes",
                mark("What it opens"),
                "lines",
                hint=mark("One a line, such as catalog:read, request:write or push:RESOURCE."),
            ),
            _DAYS,
        ),
        back="/tokens",
        subject="department",
        note=_ONCE,
        shows="token.html",
    ),
    Action(
        "token.rotate",
        mark("Replace the token"),
        Right.SECURE_ACCOUNTS,
        (
            _TOKEN,
            Field(
                "overlap_hours", mark("The old one opens for hours more"), "number", default="24"
            ),
            _DAYS,
        ),
        back="/tokens",
        subject="token",
        note=_ONCE,
        shows="token.html",
    ),
    Action(
        "token.revoke",
        mark("Revoke the token"),
        Right.SECURE_ACCOUNTS,
        (_TOKEN,),
        back="/tokens",
        subject="token",
        note=mark("It opens nothing from now on."),
        danger=True,
    ),
)
