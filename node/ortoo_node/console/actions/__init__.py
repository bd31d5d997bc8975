"""What can be done from the console of a station, one file a subject."""

from __future__ import annotations

from ortoo_node.console.actions import (
    announcements,
    cases,
    catalog,
    catalog_lists,
    contacts,
    coordination,
    corrections,
    demands,
    files,
    grants,
    notices,
    quality,
    queries,
    sources,
    subscriptions,
    supervision,
    tokens,
    trace,
    use,
)
from ortoo_protocol.console import accounts, journal
from ortoo_protocol.console.actions import by_method

ACTIONS = by_method(
    cases.ACTIONS,
    grants.ACTIONS,
    catalog.ACTIONS,
    catalog_lists.ACTIONS,
    subscriptions.ACTIONS,
    corrections.ACTIONS,
    quality.ACTIONS,
    sources.ACTIONS,
    queries.ACTIONS,
    coordination.ACTIONS,
    demands.ACTIONS,
    contacts.ACTIONS,
    announcements.ACTIONS,
    notices.ACTIONS,
    tokens.ACTIONS,
    use.ACTIONS,
    supervision.ACTIONS,
    files.ACTIONS,
    trace.ACTIONS,
    journal.ACTIONS,
    accounts.ACTIONS,
)
