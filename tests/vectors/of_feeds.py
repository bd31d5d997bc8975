"""feeds.json: what a reader makes of items, one after another."""

from __future__ import annotations

from typing import Any

from ortoo_protocol.core import feeds
from ortoo_protocol.core.envelope import Position, envelope_hash, split
from ortoo_protocol.core.merkle import root_of
from tests.support import forge
from tests.support.bodies import FEED
from tests.support.forge import CITY, EXTRANET, fixed

HOW = (
    "A reader holds (incarnation, seq, hash), at first (1, 0, genesis). Each item is verified as "
    "in envelopes.json (same parties and directory), then judged: `expect` is the verdict or the "
    "error code. Only 'next' moves the watermark. A 'duplicate' is compared with the item held "
    "under its number. In `ranges`, the item hashes of the first sequence are the leaf hashes "
    "of the root that a proof.answer states."
)
HERE = forge.world()
KEY = fixed("feed key", 32)


def item(seq: int, previous: bytes, incarnation: int = 1, label: str = "item") -> bytes:
    row = feeds.row_part(feeds.RowChange(feeds.UPSERT, (f"{150702000 + seq}", label)))
    return forge.make(
        HERE,
        feeds.TableRows(schema=1),
        CITY,
        FEED,
        rows=[row],
        position=Position(incarnation, seq, previous),
        feed_key=KEY,
        rand=forge.fixed_random(f"{label}/{incarnation}/{seq}"),
    )


def hash_of(raw: bytes) -> bytes:
    return envelope_hash(split(raw, suites=HERE.suites, plane=EXTRANET))


def make() -> dict[str, Any]:
    start = feeds.genesis(HERE.suite, EXTRANET, FEED, 1)
    again = feeds.genesis(HERE.suite, EXTRANET, FEED, 2)
    one = item(1, start)
    two = item(2, hash_of(one))
    three = item(3, hash_of(two))
    other_two = item(2, hash_of(one), label="other")
    return {
        "how": HOW,
        "suite": 1,
        "plane": "extranet",
        "feed": FEED,
        "genesis": start.hex(),
        "sequences": [
            _sequence("in order", [(one, "next"), (two, "next"), (three, "next")]),
            _sequence(
                "out of order, then again",
                [(one, "next"), (three, "gap"), (two, "next"), (one, "duplicate"), (three, "next")],
            ),
            _sequence("not from the beginning", [(item(1, fixed("x", 32)), "feed.chain")]),
            _sequence(
                "a number filled afterwards",
                [(one, "next"), (other_two, "next"), (three, "feed.chain")],
            ),
            _sequence(
                "two items under one number",
                [(one, "next"), (two, "next"), (other_two, "feed.fork")],
            ),
            _sequence(
                "another incarnation",
                [(one, "next"), (item(1, again, 2), "new-incarnation"), (two, "next")],
            ),
        ],
        "ranges": {
            "hashes": [hash_of(raw).hex() for raw in (one, two, three)],
            "first": 1,
            "last": 3,
            "root": root_of(HERE.suite.hash, [hash_of(raw) for raw in (one, two, three)]).hex(),
        },
    }


def _sequence(name: str, items: list[tuple[bytes, str]]) -> dict[str, Any]:
    return {
        "name": name,
        "items": [{"raw": raw.hex(), "expect": expect} for raw, expect in items],
    }
