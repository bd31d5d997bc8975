"""Until when: the last day of so many working days, and the clocks that run to it."""

from __future__ import annotations

from sqlalchemy import Connection, update

from ortoo_protocol.core.law.clock import day_of, moment_ms
from ortoo_protocol.core.law.profiles import Term, profile_named
from ortoo_protocol.core.law.share_types import NOT_SHARED, UNCONDITIONAL
from ortoo_protocol.core.supervision.answering import Asked
from ortoo_protocol.core.supervision.leads import Matter
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station import clocks
from ortoo_protocol.station.clocks import Clock, calendar
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.supervision_tables import notices, submissions
from ortoo_protocol.station.supervision.port import Look

NOTICE, SUBMISSION = "notice", "submission"
RECTIFY, SUBMIT, ANSWER = "notice-rectify", "half-year-submit", "answer"


def end_of(conn: Connection, trust: Trust, from_ms: int, term: Term) -> int:
    """The end of the last day of `term`; 0 where the article names no days."""
    if term.days is None:
        return 0
    profile = profile_named(trust.profile)
    last = calendar.current(conn).after(day_of(from_ms, profile.offset_min), term.days)
    return moment_ms(last.day, profile.sharing.closes_min, profile.offset_min)


def clock_due(look: Look, subject: str, duty: str) -> int:
    """When the last clock of this duty ends or ended; 0: none ran."""
    found = [each.due_ms or 0 for each in clocks.of(look.conn, subject) if each.duty == duty]
    return found[-1] if found else 0


def answer_clock(look: Look, case: str) -> Clock | None:
    """The one that ran last for the answer to a case."""
    found = [each for each in clocks.of(look.conn, f"case:{case}") if each.duty == ANSWER]
    return found[-1] if found else None


def late_answer(look: Look, asked: Asked) -> Matter:
    """Names the clock's row where there is one."""
    clock = answer_clock(look, asked.case)
    detail = "" if clock is None else f"clock:{clock.clock}"
    return Matter("case", asked.case, asked.due_ms, detail)


def answer_due(look: Look, case: str, opened_ms: int, share: int | None) -> int:
    """Until when a request has to be answered: by its clock, else as one would be reckoned. 0: no
    day runs out, while the applicant completes it, and of what is not shared (art. 19: negotiated
    from the beginning)."""
    clock = answer_clock(look, case)
    if clock is not None:
        return 0 if clock.state == clocks.PAUSED else clock.due_ms or 0
    if share == NOT_SHARED:
        return 0
    sharing = profile_named(look.trust.profile).sharing
    term = sharing.answer_open if share == UNCONDITIONAL else sharing.answer
    return end_of(look.conn, look.trust, opened_ms, term)


def run(
    tx: Tx,
    what: str,
    number: str,
    duty: str,
    term: Term,
    *,
    party: str,
    department: str,
    from_ms: int,
) -> Clock:
    """Start the clock of a notice or a submission; one that was stopped goes on to the same day."""
    return clocks.start(
        tx,
        f"{what}:{number}",
        duty,
        term,
        party=party,
        department=department,
        opened_ms=from_ms,
    )


def on_clock(tx: Tx, clock: Clock, _stage: str) -> None:
    """Another calendar moved the last day (Hooks.clock)."""
    what, _, number = clock.subject.partition(":")
    table, key = (
        (notices, notices.c.notice) if what == NOTICE else (submissions, submissions.c.submission)
    )
    values = {"due_ms": clock.due_ms, "provisional": clock.provisional}
    tx.conn.execute(update(table).where(key == number).values(values))
