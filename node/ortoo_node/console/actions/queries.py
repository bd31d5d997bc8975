"""Queries that others may ask: declaring and withdrawing them."""

from __future__ import annotations

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.i18n import mark

ACTIONS = (
    Action(
        "query.declare",
        mark("Declare a query"),
        Right.OPERATE,
        (
            Field(
                "given",
                mark("Declaration, as JSON"),
                "json",
                hint=mark("The README shows one: code, name, resource, source, sql and so on."),
            ),
        ),
        back="/queries",
        note=mark("Parameters are bound, never pasted in; a grant chooses among the columns."),
    ),
    Action(
        "query.withdraw",
        mark("Withdraw the query"),
        Right.OPERATE,
        (Field("code", mark("Code of the query")),),
        back="/queries",
        subject="code",
        note=mark("Nobody can ask it any more; what was asked stays recorded."),
        danger=True,
    ),
)
