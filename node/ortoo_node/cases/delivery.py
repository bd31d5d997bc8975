"""Delivery after a yes (Decree 809 art. 22): met once the granted data are there to be read."""

from __future__ import annotations

from sqlalchemy import select

from ortoo_node.cases import answering, store
from ortoo_protocol.core.cases import AUTOMATIC, Duty, Event, State
from ortoo_protocol.core.queries import only_query
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.clock_tables import clocks
from ortoo_protocol.station.store.tables import feeds_out

_CASE = "case:"


def look(tx: Tx) -> None:
    """Say of each case whose delivery clock runs, and whose data are there, that they are."""
    open_ = (clocks.c.closed_ms.is_(None)) & (clocks.c.duty == Duty.DELIVERY.value)
    for subject in tx.conn.execute(select(clocks.c.subject).where(open_)).scalars().all():
        row = store.find(tx.conn, subject.removeprefix(_CASE))
        mine = row.provider == tx.party and row.state == State.GRANTED.value
        if mine and row.grant and _is_there(tx, row.grant):
            answering.say(tx, row.case, Event.DELIVER, "", AUTOMATIC, "")


def _is_there(tx: Tx, grant: str) -> bool:
    terms = grants_held.terms_of(grants_held.row(tx, grant))
    if only_query(terms.mode):
        return True
    carried = select(feeds_out.c.seq).where(feeds_out.c.feed == terms.feed)
    return bool(tx.conn.execute(carried).scalar())
