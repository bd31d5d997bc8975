"""Consents to passing on, as every side keeps them (core.use.onward): row, moves, clock.

A consent ends with its time or with its grant, whichever comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, or_, select, update

from ortoo_protocol.core.errors import CaseField, GrantEnded, OnwardMove, OnwardUnknown
from ortoo_protocol.core.law.profiles import Sharing, Term, profile_named
from ortoo_protocol.core.use.onward import (
    MOVES,
    OPEN,
    Event,
    OnwardAnswer,
    OnwardAsk,
    OnwardRevoked,
    State,
    check_ask,
    move,
)
from ortoo_protocol.station import clocks, grants_held
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.onward_tables import onward_consents
from ortoo_protocol.station.store.tables import grants
from ortoo_protocol.station.use import history

DUTY = "onward"
_T = onward_consents.c


def subject(onward: str) -> str:
    return f"onward:{onward}"


def asked(tx: Tx, body: OnwardAsk, reader: str, letter: bytes = b"") -> None:
    """Note what is asked for; its provider has to answer, promptly, for the article names no days.

    Raises OnwardClause, CaseField, GrantEnded; OnwardMove: the same is asked for, or consented to.
    """
    rules = profile_named(tx.trust.profile).sharing
    check_ask(body, rules, tx.now_ms)
    row = grants_held.row(tx, body.grant)
    if row.ended_ms is not None or 0 < row.until_ms <= tx.now_ms:
        raise GrantEnded(grant=body.grant, reason=row.end_reason or "-")
    if row.until_ms and body.until_ms > row.until_ms:
        raise CaseField(field="until", detail="the grant itself ends before that")
    tx.trust.check_department(body.third, body.third_department)
    for known in tx.conn.execute(in_order(body.grant)):
        same = (known.resource, known.third, known.third_department) == (
            body.resource,
            body.third,
            body.third_department,
        )
        if known.state in OPEN and same:
            raise OnwardMove(state=known.state, event=Event.ASK.value)
    values = {
        "onward": body.onward,
        "grant": body.grant,
        "resource": body.resource,
        "third": body.third,
        "third_department": body.third_department,
        "clause": body.clause,
        "basis": body.basis,
        "purpose": body.purpose,
        "form": body.form,
        "asked_until_ms": body.until_ms,
        "asked_by": body.approver,
        "asked_ms": tx.now_ms,
        "state": move(State.NONE, Event.ASK).value,
        "reason": "",
        "conditions": "",
        "until_ms": 0,
        "answered_by": "",
        "letter": letter,
        "changed_ms": tx.now_ms,
    }
    tx.conn.execute(insert(onward_consents).values(values))
    terms = grants_held.terms_of(row)
    clocks.start(
        tx,
        subject(body.onward),
        DUTY,
        Term(body.clause, None),
        party=terms.provider,
        department=terms.provider_department,
        opened_ms=tx.now_ms,
    )
    _note(tx, body.grant, Event.ASK, reader, body.approver, body.purpose)


def answered(tx: Tx, body: OnwardAnswer, provider: str, letter: bytes = b"") -> None:
    """Raises OnwardUnknown, OnwardMove; CaseField: for longer than was asked for."""
    row = find(tx.conn, body.onward, body.grant)
    if body.until_ms > row.asked_until_ms:
        raise CaseField(field="until", detail="longer than was asked for")
    event = Event.CONSENT if body.consented else Event.REFUSE
    _set(
        tx,
        row,
        event,
        reason=body.reason,
        conditions=body.conditions,
        until_ms=body.until_ms,
        answered_by=body.approver,
        letter=letter,
    )
    clocks.stop(tx, subject(body.onward), DUTY, tx.now_ms)
    _note(tx, body.grant, event, provider, body.approver, body.reason or body.conditions)


def revoked(tx: Tx, body: OnwardRevoked, provider: str, letter: bytes = b"") -> None:
    """Raises OnwardUnknown, OnwardMove."""
    row = find(tx.conn, body.onward, body.grant)
    _set(tx, row, Event.REVOKE, reason=body.reason, letter=letter)
    _note(tx, body.grant, Event.REVOKE, provider, body.by, body.reason)


def void(tx: Tx, letter: bytes) -> None:
    """The notary did not take this letter of ours: what it said never was."""
    row = tx.conn.execute(select(onward_consents).where(_T.letter == letter)).first()
    if row is None or (State(row.state), Event.DROP) not in MOVES:
        return
    _set(tx, row, Event.DROP)
    clocks.cancel(tx, subject(row.onward), DUTY, tx.now_ms)
    _note(tx, row.grant, Event.DROP, tx.trust.hub, "", "")


def lapse(tx: Tx) -> int:
    """End what has run out, at each side by itself; how many that were."""
    gone = select(grants.c.grant).where(
        or_(
            grants.c.ended_ms.is_not(None),
            (grants.c.until_ms > 0) & (grants.c.until_ms <= tx.now_ms),
        )
    )
    over = or_(
        _T.grant.in_(gone),
        (_T.state == State.CONSENTED.value) & (_T.until_ms <= tx.now_ms),
        (_T.state == State.ASKED.value) & (_T.asked_until_ms <= tx.now_ms),
    )
    rows = tx.conn.execute(select(onward_consents).where(_T.state.in_(OPEN), over)).all()
    for row in rows:
        _set(tx, row, Event.LAPSE)
        clocks.cancel(tx, subject(row.onward), DUTY, tx.now_ms)
        _note(tx, row.grant, Event.LAPSE, "", "", "")
    return len(rows)


def find(conn: Connection, onward: str, grant: str = "") -> Row[Any]:
    """Raises OnwardUnknown."""
    row = conn.execute(select(onward_consents).where(_T.onward == onward)).first()
    if row is None or grant not in ("", row.grant):
        raise OnwardUnknown(onward=onward)
    return row


def in_order(grant: str = "") -> Select[Any]:
    """The newest first; of one grant, or all."""
    query = select(onward_consents).order_by(_T.asked_ms.desc(), _T.onward)
    return query.where(_T.grant == grant) if grant else query


def in_force(conn: Connection, rules: Sharing, now_ms: int) -> Sequence[Row[Any]]:
    """What may be passed on now; nothing, where the rules in force know no such consent."""
    if rules.onward is None:
        return ()
    query = (
        select(onward_consents)
        .join(grants, grants.c.grant == _T.grant)
        .where(_T.state == State.CONSENTED.value, _T.until_ms > now_ms, grants_held.live(now_ms))
    )
    return conn.execute(query).all()


def uncovered(tx: Tx, resource: str, reader: str, department: str) -> Row[Any] | None:
    """What was received is passed on through `resource`, and not to this department: a consent
    that was given for another one, or is over. None: nothing stands against it.

    A resource through which something was ever passed on goes to those alone that are named by a
    consent in force, of each grant that it was made of.
    """
    given = select(onward_consents).where(
        _T.resource == resource, _T.until_ms > 0, _T.state != State.VOID.value
    )
    rows = tx.conn.execute(given).all()
    if not rows:
        return None
    rules = profile_named(tx.trust.profile).sharing
    named = {
        each.grant
        for each in in_force(tx.conn, rules, tx.now_ms)
        if (each.resource, each.third, each.third_department) == (resource, reader, department)
    }
    return next((row for row in rows if row.grant not in named), None)


def _set(tx: Tx, row: Row[Any], event: Event, **values: Any) -> None:
    state = move(State(row.state), event)
    here = update(onward_consents).where(_T.onward == row.onward)
    tx.conn.execute(here.values(state=state.value, changed_ms=tx.now_ms, **values))


def _note(tx: Tx, grant: str, event: Event, party: str, by: str, reason: str) -> None:
    history.note(tx, grant, f"onward-{event.value}", party, by, reason)
