"""What can be done from the console of a hub, one file a subject."""

from __future__ import annotations

from ortoo_protocol.console.actions import by_method

ACTIONS = by_method()
