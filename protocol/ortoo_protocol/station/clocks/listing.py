"""Clocks found and listed: of a subject, open, late, closed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from ortoo_protocol.core.errors import ClockUnknown
from ortoo_protocol.station.clocks.clock import LATE, RUNNING, Clock, of_row
from ortoo_protocol.station.store.clock_tables import clock_events, clocks


def find(conn: Connection, clock: str) -> Clock:
    """Raises ClockUnknown."""
    return of_row(row_of(conn, clock))


def of(conn: Connection, subject: str) -> list[Clock]:
    """All clocks of a subject, in the order in which they began."""
    query = select(clocks).where(clocks.c.subject == subject)
    return [of_row(row) for row in conn.execute(query.order_by(clocks.c.opened_ms)).all()]


def last_of(conn: Connection, subjects: Sequence[str]) -> dict[str, Clock]:
    """The last clock of each of these subjects that has one."""
    query = select(clocks).where(clocks.c.subject.in_(subjects)).order_by(clocks.c.opened_ms)
    return {row.subject: of_row(row) for row in conn.execute(query)}


def provisional(conn: Connection) -> int:
    """How many open ones run over a year whose days nobody has named."""
    open_ = clocks.c.closed_ms.is_(None) & clocks.c.provisional.is_(True)
    query = select(func.count()).select_from(clocks).where(open_)
    return int(conn.execute(query).scalar_one())


def due(
    conn: Connection,
    *,
    party: str | None = None,
    department: str | None = None,
    before_ms: int | None = None,
    duty: str | None = None,
    limit: int = 1_000,
) -> list[Clock]:
    """Open ones, the most urgent first; those without a last day come at the end."""
    query = open_in_order(party, department)
    if duty is not None:
        query = query.where(clocks.c.duty == duty)
    if before_ms is not None:
        query = query.where(clocks.c.due_ms <= before_ms)
    return [of_row(row) for row in conn.execute(query.limit(limit)).all()]


def open_in_order(party: str | None, department: str | None) -> Select[Any]:
    query = _listed(party, department).where(clocks.c.closed_ms.is_(None))
    order = (clocks.c.due_ms.is_(None), clocks.c.due_ms, clocks.c.opened_ms, clocks.c.clock)
    return query.order_by(*order)


def late(
    conn: Connection,
    now_ms: int,
    *,
    party: str | None = None,
    department: str | None = None,
    since_ms: int = 0,
    limit: int = 1_000,
) -> list[Clock]:
    """Overdue now, or done too late since `since_ms`; the oldest first."""
    query = late_in_order(now_ms, party, department, since_ms).limit(limit)
    return [of_row(row) for row in conn.execute(query).all()]


def late_in_order(
    now_ms: int, party: str | None, department: str | None, since_ms: int = 0
) -> Select[Any]:
    done_late = (clocks.c.state == LATE) & (clocks.c.closed_ms >= since_ms)
    open_late = (
        clocks.c.closed_ms.is_(None)
        & clocks.c.state.in_((RUNNING, LATE))
        & (clocks.c.due_ms <= now_ms)
    )
    query = _listed(party, department).where(done_late | open_late)
    return query.order_by(clocks.c.due_ms, clocks.c.clock)


def overdue(about: str, now_ms: int) -> Select[Any]:
    """What follows `about` in the subjects of clocks that are open and past their day."""
    rest = func.substr(clocks.c.subject, len(about) + 1)
    begins = clocks.c.subject.startswith(about, autoescape=True)
    late = clocks.c.closed_ms.is_(None) & (clocks.c.due_ms <= now_ms)
    return select(rest).where(begins, late)


def closed(
    conn: Connection,
    *,
    party: str | None = None,
    department: str | None = None,
    duty: str | None = None,
    limit: int = 1_000,
) -> list[Clock]:
    """Done, late or in time, and those that fell away; the latest first."""
    query = closed_in_order(party, department)
    if duty is not None:
        query = query.where(clocks.c.duty == duty)
    return [of_row(row) for row in conn.execute(query.limit(limit)).all()]


def closed_in_order(party: str | None, department: str | None) -> Select[Any]:
    query = _listed(party, department).where(clocks.c.closed_ms.is_not(None))
    return query.order_by(clocks.c.closed_ms.desc(), clocks.c.clock)


def events(conn: Connection, clock: str) -> Sequence[Row[Any]]:
    query = select(clock_events).where(clock_events.c.clock == clock)
    return conn.execute(query.order_by(clock_events.c.number)).all()


def _listed(party: str | None, department: str | None) -> Select[Any]:
    query = select(clocks)
    if party is not None:
        query = query.where(clocks.c.party == party)
    if department is not None:
        query = query.where(clocks.c.department == department)
    return query


def row_of(conn: Connection, clock: str) -> Row[Any]:
    row = conn.execute(select(clocks).where(clocks.c.clock == clock)).first()
    if row is None:
        raise ClockUnknown(clock=clock)
    return row
