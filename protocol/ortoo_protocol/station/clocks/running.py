"""What makes clocks strike: a warning before the last day, the escalation after it, once each.

What to do next, and when, stands in each clock's row and changes with it in one transaction. So it
makes no difference whether the station ran in between: what is found late is done once, in the
order in which it was due, and warnings that have become pointless are left out.
"""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

from sqlalchemy import Row, func, select, update

from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.core.law.clock import day_of
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.core.law.workdays import WorkingDays
from ortoo_protocol.station.clocks import calendar, keeping, listing
from ortoo_protocol.station.clocks.clock import LATE, RUNNING, WARN
from ortoo_protocol.station.context import Parts, Tx, wait
from ortoo_protocol.station.database import Database
from ortoo_protocol.station.store.clock_tables import clocks

AT_ONCE = 100  # clocks in one transaction
LOOK_S = 60.0  # whoever sets the machine's clock does not wake us
AGAIN_MS = 600_000  # after a handler could not do its part
_log = logging.getLogger(__name__)


async def run(database: Database, parts: Parts) -> None:
    signal = parts.signals.clocks
    while True:
        ticket = signal.ticket()
        left_ms = await database.write(strike)
        if left_ms:
            await wait(ticket, min(left_ms / 1000, LOOK_S))


def strike(tx: Tx) -> int:
    """Do what is due; returns how long until the next, in ms, 0 if more is due."""
    if tx.parts.watch.stops(tx.trust.hub):
        return int(LOOK_S * 1000)  # our clock is wrong: whatever we found late may not be
    _take_back(tx)
    due = (clocks.c.state == RUNNING, clocks.c.next_ms <= tx.now_ms)
    query = select(clocks).where(*due).order_by(clocks.c.due_ms, clocks.c.clock).limit(AT_ONCE)
    rows = tx.conn.execute(query).all()
    days = calendar.current(tx.conn) if rows else WorkingDays()
    for row in rows:
        _strike(tx, row, days)
    soonest = select(func.min(clocks.c.next_ms)).where(clocks.c.state == RUNNING)
    next_ms = tx.conn.execute(soonest).scalar()
    return int(LOOK_S * 1000) if next_ms is None else max(0, next_ms - tx.now_ms)


def _take_back(tx: Tx) -> None:
    """The machine's clock was set back: what it made late is not late yet, and is told again."""
    early = (clocks.c.state == LATE, clocks.c.closed_ms.is_(None), clocks.c.due_ms > tx.now_ms)
    for row in tx.conn.execute(select(clocks).where(*early)).all():
        keeping.set_values(tx, row.clock, state=RUNNING, escalated_ms=None, next_ms=row.due_ms)
        keeping.note(tx, row.clock, "clock-set", row.day)


def _strike(tx: Tx, row: Row[Any], days: WorkingDays) -> None:
    try:
        with tx.attempt():
            _late(tx, row) if tx.now_ms >= row.due_ms else _warn(tx, row, days)
    except OrtooError as error:
        _log.error("clock %s of %s: %s", row.duty, row.subject, error)
        later = update(clocks).where(clocks.c.clock == row.clock)
        tx.conn.execute(later.values(next_ms=tx.now_ms + AGAIN_MS))


def _late(tx: Tx, row: Row[Any]) -> None:
    keeping.set_values(tx, row.clock, state=LATE, escalated_ms=tx.now_ms, next_ms=None)
    keeping.note(tx, row.clock, LATE, row.day)
    keeping.tell(tx, listing.find(tx.conn, row.clock), LATE)


def _warn(tx: Tx, row: Row[Any], days: WorkingDays) -> None:
    """One warning for all that are behind."""
    profile = profile_named(tx.trust.profile)
    opened, last = day_of(row.opened_ms, profile.offset_min), date.fromisoformat(row.day)
    moments = [*keeping.warnings_ms(opened, last, days, profile), row.due_ms]
    passed = sum(moment <= tx.now_ms for moment in moments)
    values = {"stage": passed, "next_ms": moments[passed]}
    if passed <= row.stage:  # put off, or warned by other rules
        keeping.set_values(tx, row.clock, **values)
        return
    keeping.set_values(tx, row.clock, warned_ms=tx.now_ms, **values)
    left = days.between(day_of(tx.now_ms, profile.offset_min), last)
    keeping.note(tx, row.clock, WARN, str(left))
    keeping.tell(tx, listing.find(tx.conn, row.clock), WARN)
