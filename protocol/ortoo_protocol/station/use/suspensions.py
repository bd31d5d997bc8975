"""Suspensions as every side keeps them: the row, its moves (core.use.suspension), its clock.

A grant rests under one suspension at a time. That of the authority takes the place of a provider's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update

from ortoo_protocol.core.errors import (
    CaseField,
    GrantIsSuspended,
    SuspensionEarly,
    SuspensionMove,
    SuspensionUnknown,
)
from ortoo_protocol.core.law.clock import day_of, moment_ms
from ortoo_protocol.core.law.profiles import Term, profile_named
from ortoo_protocol.core.use.suspension import (
    MOST_DAYS,
    OPEN,
    Event,
    GrantRectified,
    GrantResumed,
    GrantSuspended,
    State,
    check_suspended,
    move,
)
from ortoo_protocol.station import clocks
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import upsert
from ortoo_protocol.station.store.tables import grants
from ortoo_protocol.station.store.use_tables import grant_suspensions
from ortoo_protocol.station.use import history

RECTIFY = "use-rectify"  # the duty of the clock; tasks of data quality have their own
_T = grant_suspensions.c


def subject(suspension: str) -> str:
    return f"suspension:{suspension}"


def suspended(tx: Tx, body: GrantSuspended, suspender: str, letter: bytes = b"") -> Row[Any]:
    """Note a suspension, or that what was reported is not enough. Raises SuspensionMove: the grant
    rests already, or has ended."""
    known = find(tx.conn, body.suspension)
    grant = tx.conn.execute(select(grants).where(grants.c.grant == body.grant)).one()
    if known is None:
        _make_way(tx, grant, suspender)
        state, rejected = move(State.NONE, Event.SUSPEND), 0
    else:
        _check_suspender(known, body.grant, suspender)
        state, rejected = move(State(known.state), Event.REJECT), known.rejected + 1
        clocks.cancel(tx, subject(body.suspension), RECTIFY, tx.now_ms)
    row = {
        "suspension": body.suspension,
        "grant": body.grant,
        "suspender": suspender,
        "article": body.article,
        "reason": body.reason,
        "evidence": body.evidence,
        "days": body.days,
        "until_ms": body.until_ms,
        "suspended_ms": body.suspended_ms if known is None else known.suspended_ms,
        "state": state.value,
        "report": "" if known is None else known.report,
        "rejected": rejected,
        "letter": letter,
        "changed_ms": tx.now_ms,
    }
    upsert(tx.conn, grant_suspensions, [row])
    _rests(tx, body.grant, body.suspension)
    clocks.start(
        tx,
        subject(body.suspension),
        RECTIFY,
        Term(body.article, body.days),
        party=grant.reader,
        department=grant.reader_department,
        opened_ms=body.suspended_ms if known is None else tx.now_ms,
    )
    event = Event.SUSPEND if known is None else Event.REJECT
    history.note(tx, body.grant, event.value, suspender, body.by, body.reason)
    found = find(tx.conn, body.suspension)
    if found is None:
        raise SuspensionUnknown(grant=body.grant)
    return found


def _make_way(tx: Tx, grant: Row[Any], suspender: str) -> None:
    """Raises SuspensionMove."""
    if grant.ended_ms is not None:
        raise SuspensionMove(state="ended", event=Event.SUSPEND.value)
    known = current(tx.conn, grant.grant)
    if known is None:
        return
    if suspender != tx.trust.hub or known.suspender == suspender:
        raise SuspensionMove(state=known.state, event=Event.SUSPEND.value)
    _close(tx, known, Event.DROP, tx.now_ms)


def reported(tx: Tx, body: GrantRectified, reader: str) -> Row[Any]:
    """Raises SuspensionUnknown, SuspensionMove."""
    row = open_one(tx.conn, body.grant, body.suspension)
    state = move(State(row.state), Event.REPORT)
    _set(tx, row.suspension, state=state.value, report=body.report)
    history.note(tx, body.grant, Event.REPORT.value, reader, body.by, body.report)
    return row


def resumed(tx: Tx, body: GrantResumed, suspender: str, letter: bytes = b"") -> Row[Any]:
    """Raises SuspensionUnknown, SuspensionMove."""
    row = open_one(tx.conn, body.grant, body.suspension)
    _check_suspender(row, body.grant, suspender)
    _close(tx, row, Event.RESUME, body.resumed_ms, letter)
    _rests(tx, body.grant, "")
    history.note(tx, body.grant, Event.RESUME.value, suspender, body.by, body.reason)
    return row


def void(tx: Tx, row: Row[Any]) -> None:
    """The notary refused it: it never was."""
    _close(tx, row, Event.DROP, tx.now_ms)
    _rests(tx, row.grant, "")
    history.note(tx, row.grant, Event.DROP.value, tx.trust.hub, "", "")


def ended(tx: Tx, grant: str, *, terminated: bool) -> None:
    """The grant is over: by termination, or by itself."""
    row = current(tx.conn, grant)
    if row is not None:
        _close(tx, row, Event.TERMINATE if terminated else Event.DROP, tx.now_ms)
        _rests(tx, grant, "")


def _close(tx: Tx, row: Row[Any], event: Event, at_ms: int, letter: bytes = b"") -> None:
    state = move(State(row.state), event)
    _set(tx, row.suspension, state=state.value, letter=letter or row.letter)
    if event is Event.RESUME:
        clocks.stop(tx, subject(row.suspension), RECTIFY, at_ms)
    else:
        clocks.cancel(tx, subject(row.suspension), RECTIFY, at_ms)


def said(
    tx: Tx,
    row: Row[Any],
    known: Row[Any] | None,
    days: int,
    by: str,
    *,
    reason: str,
    evidence: str = "",
    stop: tuple[int, int] = (0, 0),
) -> GrantSuspended:
    """The grant of `row` rests for `days` working days: from now on, or (`known`) for longer.
    `stop`: incarnation and item after which its feed stops. Raises CaseField."""
    if not 1 <= days <= MOST_DAYS:  # before anybody counts them
        raise CaseField(field="days", detail=f"1 to {MOST_DAYS} working days")
    incarnation, fence = stop
    article = profile_named(tx.trust.profile).sharing.suspension.article
    body = GrantSuspended(
        suspension=tx.new_id().hex() if known is None else known.suspension,
        grant=row.grant,
        feed=row.feed,
        reader=row.reader,
        incarnation=incarnation,
        fence=fence,
        article=article if known is None else known.article,
        reason=reason,
        evidence=evidence if known is None else known.evidence,
        days=days,
        until_ms=_until_ms(tx, days),
        suspended_ms=tx.now_ms,
        by=by,
    )
    return check_suspended(body)


def _until_ms(tx: Tx, days: int) -> int:
    """When `days` working days from today have passed."""
    profile = profile_named(tx.trust.profile)
    found = clocks.calendar.current(tx.conn).after(day_of(tx.now_ms, profile.offset_min), days)
    return moment_ms(found.day, profile.sharing.closes_min, profile.offset_min)


# --- looking ------------------------------------------------------------------------------------


def find(conn: Connection, suspension: str) -> Row[Any] | None:
    return conn.execute(select(grant_suspensions).where(_T.suspension == suspension)).first()


def current(conn: Connection, grant: str) -> Row[Any] | None:
    query = select(grant_suspensions).where(_T.grant == grant, _T.state.in_(OPEN))
    return conn.execute(query).first()


def open_one(conn: Connection, grant: str, suspension: str = "") -> Row[Any]:
    """Raises SuspensionUnknown."""
    row = current(conn, grant)
    if row is None or suspension not in ("", row.suspension):
        raise SuspensionUnknown(grant=grant)
    return row


def listed(conn: Connection, grant: str) -> Sequence[Row[Any]]:
    query = select(grant_suspensions).where(_T.grant == grant)
    return conn.execute(query.order_by(_T.suspended_ms)).all()


def of_letter(conn: Connection, letter: bytes) -> Row[Any] | None:
    query = select(grant_suspensions).where(_T.letter == letter)
    return conn.execute(query).first()


def check(conn: Connection, grant: str) -> None:
    """Raises GrantIsSuspended, which says why and until when."""
    row = current(conn, grant)
    if row is not None:
        raise refusal(row)


def refusal(row: Row[Any]) -> GrantIsSuspended:
    until = last_day(row)
    return GrantIsSuspended(grant=row.grant, by=row.suspender, until=until, reason=row.reason[:500])


def last_day(row: Row[Any]) -> str:
    """The day at whose end the time to set things right is over."""
    return day_of(row.until_ms - 1).isoformat()


def check_time_is_over(tx: Tx, row: Row[Any]) -> None:
    """It may be ended: the time is over, or a report was not enough. Raises SuspensionEarly."""
    if tx.now_ms < row.until_ms and not row.rejected:
        raise SuspensionEarly(until=last_day(row), article=row.article)


def _check_suspender(row: Row[Any], grant: str, suspender: str) -> None:
    if row.suspender != suspender or row.grant != grant:
        raise SuspensionUnknown(grant=grant)


def _set(tx: Tx, suspension: str, **values: Any) -> None:
    here = update(grant_suspensions).where(_T.suspension == suspension)
    tx.conn.execute(here.values(changed_ms=tx.now_ms, **values))


def _rests(tx: Tx, grant: str, suspension: str) -> None:
    here = update(grants).where(grants.c.grant == grant)
    tx.conn.execute(here.values(suspension=suspension))
    tx.after_commit(tx.parts.signals.grants.set)
