"""kinds.json: an envelope of each kind of message (SPEC.md, chapter 6)."""

from __future__ import annotations

from typing import Any

from ortoo_protocol.core import feeds
from ortoo_protocol.core.envelope import Position
from ortoo_protocol.core.messages import KINDS, Class, Kind, Route
from tests.support import bodies, forge
from tests.support.bodies import FEED
from tests.support.forge import CITY, HUB, OTHER
from tests.vectors.of_envelopes import HERE, KEY, directory_of, valid

HOW = (
    "As in envelopes.json, one for each row of the table of kinds: from a station where stations "
    "send it, else from the hub; items are number 1 of their feed. `body` is the kind's body, "
    "field by field as its table says. What the fields say stands for itself and not for what "
    "went before: a handler may well refuse it."
)
ROW = feeds.row_part(feeds.RowChange(feeds.UPSERT, ("150702001", "胜利街道")))
OF_ROWS = frozenset(("table.rows", "event.rows", "feed.snapshot", "query.page", "query.bulk"))
BYTES = "苏木乡镇".encode()  # of those that carry files


def make() -> dict[str, Any]:
    return {
        "how": HOW,
        **directory_of(),
        "vectors": [_of(kind) for kind in KINDS],
    }


def _of(kind: Kind) -> dict[str, Any]:
    sender = CITY if "s" in kind.senders else HUB
    destination = _destination(kind, sender)
    key = KEY if kind.route is Route.FEED and kind.cls is Class.SEALED else None
    rows = [ROW if kind.name in OF_ROWS else BYTES] if kind.rows else []
    body = bodies.body_of(kind.shape)
    position = None
    if kind.item:
        genesis = feeds.genesis(HERE.suite, HERE.plane, destination, 1)
        position = Position(1, 1, genesis)
    raw = forge.make(
        HERE,
        body,
        sender,
        destination,
        kind=kind.name,
        rows=rows,
        position=position,
        feed_key=key,
        rand=forge.fixed_random(kind.name),
    )
    opener = OTHER if kind.cls is not Class.OPEN and key is None else None
    return valid(HERE, kind.name, raw, body, rows, opener=opener, feed_key=key).plain()


def _destination(kind: Kind, sender: str) -> str:
    if kind.route is not Route.FEED:
        return OTHER
    if kind.name.startswith("catalog."):
        return f"{sender}.catalog"
    return FEED if sender == CITY else f"{sender}.directory"
