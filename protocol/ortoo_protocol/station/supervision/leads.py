"""Leads in the store: found again and again, joined, decided by people."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from ortoo_protocol.core.codec import decode, encode
from ortoo_protocol.core.errors import SupervisionField, SupervisionPeople, SupervisionUnknown
from ortoo_protocol.core.supervision import leads as rules
from ortoo_protocol.core.supervision.facts import Period, Subject
from ortoo_protocol.core.supervision.law import Violation
from ortoo_protocol.core.supervision.leads import ENTERED, Event, Found, State
from ortoo_protocol.core.supervision.notices import Evidence
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import insert_new
from ortoo_protocol.station.store.supervision_tables import lead_events, lead_evidence, leads
from ortoo_protocol.station.supervision import standards
from ortoo_protocol.station.supervision.evidence import prove

if TYPE_CHECKING:  # it counts by sources that find leads, too
    from ortoo_protocol.station.supervision.facts import Counter

RULE = "rule"  # who acts when no person does
MAX_TEXT_CHARACTERS = 4_000


def look(tx: Tx, counter: Counter, period: Period) -> list[str]:
    """Apply every rule to everybody; returns the leads that are new or were joined."""
    bounds = standards.bounds(tx.conn)
    touched = []
    for subject in counter.sources.subjects(counter.trust):
        matters = counter.matters(tx.conn, subject, period)
        for found in rules.find(matters, _settled(tx.conn, subject), bounds):
            lead = _keep(tx, subject, found)
            if lead:
                touched.append(lead)
    return touched


def _settled(conn: Connection, subject: Subject) -> Collection[tuple[str, str]]:
    """Matters that people decided on, by rule."""
    decided = [each.value for each in State if each is not State.OPEN]
    query = (
        select(leads.c.rule, lead_evidence.c.key)
        .join(lead_evidence, lead_evidence.c.lead == leads.c.lead)
        .where(*_of(subject), leads.c.state.in_(decided))
    )
    return {(rule, key) for rule, key in conn.execute(query)}


def _keep(tx: Tx, subject: Subject, found: Found) -> str:
    """Open a lead, or join what is new to the open one; empty when nothing is."""
    query = select(leads).where(
        *_of(subject), leads.c.rule == found.rule.code, leads.c.state == State.OPEN.value
    )
    row = tx.conn.execute(query).first()
    known: set[str] = set()
    if row is not None:
        keys = select(lead_evidence.c.key).where(lead_evidence.c.lead == row.lead)
        known = set(tx.conn.execute(keys).scalars())
    new = [each for each in found.matters if each.key not in known]
    if not new:
        return ""
    if row is None:
        lead = _open(tx, subject, found.rule.code, found.rule.violation, RULE, "")
    else:
        lead = row.lead
        _move(tx, row, Event.JOIN, RULE, str(len(new)))
    for matter in new:
        evidence = prove(tx.conn, tx.suite, tx.party, matter)
        values = {
            "lead": lead,
            "key": matter.key,
            "time_ms": tx.now_ms,
            "evidence": encode(evidence),
        }
        insert_new(tx.conn, lead_evidence, [values])
    return lead


def enter(tx: Tx, subject: Subject, violation: int, text: str, intent: str, by: str) -> str:
    """What people found themselves: any violation, the sixth among them; it stands confirmed.

    Raises SupervisionReason, SupervisionField.
    """
    rules.check_decision(Event.CONFIRM, by, text)
    if violation not in {each.value for each in Violation}:
        raise SupervisionField(field="violation", detail=str(violation))
    _check_text("text", text)
    _check_text("intent", intent)
    lead = _open(tx, subject, ENTERED, Violation(violation), by, text)
    _set(tx, lead, text=text, intent=intent)
    _move(tx, find(tx.conn, lead), Event.CONFIRM, by, text)
    return lead


def decide(tx: Tx, lead: str, event: Event, reason: str, intent: str, by: str) -> State:
    """A person confirms or dismisses, and may say that it was done on purpose (故意).

    Raises SupervisionUnknown, SupervisionReason, SupervisionMove, SupervisionPeople.
    """
    row = find(tx.conn, lead)
    rules.check_decision(event, by, reason)
    if event not in (Event.CONFIRM, Event.DISMISS):
        raise SupervisionPeople(detail=event.value)
    if intent and event is Event.DISMISS:
        raise SupervisionField(field="intent", detail="what is dismissed has none")
    _check_text("reason", reason)
    _check_text("intent", intent)
    state = _move(tx, row, event, by, reason)
    if intent:
        _set(tx, lead, intent=intent)
    return state


def noticed(tx: Tx, lead: str, subject: Subject, by: str, notice: str) -> None:
    """A written notice was issued on it. Raises SupervisionMove, SupervisionUnknown."""
    row = find(tx.conn, lead)
    if Subject(row.party, row.department) != subject:
        raise SupervisionField(field="leads", detail=f"{lead} is about another")
    _move(tx, row, Event.NOTICE, by, notice)


# --- reading ------------------------------------------------------------------------------------


def find(conn: Connection, lead: str) -> Row[Any]:
    row = conn.execute(select(leads).where(leads.c.lead == lead)).first()
    if row is None:
        raise SupervisionUnknown(document="lead", id=lead)
    return row


def in_order(state: str = "") -> Select[Any]:
    """The open ones first, then the newest; of one state, or all."""
    order = (leads.c.state != State.OPEN.value, leads.c.found_ms.desc(), leads.c.lead)
    query = select(leads).order_by(*order)
    return query.where(leads.c.state == state) if state else query


def listed(conn: Connection, state: str, limit: int) -> list[Row[Any]]:
    return list(conn.execute(in_order(state).limit(limit)))


def matters(conn: Connection, found: Sequence[str]) -> dict[str, int]:
    """How much evidence each of these leads has."""
    query = select(lead_evidence.c.lead, func.count()).where(lead_evidence.c.lead.in_(found))
    return {lead: count for lead, count in conn.execute(query.group_by(lead_evidence.c.lead))}


def evidence_of(conn: Connection, lead: str, limit: int = 10_000) -> list[Evidence]:
    query = select(lead_evidence.c.evidence).where(lead_evidence.c.lead == lead)
    ordered = query.order_by(lead_evidence.c.time_ms, lead_evidence.c.key).limit(limit)
    return [decode(raw, Evidence) for raw in conn.execute(ordered).scalars()]


def events_of(conn: Connection, lead: str) -> list[Row[Any]]:
    query = select(lead_events).where(lead_events.c.lead == lead)
    return list(conn.execute(query.order_by(lead_events.c.number)))


# --- the store ----------------------------------------------------------------------------------


def _of(subject: Subject) -> tuple[Any, Any]:
    return leads.c.party == subject.party, leads.c.department == subject.department


def _check_text(field: str, text: str) -> None:
    if len(text) > MAX_TEXT_CHARACTERS:
        raise SupervisionField(field=field, detail=f"above {MAX_TEXT_CHARACTERS} characters")


def _open(tx: Tx, subject: Subject, rule: str, violation: Violation, by: str, reason: str) -> str:
    lead = tx.new_id().hex()
    values = {
        "lead": lead,
        "rule": rule,
        "violation": violation.value,
        "party": subject.party,
        "department": subject.department,
        "state": State.OPEN.value,
        "text": "",
        "intent": "",
        "found_ms": tx.now_ms,
        "changed_ms": tx.now_ms,
    }
    tx.conn.execute(insert(leads).values(values))
    _note(tx, lead, State.OPEN.value, by, reason)
    return lead


def _move(tx: Tx, row: Row[Any], event: Event, by: str, reason: str) -> State:
    state = rules.move(State(row.state), event)
    _set(tx, row.lead, state=state.value)
    _note(tx, row.lead, event.value, by, reason)
    return state


def _set(tx: Tx, lead: str, **values: Any) -> None:
    changed = update(leads).where(leads.c.lead == lead)
    tx.conn.execute(changed.values(changed_ms=tx.now_ms, **values))


def _note(tx: Tx, lead: str, event: str, by: str, reason: str) -> None:
    values = {"lead": lead, "time_ms": tx.now_ms, "event": event, "by": by, "reason": reason}
    tx.conn.execute(insert(lead_events).values(values))
