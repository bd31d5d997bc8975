"""Tracing a row: a form, since keys are personal data that stand in no address; recorded, since
that a row is there says something of a person."""

from __future__ import annotations

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.i18n import mark

ACTIONS = (
    Action(
        "trace.row",
        mark("Trace a row"),
        Right.AUDIT,
        (
            Field("resource", mark("Resource"), hint=mark("Its code in the catalog.")),
            Field(
                "key",
                mark("Key of the row"),
                "pairs",
                hint=mark("A line each: column = value. Of an event: ortoo_seq, ortoo_place."),
            ),
        ),
        back="/trace",
        subject="resource",
        note=mark("The row's contents are not shown. That it was traced is recorded."),
        shows="trace-row.html",
    ),
)
