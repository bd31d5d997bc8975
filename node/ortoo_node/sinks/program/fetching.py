"""What a department's program fetches of a pull, and how it confirms.

Whoever asks with the cursor that came with an answer confirms that answer; whoever asks with the
cursor before gets the same answer, byte for byte, after a restart too. One answer is out at a time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from ortoo_node.sinks.door import unseal
from ortoo_node.store.tables import pull_pages, pulls
from ortoo_protocol.core.errors import ApiCursor, ApiCursorPassed
from ortoo_protocol.core.keys import domain
from ortoo_protocol.station.context import Identity, Parts, Tx

MOST_BYTES = 1 << 20
_MAC_BYTES = 16


@dataclass(frozen=True)
class Given:
    """Pages after place `after`, the last of which is at `upto`."""

    after: int
    upto: int
    pages: Sequence[tuple[int, bytes]] = field(default=(), repr=False)


def fetch_row(conn: Connection, subscription: str) -> Row[Any] | None:
    return conn.execute(select(pulls).where(pulls.c.subscription == subscription)).first()


def page_use(subscription: str, place: int) -> str:
    return f"pull {subscription} {place}"


def anything(conn: Connection, subscription: str, after: int | None) -> bool:
    """Whether `give` would have something to give, or to refuse."""
    row = fetch_row(conn, subscription)
    if row is None:
        return bool(after)
    wanted = row.given_from if after is None else after
    if wanted not in (row.given_from, row.given_to):
        return True
    return bool(row.last > wanted)


def outstanding(conn: Connection, subscription: str) -> int | None:
    """Up to which place an answer is out that nobody confirmed yet."""
    row = fetch_row(conn, subscription)
    return row.given_to if row is not None and row.given_from < row.given_to else None


def give(tx: Tx, subscription: str, after: int | None, most: int) -> Given:
    """At most `most` pages after place `after` (None: after the last that was confirmed).

    Raises ApiCursorPassed, ApiCursor.
    """
    row = fetch_row(tx.conn, subscription)
    if row is None:
        if after:
            raise ApiCursor()
        return Given(0, 0)
    place = row.given_from if after is None else after
    if place < row.given_from:
        raise ApiCursorPassed()
    if place not in (row.given_from, row.given_to):
        raise ApiCursor()
    if place == row.given_from < row.given_to:
        pages = _pages(tx.conn, subscription, place, row.given_to)
        return Given(place, row.given_to, _opened(tx.parts, subscription, pages))
    if place > row.given_from:
        _confirm(tx, subscription, place)
    pages = _within(_pages(tx.conn, subscription, place, row.last, most))
    upto = pages[-1].place if pages else place
    here = pulls.c.subscription == subscription
    tx.conn.execute(update(pulls).where(here).values(given_from=place, given_to=upto))
    return Given(place, upto, _opened(tx.parts, subscription, pages))


def _confirm(tx: Tx, subscription: str, upto: int) -> None:
    taken = (pull_pages.c.subscription == subscription) & (pull_pages.c.place <= upto)
    counted = select(func.count(), func.coalesce(func.sum(pull_pages.c.size), 0)).where(taken)
    count, size = tx.conn.execute(counted).one()
    tx.conn.execute(delete(pull_pages).where(taken))
    tx.conn.execute(
        update(pulls)
        .where(pulls.c.subscription == subscription)
        .values(held=pulls.c.held - count, held_bytes=pulls.c.held_bytes - size)
    )
    tx.after_commit(tx.parts.signals.apply.set)  # there is room again


def _pages(
    conn: Connection, subscription: str, after: int, upto: int, most: int | None = None
) -> list[Any]:
    query = (
        select(pull_pages.c.place, pull_pages.c.size, pull_pages.c.body)
        .where(
            pull_pages.c.subscription == subscription,
            pull_pages.c.place > after,
            pull_pages.c.place <= upto,
        )
        .order_by(pull_pages.c.place)
    )
    return list(conn.execute(query if most is None else query.limit(most)))


def _within(rows: list[Any]) -> list[Any]:
    """As many as an answer holds, and at least one."""
    size = 0
    for count, row in enumerate(rows):
        size += row.size
        if count and size > MOST_BYTES:
            return rows[:count]
    return rows


def _opened(parts: Parts, subscription: str, rows: Sequence[Any]) -> Sequence[tuple[int, bytes]]:
    return [(row.place, unseal(parts, page_use(subscription, row.place), row.body)) for row in rows]


# --- cursors ------------------------------------------------------------------------------------


def cursor_text(identity: Identity, subscription: str, place: int) -> str:
    """Opaque to whoever bears it, and of use for this subscription alone."""
    raw = place.to_bytes(8, "big")
    return base64.urlsafe_b64encode(raw + _mac(identity, subscription, raw)).decode()


def read_cursor(identity: Identity, subscription: str, text: str) -> int:
    """Raises ApiCursor."""
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ApiCursor() from None
    place, mac = raw[:8], raw[8:]
    if not hmac.compare_digest(mac, _mac(identity, subscription, place)):
        raise ApiCursor()
    return int.from_bytes(place, "big")


def _mac(identity: Identity, subscription: str, place: bytes) -> bytes:
    context = domain("ortoo/pull-cursor", identity.plane, identity.party.encode())
    key = identity.suite.kdf(identity.store_key, context, 32)
    signed = subscription.encode() + b"\0" + place
    return hmac.new(key, signed, hashlib.sha256).digest()[:_MAC_BYTES]
