"""Starting, stopping, pausing, extending of clocks, and what a new calendar does to them.

One clock is open for a subject and a duty. What happened to it stands in its events. A deadline is
always reckoned anew, from when it opened: days, those of an extension, and one for each working day
that passed while it stood still.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from ortoo_protocol.core.errors import ClockExtension, ClockPause, ClockUnknown
from ortoo_protocol.core.law.clock import day_of, moment_ms
from ortoo_protocol.core.law.profiles import Profile, Term, profile_named
from ortoo_protocol.core.law.workdays import WorkingDays
from ortoo_protocol.station.clocks import calendar
from ortoo_protocol.station.clocks.clock import (
    CANCELLED,
    LATE,
    MET,
    MOVED,
    PAUSED,
    RUNNING,
    WARN,
    Clock,
    of_row,
)
from ortoo_protocol.station.clocks.listing import find, row_of
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.clock_tables import clock_events, clocks

Pauses = list[tuple[int, int | None]]


def start(
    tx: Tx,
    subject: str,
    duty: str,
    term: Term,
    *,
    party: str,
    department: str,
    opened_ms: int,
) -> Clock:
    """Start the clock of `duty`, or return the one that is open. The opening day does not count."""
    known = _open(tx.conn, subject, duty)
    if known is not None:
        return of_row(known)
    clock, profile = tx.new_id().hex(), _profile(tx)
    values: dict[str, Any] = {
        "clock": clock,
        "subject": subject,
        "duty": duty,
        "article": term.article,
        "party": party,
        "department": department,
        "opened_ms": opened_ms,
        "days": term.days,
        "extension_days": term.extension_days,
        "extended_days": 0,
        "closes_min": profile.sharing.closes_min,
        "pauses": "[]",
        "provisional": False,
        "state": RUNNING,
        "stage": 0,
    }
    if term.days is not None:
        span = _Span(opened_ms, term.days, (), profile.sharing.closes_min)
        values |= _reckoned(span, 0, _calendar(tx, opened_ms), profile)
    tx.conn.execute(insert(clocks).values(values))
    note(tx, clock, "started", term.article)
    tx.after_commit(tx.parts.signals.clocks.set)
    return find(tx.conn, clock)


def stop(tx: Tx, subject: str, duty: str, at_ms: int) -> Clock | None:
    """The duty was done at `at_ms`, a legal instant: in time or late, whatever was said before it
    was known. None: no such clock is open."""
    row = _open(tx.conn, subject, duty)
    if row is None:
        return None
    late = row.state != PAUSED and row.due_ms is not None and at_ms >= row.due_ms
    _close(tx, row, LATE if late else MET, at_ms)
    return find(tx.conn, row.clock)


def cancel(tx: Tx, subject: str, duty: str, at_ms: int) -> Clock | None:
    """The duty fell away: what it served was withdrawn or decided otherwise."""
    row = _open(tx.conn, subject, duty)
    if row is None:
        return None
    _close(tx, row, CANCELLED, at_ms)
    return find(tx.conn, row.clock)


def extend(tx: Tx, subject: str, duty: str, days: int) -> Clock:
    """Add working days, once, and no more than the article allows. Raises ClockUnknown,
    ClockExtension."""
    row = _needed(tx.conn, subject, duty)
    if row.extended_days:
        raise ClockExtension(duty=duty, detail="it was extended already")
    if not 1 <= days <= row.extension_days:
        raise ClockExtension(duty=duty, detail=f"{days} days; {row.extension_days} are allowed")
    set_values(tx, row.clock, extended_days=days)
    note(tx, row.clock, "extended", f"+{days}")
    _reckon(tx, row_of(tx.conn, row.clock), _calendar(tx, row.opened_ms))
    return find(tx.conn, row.clock)


def pause(tx: Tx, subject: str, duty: str, at_ms: int, why: str = "completion") -> Clock:
    """Let it stand still: working days after the day of `at_ms` do not count until it is resumed.
    Raises ClockUnknown; ClockPause: the rules in force name no such pause, or it stands already."""
    row = _needed(tx.conn, subject, duty)
    rules = _profile(tx).sharing.pauses
    if not any((each.duty, each.why) == (duty, why) for each in rules):
        raise ClockPause(duty=duty, detail=f"nothing lets it pause for {why}")
    if not stands(of_row(row), at_ms):
        raise ClockPause(duty=duty, detail=f"it is {row.state}")
    pauses = [*_pauses(row), (at_ms, None)]
    values = {"pauses": _packed(pauses), "state": PAUSED, "next_ms": None, "escalated_ms": None}
    set_values(tx, row.clock, **values)
    note(tx, row.clock, PAUSED, why)
    return find(tx.conn, row.clock)


def resume(tx: Tx, subject: str, duty: str, at_ms: int) -> Clock:
    """Let it go on. Raises ClockUnknown, ClockPause."""
    row = _needed(tx.conn, subject, duty)
    if row.state != PAUSED:
        raise ClockPause(duty=duty, detail=f"it is {row.state}")
    *before, (since_ms, _) = _pauses(row)
    pauses: Pauses = [*before, (since_ms, max(at_ms, since_ms))]
    set_values(tx, row.clock, pauses=_packed(pauses), state=RUNNING)
    note(tx, row.clock, "resumed", "")
    _reckon(tx, row_of(tx.conn, row.clock), _calendar(tx, row.opened_ms))
    return find(tx.conn, row.clock)


def stands(clock: Clock, at_ms: int) -> bool:
    """Whether it may be paused at `at_ms`, a legal instant: what was said of it before that was
    known here does not count."""
    over = clock.due_ms is not None and at_ms >= clock.due_ms
    return clock.open and clock.state != PAUSED and not over


def anew(tx: Tx, subject: str, duties: Collection[str], happen: Callable[[], None]) -> None:
    """Let what happened to the clocks of `duties` happen again, in the order that is known now.
    What people were told of a clock that comes out as it was is not told again."""
    these = (clocks.c.subject == subject, clocks.c.duty.in_(duties))
    before = {
        (row.duty, row.opened_ms): row for row in tx.conn.execute(select(clocks).where(*these))
    }
    tx.conn.execute(delete(clocks).where(*these))
    happen()
    for row in tx.conn.execute(select(clocks).where(*these)).all():
        old = before.get((row.duty, row.opened_ms))
        if old is None:
            continue
        if row.state == RUNNING and (old.due_ms, old.closed_ms) == (row.due_ms, None):
            set_values(tx, row.clock, **{name: getattr(old, name) for name in _TOLD})
        _rename(tx, row.clock, old.clock)


def _rename(tx: Tx, made: str, known: str) -> None:
    """A clock that was made anew goes on under the name that is known, with what was told of it."""
    tx.conn.execute(update(clocks).where(clocks.c.clock == made).values(clock=known))
    untold = (clock_events.c.clock == known, clock_events.c.event.not_in((WARN, MOVED)))
    tx.conn.execute(delete(clock_events).where(*untold))
    tx.conn.execute(update(clock_events).where(clock_events.c.clock == made).values(clock=known))


_TOLD = ("state", "stage", "next_ms", "warned_ms", "escalated_ms")


def recompute(tx: Tx, days: WorkingDays) -> None:
    """Every open clock after another calendar, one by one; and those that were closed while their
    last day was provisional."""
    query = select(clocks).where(clocks.c.closed_ms.is_(None), clocks.c.days.is_not(None))
    for row in tx.conn.execute(query).all():
        _reckon(tx, row, days)
    uncertain = (clocks.c.provisional.is_(True), clocks.c.state.in_((MET, LATE)))
    for row in tx.conn.execute(select(clocks).where(clocks.c.closed_ms.is_not(None), *uncertain)):
        _judge_again(tx, row, days)


def _judge_again(tx: Tx, row: Row[Any], days: WorkingDays) -> None:
    """What was done too late by days that nobody had named was perhaps in time. Never the other way
    round: who kept to the day that was shown kept to it."""
    span = _Span(row.opened_ms, row.days + row.extended_days, _pauses(row), row.closes_min)
    found = _reckoned(span, 0, days, _profile(tx))
    values: dict[str, Any] = {"provisional": found["provisional"]}
    if found["due_ms"] > row.due_ms:
        in_time = row.closed_ms < found["due_ms"]
        values |= {"day": found["day"], "due_ms": found["due_ms"]}
        values["state"] = MET if in_time else row.state
        note(tx, row.clock, MOVED, f"{row.day} → {found['day']}")
    set_values(tx, row.clock, **values)


# --- reckoning ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Span:
    """What a deadline is reckoned from. `days` with those of an extension."""

    opened_ms: int
    days: int
    pauses: Sequence[tuple[int, int | None]]
    closes_min: int


def _reckoned(span: _Span, stage: int, days: WorkingDays, profile: Profile) -> dict[str, Any]:
    """The last day of a span, when it ends, and what comes next after `stage` warnings."""
    offset_min = profile.offset_min
    stood = sum(
        days.between(day_of(since_ms, offset_min), day_of(until_ms, offset_min))
        for since_ms, until_ms in span.pauses
        if until_ms is not None
    )
    opened = day_of(span.opened_ms, offset_min)
    found = days.after(opened, span.days + stood)
    due_ms = moment_ms(found.day, span.closes_min, offset_min)
    moments = [*warnings_ms(opened, found.day, days, profile), due_ms]
    return {
        "day": found.day.isoformat(),
        "due_ms": due_ms,
        "provisional": found.provisional,
        "next_ms": moments[min(stage, len(moments) - 1)],
    }


def _reckon(tx: Tx, row: Row[Any], days: WorkingDays) -> None:
    """Set the last day and what comes next. A deadline that moves is warned of anew; one that moves
    beyond now is not late any more."""
    if row.days is None:
        return
    span = _Span(row.opened_ms, row.days + row.extended_days, _pauses(row), row.closes_min)
    values = _reckoned(span, row.stage, days, _profile(tx))
    moved = values["due_ms"] != row.due_ms
    if moved:
        values = {**_reckoned(span, 0, days, _profile(tx)), "stage": 0}
        if row.state == LATE and tx.now_ms < values["due_ms"]:
            values |= {"state": RUNNING, "escalated_ms": None, "warned_ms": None}
    if values.get("state", row.state) != RUNNING:
        values["next_ms"] = None
    if all(getattr(row, name) == value for name, value in values.items()):
        return
    set_values(tx, row.clock, **values)
    tx.after_commit(tx.parts.signals.clocks.set)
    if moved or row.provisional != values["provisional"]:
        note(tx, row.clock, MOVED, f"{row.day} → {values['day']}")
    if moved:
        tell(tx, find(tx.conn, row.clock), MOVED)


def warnings_ms(opened: date, last: date, days: WorkingDays, profile: Profile) -> list[int]:
    """When each warning is due: as the day begins that so many working days separate from the last.
    Those that would come before the clock began are none."""
    found = (days.before(last, each) for each in profile.sharing.warn_days)
    return [moment_ms(day, 0, profile.offset_min) for day in found if day > opened]


def tell(tx: Tx, clock: Clock, stage: str) -> None:
    """The application's part (Hooks.clock): of the duty, then of whoever hears of all."""
    for duty in (clock.duty, ""):
        hook = tx.parts.hooks.clock.get(duty)
        if hook is not None:
            hook(tx, clock, stage)


