"""Cases and their events as notarised. The number of an event is its place in the one order that
holds for all; both members are told of it in a record."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from ortoo_hub.store.tables import case_events, cases, filings
from ortoo_protocol.core.cases import Answer, Event, Logged, Record, Records, Side, State
from ortoo_protocol.core.cases.log import COUNTED
from ortoo_protocol.core.errors import CaseUnknown, TrustError
from ortoo_protocol.station.cases import clocking
from ortoo_protocol.station.cases.judging import Subject, judge
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.tables import grants

_EVENTS = frozenset(event.value for event in Event)
_log = logging.getLogger(__name__)


# --- reading ------------------------------------------------------------------------------------


def find(conn: Connection, case: str) -> Row[Any] | None:
    return conn.execute(select(cases).where(cases.c.case == case)).first()


def known(conn: Connection, case: str) -> Row[Any]:
    """Raises CaseUnknown."""
    row = find(conn, case)
    if row is None:
        raise CaseUnknown(case=case)
    return row


def listed(
    conn: Connection, state: str | None, limit: int | None, offset: int = 0
) -> list[Row[Any]]:
    """The newest first; `limit` None: all."""
    query = select(cases).order_by(cases.c.opened_ms.desc(), cases.c.case)
    if state is not None:
        query = query.where(cases.c.state == state)
    return list(conn.execute(query.limit(limit).offset(offset)))


def count(conn: Connection, state: str | None) -> int:
    query = select(func.count()).select_from(cases)
    if state is not None:
        query = query.where(cases.c.state == state)
    return int(conn.execute(query).scalar_one())


def events_of(conn: Connection, case: str) -> list[Row[Any]]:
    query = select(case_events).where(case_events.c.case == case)
    return list(conn.execute(query.order_by(case_events.c.number)))


def log_of(conn: Connection, case: str) -> list[Logged]:
    return [
        Logged(Event(row.event), Side(row.side or Side.SYSTEM.value), COUNTED, row.number)
        for row in events_of(conn, case)
        if row.event in _EVENTS
    ]


def subject_of(tx: Tx, case: Row[Any]) -> Subject:
    return Subject(
        case=case.case,
        share_type=case.share_type,
        provider=case.provider,
        provider_department=case.provider_department,
        authority=tx.party,
    )


def unfiled(conn: Connection) -> list[Row[Any]]:
    """Grants that ended without the filing that must come first (art. 18)."""
    filed = select(filings.c.filing).where(
        filings.c.filing == grants.c.filing, filings.c.grant == grants.c.grant
    )
    query = select(grants).where(
        grants.c.ended_ms.is_not(None), grants.c.offered.is_(False), ~filed.exists()
    )
    return list(conn.execute(query.order_by(grants.c.ended_ms.desc())))


# --- writing ------------------------------------------------------------------------------------


def move(
    tx: Tx,
    case: Row[Any],
    event: Event,
    side: Side,
    *,
    by: str,
    reason: str = "",
    body: bytes | None = None,
    answer: Answer | None = None,
) -> State:
    """Record an event, if table and profile let it happen now. Raises what `judge` does."""
    log, state = log_of(tx.conn, case.case), State(case.state)
    subject = subject_of(tx, case)
    after = judge(tx, subject, log, state, event, side, answer=answer)
    party = {
        Side.APPLICANT: case.applicant,
        Side.PROVIDER: case.provider,
        Side.AUTHORITY: tx.party,
        Side.SYSTEM: case.provider,
    }[side]
    put(tx, case.case, state=after.value, **({"reason": reason} if reason else {}))
    number = _note(tx, case.case, event, side, party, by=by, reason=reason, body=body)
    clocking.happened(tx, subject, event, tx.now_ms)
    record = Record(
        case=case.case,
        number=number,
        event=event.value,
        party=party,
        state=after.value,
        time_ms=tx.now_ms,
    )
    for member in (case.applicant, case.provider):
        tx.gather(_tell, (tx, member, record))
    return after


def _tell(_conn: Connection, told: Sequence[tuple[Tx, str, Record]]) -> None:
    """After the letters themselves, in one letter a member. A member that cannot be written to now
    finds out when it compares."""
    to: dict[str, list[Record]] = {}
    for _tx, member, record in told:
        to.setdefault(member, []).append(record)
    for member, records in to.items():
        try:
            send(told[0][0], member, Records(records=tuple(records)))
        except TrustError as error:
            _log.warning("no record to %s: %s", member, error)


def put(tx: Tx, case: str, **values: Any) -> None:
    tx.conn.execute(
        update(cases).where(cases.c.case == case).values(changed_ms=tx.now_ms, **values)
    )


def _note(
    tx: Tx,
    case: str,
    event: Event,
    side: Side,
    party: str,
    *,
    by: str,
    reason: str,
    body: bytes | None,
) -> int:
    row = {
        "case": case,
        "time_ms": tx.now_ms,
        "event": event.value,
        "party": party,
        "by": by,
        "reason": reason,
        "side": side.value,
        "body": body,
    }
    statement = insert(case_events).values(row).returning(case_events.c.number)
    return int(tx.conn.execute(statement).scalar_one())
