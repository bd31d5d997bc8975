"""What the region's authority decides in cases that cross leagues (协调处理): told to both members.

A decision obliges the provider's people; only their own signed grant opens anything.
"""

from __future__ import annotations

from ortoo_hub.cases import store
from ortoo_protocol.core.cases import Event, Ruling, Side, State, check_ruling
from ortoo_protocol.core.codec import encode
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send


def rule(tx: Tx, case: str, event: Event, reason: str, handler: str, approver: str) -> State:
    """Raises CaseUnknown, CaseMove, CaseRule, CaseNotAsked, CaseField."""
    row = store.known(tx.conn, case)
    ruling = check_ruling(
        Ruling(case=case, event=event.value, reason=reason, handler=handler, approver=approver)
    )
    state = store.move(
        tx,
        row,
        event,
        Side.AUTHORITY,
        by=f"{handler}, {approver}",
        reason=reason,
        body=encode(ruling),
    )
    for member in (row.applicant, row.provider):
        send(tx, member, ruling, case=case)
    return state
