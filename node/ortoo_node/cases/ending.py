"""The end of a case with the end of its grant: by the provider, or because its term is over."""

from __future__ import annotations

from sqlalchemy import select

from ortoo_node.cases import noting, store
from ortoo_node.store.case_tables import cases
from ortoo_protocol.core.cases import MOVES, Event, Side, State
from ortoo_protocol.station.cases import clocking
from ortoo_protocol.station.context import Tx


def ended(tx: Tx, case: str, reason: str) -> None:
    """The case's grant ended."""
    _close(tx, case, Event.END, Side.PROVIDER, reason)


def expired(tx: Tx, case: str, reason: str) -> None:
    """The term of the case's grant is over (期满)."""
    _close(tx, case, Event.EXPIRE, Side.SYSTEM, reason)


def _close(tx: Tx, case: str, event: Event, side: Side, reason: str) -> None:
    row = tx.conn.execute(select(cases).where(cases.c.case == case)).first()
    if row is None or any(each.event == event.value for each in store.history(tx.conn, case)):
        return
    # Also where the state at hand does not let it happen: what is on its way may be taken back.
    store.add_event(tx, case, event, side, row.provider, by="", reason=reason)
    if (State(row.state), event) in MOVES:
        if row.role == store.BOTH:
            clocking.happened(tx, store.subject_of(tx, row), event, tx.now_ms)
        store.put(tx, case, reason=reason)
    noting.catch_up(tx, case)  # the notary's record may be here before
    store.refold(tx, case)
