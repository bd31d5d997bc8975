"""Reconciliation: publisher and readers each sign {feed, range, count, root} of what they hold.

Equal roots are the same items in the same order. The hub compares; it sees no item.
"""

from __future__ import annotations

from sqlalchemy import func, select

from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.feeds import ProofAnswer, ProofAsk
from ortoo_protocol.core.ids import feed_owner
from ortoo_protocol.core.merkle import root_of
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.tables import feed_in_items, feed_out_items


def ask(tx: Tx, opened: Opened[Shape]) -> None:
    """Answer the hub. `first` 0 asks for everything held of the incarnation."""
    wanted = as_body(opened, ProofAsk).body
    send(tx, opened.header.sender, answer(tx, wanted), causation=opened.header.id)


def answer(tx: Tx, wanted: ProofAsk) -> ProofAnswer:
    table = feed_out_items if feed_owner(wanted.feed) == tx.party else feed_in_items
    here = (table.c.feed == wanted.feed) & (table.c.incarnation == wanted.incarnation)
    low, high = tx.conn.execute(
        select(func.min(table.c.seq), func.max(table.c.seq)).where(here)
    ).one()
    first, last = low or 0, high or 0
    if wanted.first:
        first, last = max(first, wanted.first), min(last, wanted.last)
    hashes = tx.conn.execute(
        select(table.c.hash)
        .where(here, table.c.seq >= first, table.c.seq <= last)
        .order_by(table.c.seq)
    ).scalars()
    leaves = list(hashes)
    return ProofAnswer(
        ask=wanted.ask,
        feed=wanted.feed,
        incarnation=wanted.incarnation,
        first=first,
        last=last,
        count=len(leaves),
        root=root_of(tx.suite.hash, leaves),
    )
