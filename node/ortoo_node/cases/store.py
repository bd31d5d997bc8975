"""Cases and their events in the store. The state is what the events add up to, and is written
anew whenever one is added, refused or numbered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from ortoo_node.store.case_tables import case_events, cases
from ortoo_protocol.core.cases import Application, Completion, Event, Logged, Side, State, fold
from ortoo_protocol.core.cases.log import COUNTED, REFUSED
from ortoo_protocol.core.codec import decode, encode
from ortoo_protocol.core.errors import CaseField, CaseUnknown
from ortoo_protocol.station import held
from ortoo_protocol.station.cases.judging import Subject
from ortoo_protocol.station.context import Tx

APPLICANT, PROVIDER, BOTH = "applicant", "provider", "both"
_OPENING = (Event.SUBMIT.value, Event.NEGOTIATE.value)
_EVENTS = frozenset(event.value for event in Event)


# --- reading ------------------------------------------------------------------------------------


def find(conn: Connection, case: str) -> Row[Any]:
    """Raises CaseUnknown."""
    row = conn.execute(select(cases).where(cases.c.case == case)).first()
    if row is None:
        raise CaseUnknown(case=case)
    return row


@dataclass(frozen=True)
class Sought:
    """Which cases: as whom this station takes part, in which state, of which paper."""

    role: str = "all"
    state: str | None = None
    group: str = ""

    def of(self, query: Select[Any]) -> Select[Any]:
        if self.role != "all":
            query = query.where(cases.c.role.in_((self.role, BOTH)))
        if self.state is not None:
            query = query.where(cases.c.state == self.state)
        if self.group:
            query = query.where(cases.c.group == self.group)
        return query


def listed(
    conn: Connection, sought: Sought, limit: int | None = None, offset: int = 0
) -> Sequence[Row[Any]]:
    """The newest first; `limit` None: all."""
    query = select(cases).order_by(cases.c.opened_ms.desc(), cases.c.case)
    return conn.execute(sought.of(query).limit(limit).offset(offset)).all()


def count(conn: Connection, sought: Sought) -> int:
    return int(conn.execute(sought.of(select(func.count()).select_from(cases))).scalar_one())


def history(conn: Connection, case: str) -> Sequence[Row[Any]]:
    query = select(case_events).where(case_events.c.case == case)
    return conn.execute(query.order_by(case_events.c.number)).all()


def events_of(conn: Connection, case: str) -> list[Row[Any]]:
    """What moves the case, without what is only written beside it."""
    return [row for row in history(conn, case) if row.event in _EVENTS]


def log_of(events: Sequence[Row[Any]]) -> list[Logged]:
    return [
        Logged(Event(row.event), Side(row.side or Side.SYSTEM.value), row.status, row.noted)
        for row in events
    ]


def asked(conn: Connection, case: str) -> Application:
    """What is asked for: the application as its last completion that counts left it."""
    found: Application | None = None
    for row in events_of(conn, case):
        if row.status == REFUSED:
            continue
        if row.event == Event.COMPLETE.value:
            found = decode(row.body, Completion).application
        elif found is None and row.event in _OPENING:
            found = decode(row.body, Application)
    if found is None:
        raise CaseUnknown(case=case)
    return found


def subject_of(tx: Tx, row: Row[Any]) -> Subject:
    return Subject(
        case=row.case,
        share_type=row.share_type,
        provider=row.provider,
        provider_department=row.provider_department,
        authority=tx.party if row.role == BOTH else tx.trust.hub,
    )


def side_of(row: Row[Any], party: str, hub: str) -> Side:
    """As whom `party` speaks in a case that crosses leagues."""
    if party == hub:
        return Side.AUTHORITY
    return Side.APPLICANT if party == row.applicant else Side.PROVIDER


# --- writing ------------------------------------------------------------------------------------


def open_case(
    tx: Tx,
    application: Application,
    role: str,
    applicant: str,
    provider: str,
    *,
    share_type: int,
    provider_department: str,
    letter: bytes = b"",
    notarised: bool = False,
) -> Row[Any]:
    """Raises CaseField: the number was used before."""
    if tx.conn.execute(select(cases.c.case).where(cases.c.case == application.case)).first():
        raise CaseField(field="case", detail="this number was used before")
    values = {
        "case": application.case,
        "role": role,
        "resource": application.resource,
        "applicant": applicant,
        "department": application.department,
        "provider": provider,
        "state": State.DRAFT.value,
        "application": encode(application),
        "answer": None,
        "letter": letter,
        "opened_ms": tx.now_ms,
        "notarised": notarised,
        "changed_ms": tx.now_ms,
        "grant": None,
        "reason": "",
        "group": application.group,
        "share_type": share_type,
        "provider_department": provider_department,
    }
    tx.conn.execute(insert(cases).values(values))
    held.mark_ready(tx, held.of_case(application.case))
    return find(tx.conn, application.case)


def put(tx: Tx, case: str, **values: Any) -> None:
    tx.conn.execute(
        update(cases).where(cases.c.case == case).values(changed_ms=tx.now_ms, **values)
    )


def add_event(
    tx: Tx,
    case: str,
    event: Event,
    side: Side,
    party: str,
    *,
    by: str,
    reason: str,
    status: str = COUNTED,
    letter: bytes | None = None,
    body: bytes | None = None,
) -> int:
    """Returns its number in this store."""
    values = {
        "case": case,
        "time_ms": tx.now_ms,
        "event": event.value,
        "party": party,
        "by": by,
        "reason": reason,
        "side": side.value,
        "status": status,
        "letter": letter,
        "body": body,
    }
    statement = insert(case_events).values(values).returning(case_events.c.number)
    return int(tx.conn.execute(statement).scalar_one())


def note(tx: Tx, case: str, event: str, party: str, by: str, reason: str) -> None:
    """One line of the case's history that moves nothing: who, when, why (Measures art. 24)."""
    values = {
        "case": case,
        "time_ms": tx.now_ms,
        "event": event,
        "party": party,
        "by": by,
        "reason": reason,
    }
    tx.conn.execute(insert(case_events).values(values))


def refold(tx: Tx, case: str) -> State:
    """Write down the state that the events add up to."""
    state = fold(log_of(events_of(tx.conn, case))).state
    put(tx, case, state=state.value)
    return state
