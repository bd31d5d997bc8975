"""Demands at a station: what its departments need, what is assigned to them, and its authority.

Between two departments of one city the city's own authority assigns (本级); the hub does it across
leagues. A demand that is taken becomes a draft of a catalog entry; once that is published, the
demand is supplied by itself, and its row of the list says by which resource.
"""

from __future__ import annotations

from sqlalchemy import select

from ortoo_node.catalog import drafts, lists, mirror
from ortoo_protocol.core.cases import AUTOMATIC
from ortoo_protocol.core.catalog.lists import ANSWERED, DEMAND, OPEN, ListEntry
from ortoo_protocol.core.catalog.steps import State as DraftState
from ortoo_protocol.core.codec import Shape, decode
from ortoo_protocol.core.demands import (
    Assignment,
    DemandAnswer,
    Event,
    State,
    check_assignment,
    check_demand_answer,
)
from ortoo_protocol.core.errors import (
    CatalogOwner,
    CatalogUnknown,
    DemandUnknown,
    EnvelopeSender,
)
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import demands
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.demand_tables import demands as table

SUPPLIED = "已编目发布"


def row_of(tx: Tx, provider: str, number: str) -> ListEntry:
    """The demand's row of the list. Raises DemandUnknown."""
    found = lists.find(tx.conn, provider, DEMAND, number)
    if found is None:
        raise DemandUnknown(provider=provider, number=number)
    return decode(found.row, ListEntry)


# --- the authority of this station --------------------------------------------------------------


def assign(tx: Tx, number: str, department: str, reason: str, handler: str, approver: str) -> State:
    """Assign a demand of a department here to another one here (本级). Raises DemandUnknown,
    DemandMove, TrustDepartment, CaseField."""
    row_of(tx, tx.party, number)
    tx.trust.check_department(tx.party, department)
    body = check_assignment(
        Assignment(
            provider=tx.party,
            number=number,
            party=tx.party,
            department=department,
            reason=reason,
            handler=handler,
            approver=approver,
        )
    )
    send(tx, tx.party, body)
    return _assigned(tx, body, tx.party)


def on_assigned(tx: Tx, opened: Opened[Shape]) -> None:
    """To a department here, or of a demand of ours; by the hub, or by this station's authority."""
    body, sender = check_assignment(as_body(opened, Assignment).body), opened.header.sender
    if sender not in (tx.trust.hub, tx.party):
        raise EnvelopeSender(sender=sender, owner=tx.trust.hub)
    if sender == tx.party:
        return
    if body.party == tx.party:
        tx.trust.check_department(tx.party, body.department)
    _assigned(tx, body, sender)


def _assigned(tx: Tx, body: Assignment, by: str) -> State:
    return demands.take_event(
        tx,
        body.provider,
        body.number,
        Event.ASSIGN,
        by,
        by=f"{body.handler}, {body.approver}",
        reason=body.reason,
        party=body.party,
        department=body.department,
        draft="",
        resource="",
    )


# --- the department that it is assigned to ------------------------------------------------------


def take(tx: Tx, provider: str, number: str, reason: str, handler: str, approver: str) -> str:
    """Take a demand on: a draft of a catalog entry begins; returns it. Raises DemandUnknown,
    DemandMove, CaseField."""
    asked, department = row_of(tx, provider, number), _own(tx, provider, number)
    _answer(tx, provider, number, Event.TAKE, reason, "", handler, approver)
    fields = {
        "name": asked.title,
        "department": department,
        "abstract": asked.content,
        "items": [{"name": item} for item in asked.items],
        "cycle": asked.cycle,
    }
    known = {name: value for name, value in fields.items() if value}
    draft = drafts.save_draft(tx, known, handler, f"{provider} {number}").draft
    this = (table.c.provider == provider) & (table.c.number == number)
    tx.conn.execute(table.update().where(this).values(draft=draft))
    return draft


def decline(tx: Tx, provider: str, number: str, reason: str, handler: str, approver: str) -> State:
    """Say why it is not supplied. Raises CaseReason, DemandUnknown, DemandMove."""
    _own(tx, provider, number)
    return _answer(tx, provider, number, Event.DECLINE, reason, "", handler, approver)


def supply(tx: Tx, provider: str, number: str, resource: str, handler: str, approver: str) -> State:
    """Name the resource that supplies it. Raises CatalogUnknown, CatalogOwner, DemandMove."""
    _own(tx, provider, number)
    found = mirror.find(tx.conn, resource)
    if found is None:
        raise CatalogUnknown(resource=resource)
    if found.provider != tx.party:
        raise CatalogOwner(resource=resource)
    return _answer(tx, provider, number, Event.SUPPLY, SUPPLIED, resource, handler, approver)


def look(tx: Tx) -> None:
    """Demands whose drafts have been published are supplied, by those who compiled and approved
    the entry."""
    query = select(table).where(
        table.c.party == tx.party, table.c.state == State.TAKEN.value, table.c.draft != ""
    )
    for row in tx.conn.execute(query).all():
        draft = drafts.find(tx.conn, row.draft)
        if draft.state is DraftState.PUBLISHED and mirror.find(tx.conn, draft.code) is not None:
            entry = mirror.entry(tx.conn, draft.code)
            people = (entry.compiled_by, entry.approved_by)
            supply(tx, row.provider, row.number, draft.code, *people)


def _own(tx: Tx, provider: str, number: str) -> str:
    """The department here that it is assigned to."""
    row = demands.find(tx.conn, provider, number)
    if row is None or row.party != tx.party:
        raise DemandUnknown(provider=provider, number=number)
    return str(row.department)


def _answer(
    tx: Tx,
    provider: str,
    number: str,
    event: Event,
    reason: str,
    resource: str,
    handler: str,
    approver: str,
) -> State:
    body = check_demand_answer(
        DemandAnswer(
            provider=provider,
            number=number,
            event=event.value,
            reason=reason,
            resource=resource,
            handler=handler,
            approver=approver,
        )
    )
    send(tx, provider, body)
    state = _answered(tx, body, tx.party)
    if provider == tx.party:
        _settle(tx, body)
    return state


def _answered(tx: Tx, body: DemandAnswer, party: str) -> State:
    by = f"{body.handler}, {body.approver}"
    values = {"resource": body.resource} if body.resource else {}
    return demands.take_event(
        tx,
        body.provider,
        body.number,
        Event(body.event),
        party,
        by=by,
        reason=body.reason,
        **values,
    )


# --- the department that demands ----------------------------------------------------------------


def on_answer(tx: Tx, opened: Opened[Shape]) -> None:
    """The word of whom our demand is assigned to."""
    body, sender = check_demand_answer(as_body(opened, DemandAnswer).body), opened.header.sender
    row = demands.find(tx.conn, body.provider, body.number)
    if body.provider != tx.party or row is None:
        raise DemandUnknown(provider=body.provider, number=body.number)
    if row.party != sender:
        raise EnvelopeSender(sender=sender, owner=row.party)
    if sender == tx.party:
        return
    _answered(tx, body, sender)
    _settle(tx, body)


def _settle(tx: Tx, body: DemandAnswer) -> None:
    """The row of the list says what supplies it."""
    row = row_of(tx, tx.party, body.number)
    if body.event != Event.SUPPLY.value or row.status != OPEN:
        return
    lists.settle(
        tx,
        DEMAND,
        body.number,
        status=ANSWERED,
        answer=SUPPLIED,  # nothing is added that was not checked: words of ours, a public code
        resource=body.resource,
        compiled_by=AUTOMATIC,
        secrecy_checked_by=row.secrecy_checked_by,
        approved_by=row.approved_by,
    )
