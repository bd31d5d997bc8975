"""Sinks whose far side is a department's program: posted to it (webhook) or fetched by it (pull).

At least once: a page has an id that never changes, ``feed:incarnation:seq:page`` (of a snapshot
``feed:incarnation:seq:snapshot:page``), and the same id is always the same bytes.
"""

from __future__ import annotations

from ortoo_node.interfaces import Pull, Webhook
from ortoo_node.sinks.door import Door
from ortoo_node.sinks.program.posting import Poster
from ortoo_node.sinks.program.pull import PullSink
from ortoo_node.sinks.program.standing import Place
from ortoo_node.sinks.program.webhook import WebhookSink

__all__ = ["PullSink", "WebhookSink", "open_pull", "open_webhook"]


def open_webhook(webhook: Webhook, table: str, door: Door, subscription: str) -> WebhookSink:
    """Raises SettingsSecret."""
    place = Place(subscription, webhook.name, table)
    poster = Poster(webhook, door.parts.clock, door.parts.rand)
    return WebhookSink(door, place, poster, webhook.page_kb << 10)


def open_pull(pull: Pull, table: str, door: Door, subscription: str) -> PullSink:
    return PullSink(door, Place(subscription, pull.name, table), pull)
