"""The end of a case with the end of its grant: by the provider, or because its term is over."""

from __future__ import annotations

from sqlalchemy import select

from ortoo_node.cases import store
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
    if row is None or (State(row.state), event) not in MOVES:
        return
    store.add_event(tx, case, event, side, row.provider, by="", reason=reason)
    if row.role == store.BOTH or event is Event.EXPIRE:
        clocking.happened(tx, store.subject_of(tx, row), event, tx.now_ms)
    store.put(tx, case, reason=reason)
    store.refold(tx, case)
