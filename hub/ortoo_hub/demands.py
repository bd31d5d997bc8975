"""Demands across leagues: the region's authority assigns them, and answers pass through here."""

from __future__ import annotations

from ortoo_hub.catalog import lists
from ortoo_protocol.core.catalog.lists import DEMAND
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.demands import (
    Assignment,
    DemandAnswer,
    Event,
    State,
    check_assignment,
    check_demand_answer,
)
from ortoo_protocol.core.errors import (
    CaseField,
    DemandUnknown,
    EnvelopeDestination,
    EnvelopeSender,
)
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import demands
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send


def assign(
    tx: Tx,
    provider: str,
    number: str,
    party: str,
    department: str,
    reason: str,
    handler: str,
    approver: str,
) -> State:
    """Raises DemandUnknown, DemandMove, TrustDepartment, TrustUnknownParty, CaseField."""
    if lists.find(tx.conn, provider, DEMAND, number) is None:
        raise DemandUnknown(provider=provider, number=number)
    if party == provider:
        raise CaseField(field="party", detail="the authority of its own station assigns it")
    tx.trust.party(party)
    tx.trust.check_department(party, department)
    body = check_assignment(
        Assignment(
            provider=provider,
            number=number,
            party=party,
            department=department,
            reason=reason,
            handler=handler,
            approver=approver,
        )
    )
    state = demands.take_event(
        tx,
        provider,
        number,
        Event.ASSIGN,
        tx.party,
        by=f"{handler}, {approver}",
        reason=reason,
        party=party,
        department=department,
    )
    for member in dict.fromkeys((party, provider)):
        send(tx, member, body)
    return state


def relay(tx: Tx, opened: Opened[Shape]) -> None:
    """Record the answer of whom a demand is assigned to, on its way to who demands."""
    body, header = check_demand_answer(as_body(opened, DemandAnswer).body), opened.header
    row = demands.find(tx.conn, body.provider, body.number)
    if row is None:
        raise DemandUnknown(provider=body.provider, number=body.number)
    if row.party != header.sender:
        raise EnvelopeSender(sender=header.sender, owner=row.party)
    if header.destination != body.provider:
        raise EnvelopeDestination(destination=header.destination)
    demands.take_event(
        tx,
        body.provider,
        body.number,
        Event(body.event),
        header.sender,
        by=f"{body.handler}, {body.approver}",
        reason=body.reason,
        **({"resource": body.resource} if body.resource else {}),
    )
