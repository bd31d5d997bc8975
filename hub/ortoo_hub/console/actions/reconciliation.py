"""Asking all who have to do with a feed for proofs of what they hold."""

from __future__ import annotations

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.i18n import mark

ACTIONS = (
    Action(
        "reconcile",
        mark("Compare a feed"),
        Right.OPERATE,
        (Field("feed", mark("Feed"), hint=mark("Such as h150000.catalog.")),),
        back="/reconciliation",
        subject="feed",
        note=mark("Publisher and readers are asked for proofs; it takes up to twenty seconds."),
    ),
)
