"""Whoever reads an announcement says so."""

from __future__ import annotations

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.i18n import mark

ACTIONS = (
    Action(
        "announcement.read",
        mark("I have read it"),
        Right.READ,
        (Field("announcement", mark("Announcement"), "hidden"), Field("by", mark("By"), "me")),
        back="/announcements/{announcement}",
        subject="announcement",
    ),
)
