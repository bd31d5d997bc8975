"""Reconciliation: publisher and readers each sign {feed, range, count, root} of what they hold.

Equal roots are the same items in the same order. The hub compares; it sees no item.
"""

from __future__ import annotations

from sqlalchemy import func, select

from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.feeds import ProofAnswer, ProofAsk
from ortoo_protocol.core.ids import feed_owner
from ortoo_protocol.core.law.instants import check_times
from ortoo_protocol.core.merkle import root_of
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.tables import (
    feed_in_items,
    feed_out_items,
    feeds_in,
    feeds_out,
)


def ask(tx: Tx, opened: Opened[Shape]) -> None:
    """Answer the hub. `first` 0 asks for everything held, `incarnation` 0 for the newest.
    Raises CaseField: a time beyond all calendars."""
    wanted = as_body(opened, ProofAsk).body
    check_times(wanted)
    send(tx, opened.header.sender, answer(tx, wanted), causation=opened.header.id)


def answer(tx: Tx, wanted: ProofAsk) -> ProofAnswer:
    """What this party holds of the range. Nothing: `last` is where it stands (a reader that began
    with a snapshot and has had no item since), and `first` the number after it."""
    own = feed_owner(wanted.feed) == tx.party
    table, feed = (feed_out_items, feeds_out) if own else (feed_in_items, feeds_in)
    stands = tx.conn.execute(
        select(feed.c.incarnation, feed.c.seq).where(feed.c.feed == wanted.feed)
    ).first()
    incarnation = wanted.incarnation or (stands.incarnation if stands else 0)
    here = (table.c.feed == wanted.feed) & (table.c.incarnation == incarnation)
    low, high = tx.conn.execute(
        select(func.min(table.c.seq), func.max(table.c.seq)).where(here)
    ).one()
    if low is None:
        low = high = stands.seq if stands and stands.incarnation == incarnation else 0
        low += 1
    if wanted.until_ms and own:
        whole = (low, high)
        low = _number_at(tx, wanted.feed, incarnation, whole, wanted.from_ms)
        high = _number_at(tx, wanted.feed, incarnation, whole, wanted.until_ms) - 1
    if wanted.first:
        low, high = max(low, wanted.first), min(high, wanted.last)
    hashes = tx.conn.execute(
        select(table.c.hash).where(here, table.c.seq.between(low, high)).order_by(table.c.seq)
    ).scalars()
    leaves = list(hashes)
    return ProofAnswer(
        ask=wanted.ask,
        feed=wanted.feed,
        incarnation=incarnation,
        first=low,
        last=max(high, low - 1),
        count=len(leaves),
        root=root_of(tx.suite.hash, leaves),
    )


def _number_at(tx: Tx, feed: str, incarnation: int, whole: tuple[int, int], time_ms: int) -> int:
    """The first of our items that is not older than `time_ms`, by halving."""
    low, high = whole[0], whole[1] + 1
    items = feed_out_items
    while low < high:
        middle = (low + high) // 2
        query = select(items.c.created_ms).where(
            items.c.feed == feed, items.c.incarnation == incarnation, items.c.seq >= middle
        )
        made_ms = tx.conn.execute(query.order_by(items.c.seq).limit(1)).scalar()
        if made_ms is not None and made_ms < time_ms:
            low = middle + 1
        else:
            high = middle
    return low
