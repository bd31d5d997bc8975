"""Delivery after a yes (Decree 809 art. 22): met once the granted data are there to be read."""

from __future__ import annotations

from sqlalchemy import select

from ortoo_node.cases import answering
from ortoo_node.store.case_tables import cases
from ortoo_protocol.core.cases import Duty, Event, State
from ortoo_protocol.core.queries import only_query
from ortoo_protocol.station import clocks, grants_held
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import feeds_out


def look(tx: Tx) -> None:
    """Say of each case whose delivery clock runs, and whose data are there, that they are."""
    query = select(cases.c.case, cases.c.grant).where(
        cases.c.provider == tx.party, cases.c.state == State.GRANTED.value
    )
    for row in tx.conn.execute(query).all():
        if row.grant and _runs(tx, row.case) and _is_there(tx, row.grant):
            answering.say(tx, row.case, Event.DELIVER, "", answering.AUTOMATIC, "")


def _runs(tx: Tx, case: str) -> bool:
    found = clocks.of(tx.conn, f"case:{case}")
    return any(clock.open and clock.duty == Duty.DELIVERY.value for clock in found)


def _is_there(tx: Tx, grant: str) -> bool:
    terms = grants_held.terms_of(grants_held.row(tx, grant))
    if only_query(terms.mode):
        return True
    carried = select(feeds_out.c.seq).where(feeds_out.c.feed == terms.feed)
    return bool(tx.conn.execute(carried).scalar())
