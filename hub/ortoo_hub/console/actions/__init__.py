"""What can be done from the console of a hub, one file a subject."""

from __future__ import annotations

from ortoo_hub.console.actions import (
    announcements,
    calendar,
    cases,
    catalog,
    demands,
    grants,
    members,
    reconciliation,
    supervision,
)
from ortoo_protocol.console import accounts, journal
from ortoo_protocol.console.actions import by_method

ACTIONS = by_method(
    cases.ACTIONS,
    catalog.ACTIONS,
    demands.ACTIONS,
    grants.ACTIONS,
    supervision.ACTIONS,
    members.ACTIONS,
    reconciliation.ACTIONS,
    announcements.ACTIONS,
    calendar.ACTIONS,
    journal.ACTIONS,
    accounts.ACTIONS,
)
