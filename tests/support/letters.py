"""Letters and feed items made outside any station, by whoever has the keys: for senders that are
dead, careless or hostile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ortoo_protocol.core import messages
from ortoo_protocol.core.catalog import Refusal
from ortoo_protocol.core.codec import Shape, encode
from ortoo_protocol.core.envelope import (
    CONTENT,
    Draft,
    Position,
    Protection,
    ToAll,
    ToParties,
    ToReaders,
    build,
)
from ortoo_protocol.core.ids import is_feed, uuid7
from ortoo_protocol.core.messages import Class
from ortoo_protocol.station.context import Identity
from tests.support.stations import Kit
from tests.support.trust import HUB, seeded

_chance = seeded("letters")


def make_letter(
    kit: Kit,
    sender: str,
    destination: str,
    body: Shape,
    *,
    kind: str | None = None,
    rows: Sequence[bytes] = (),
    position: Position | None = None,
    feed_key: tuple[int, bytes] | None = None,
    identity: Identity | None = None,
    **changes: Any,
) -> bytes:
    """The envelope that `sender` would make; `changes` are fields of its draft."""
    chosen = messages.kind_named(kind) if kind else messages.kind_of(body)
    by, now_ms, trust = identity or kit.identity(sender), kit.clock(), kit.region.trust()
    protection: Protection = ToAll()
    if feed_key is not None:
        protection = ToReaders(*feed_key)
    elif chosen.cls is not Class.OPEN:
        both = chosen.cls is Class.NOTARISED and sender != HUB
        to = [destination, HUB] if both else [destination]
        protection = ToParties(
            tuple(trust.recipient(each, kit.region.now_ms) for each in dict.fromkeys(to))
        )
    values: dict[str, Any] = {
        "id": uuid7(now_ms, _chance(10)),
        "kind": chosen.name,
        "sender": sender,
        "destination": destination,
        "created_ms": now_ms,
        "expires_ms": 0 if is_feed(destination) else now_ms + messages.LETTER_LIFE_MS,
        "directory_version": 1,
        "directory_hash": b"",
        "content": CONTENT,
        "position": position,
        **changes,
    }
    return build(
        Draft(**values),
        [encode(body), *rows],
        protection,
        suite=by.suite,
        plane=by.plane,
        signer=by.signer,
        signing_key_id=by.signing_key_id,
        rand=_chance,
    )


def refusal(number: int = 1) -> Refusal:
    """A durable letter of the hub to a station: one that an application handles."""
    return Refusal(code=f"3/{number:03}", version=1, error="catalog.basis", reason="no basis")