# --- the store ----------------------------------------------------------------------------------


def _open(conn: Connection, subject: str, duty: str) -> Row[Any] | None:
    of_it = (clocks.c.subject == subject, clocks.c.duty == duty, clocks.c.closed_ms.is_(None))
    return conn.execute(select(clocks).where(*of_it)).first()


def _needed(conn: Connection, subject: str, duty: str) -> Row[Any]:
    row = _open(conn, subject, duty)
    if row is None:
        raise ClockUnknown(clock=f"{subject} {duty}")
    return row


def _close(tx: Tx, row: Row[Any], state: str, at_ms: int) -> None:
    set_values(tx, row.clock, state=state, closed_ms=at_ms, next_ms=None)
    note(tx, row.clock, state, "")


def set_values(tx: Tx, clock: str, **values: Any) -> None:
    tx.conn.execute(update(clocks).where(clocks.c.clock == clock).values(**values))


def note(tx: Tx, clock: str, event: str, detail: str) -> None:
    row = {"clock": clock, "time_ms": tx.now_ms, "event": event, "detail": detail}
    tx.conn.execute(insert(clock_events).values(row))


def _pauses(row: Row[Any]) -> Pauses:
    return msgspec.json.decode(row.pauses, type=list[tuple[int, int | None]])


def _packed(pauses: Pauses) -> str:
    return msgspec.json.encode(pauses).decode()


def _calendar(tx: Tx, opened_ms: int) -> WorkingDays:
    """From the year in which a clock began."""
    return calendar.current(tx.conn, day_of(opened_ms, _profile(tx).offset_min).year)


def _profile(tx: Tx) -> Profile:
    return profile_named(tx.trust.profile)
