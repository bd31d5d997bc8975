"""Negotiation (协商) and coordination (协调): from a refusal, or from what is not shared, to what
both sides or the authority find. A decision obliges the provider's people; it opens nothing by
itself: they grant, or the case stays decided and the authority sees it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from ortoo_node.cases import moving, store
from ortoo_protocol.core.cases import CaseStep, Event, Ruling, Side, State, check_ruling, check_step
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.errors import CaseUnknown
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send


def negotiate(tx: Tx, case: str, reason: str, handler: str, approver: str) -> State:
    """The applicant needs what was refused, or was not answered in time. Raises CaseEarly."""
    return say(tx, case, Event.NEGOTIATE, reason, handler, approver, Side.APPLICANT)


def disagree(
    tx: Tx, case: str, reason: str, handler: str, approver: str, side: Side | None = None
) -> State:
    """One side says that there is no agreement; `side`: whose people, inside one station."""
    return say(tx, case, Event.DISAGREE, reason, handler, approver, side)


def coordinate(tx: Tx, case: str, reason: str, handler: str, approver: str) -> State:
    """Ask the authority of that level, once the negotiation is over. Raises CaseEarly."""
    return say(tx, case, Event.COORDINATE, reason, handler, approver, Side.APPLICANT)


def sign(tx: Tx, case: str, handler: str, side: Side | None = None) -> State:
    """Sign for receipt (签收), on either side."""
    return say(tx, case, Event.SIGN, "", handler, "", side)


def say(
    tx: Tx,
    case: str,
    event: Event,
    reason: str,
    handler: str,
    approver: str,
    side: Side | None,
) -> State:
    """Take a step of this station's side; inside one station `side` says which."""
    row = store.find(tx.conn, case)
    own = _own_side(row, side)
    step = check_step(
        CaseStep(
            case=case,
            event=event.value,
            reason=reason,
            missing=(),
            handler=handler,
            approver=approver,
        )
    )
    moving.check(tx, row, event, own)
    other = row.provider if own is Side.APPLICANT else row.applicant
    letter = send(tx, other, step, case=case)
    return moving.take(
        tx,
        row,
        event,
        own,
        by=", ".join(filter(None, (handler, approver))),
        reason=reason,
        letter=letter,
        body=encode(step),
    )


def _own_side(row: Row[Any], side: Side | None) -> Side:
    if row.role == store.BOTH:
        return side or Side.APPLICANT
    own = Side.APPLICANT if row.role == store.APPLICANT else Side.PROVIDER
    if side not in (None, own):
        raise CaseUnknown(case=row.case)
    return own


def rule(tx: Tx, case: str, event: Event, reason: str, handler: str, approver: str) -> State:
    """A step of the authority of this station, in a case of two departments here: the hub's people
    rule in the others. Raises CaseUnknown, CaseMove, CaseRule, CaseNotAsked, CaseField."""
    row = store.find(tx.conn, case)
    if row.role != store.BOTH:
        raise CaseUnknown(case=case)
    ruling = check_ruling(
        Ruling(case=case, event=event.value, reason=reason, handler=handler, approver=approver)
    )
    moving.check(tx, row, event, Side.AUTHORITY)
    letter = send(tx, tx.party, ruling, case=case)
    return moving.take(
        tx,
        row,
        event,
        Side.AUTHORITY,
        by=f"{handler}, {approver}",
        reason=reason,
        letter=letter,
        body=encode(ruling),
    )
