"""What doctor says of supervision: whose answer is late, and what waits for the authority."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, select

from ortoo_protocol.core.errors import OrtooError, SupervisionLate, SupervisionWaiting
from ortoo_protocol.core.law.clock import day_of
from ortoo_protocol.core.law.profiles import Term, profile_named
from ortoo_protocol.core.supervision import leads as lead_rules
from ortoo_protocol.core.supervision import submissions as reports
from ortoo_protocol.core.supervision.notices import SETTLED, Side, is_late
from ortoo_protocol.core.supervision.notices import State as Noticed
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station import clocks
from ortoo_protocol.station.control_client import error_to
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.supervision_tables import leads, notices, submissions
from ortoo_protocol.station.supervision import notices as written
from ortoo_protocol.station.supervision import submitting
from ortoo_protocol.station.supervision.due import end_of
from ortoo_protocol.station.supervision.watching import YEAR_REPORT

AUTHORITY, SUBJECT = Side.AUTHORITY.value, Side.SUBJECT.value
# How long a decision of the authority may wait before it is named: ours, for the law names none.
DECISION = Term(article="", days=10)
_UNSENT = (reports.State.OPEN.value, reports.State.RETURNED.value)
MOST_SHOWN = 20


@dataclass(frozen=True)
class Finding:
    """An error where this station's own people are late, else a warning."""

    level: str
    error: OrtooError


async def for_doctor(station: Station) -> list[dict[str, Any]]:
    trust, now_ms = station.parts.trust.current, station.parts.clock()
    found = await station.read(lambda conn: list(findings(conn, trust, now_ms)))
    return [
        {
            "check": "supervision",
            "subject": "",
            "level": each.level,
            "error": error_to(each.error),
        }
        for each in found
    ]


def findings(conn: Connection, trust: Trust, now_ms: int) -> Iterator[Finding]:
    offset_min = profile_named(trust.profile).offset_min

    def day(time_ms: int) -> str:
        return day_of(time_ms, offset_min).isoformat()

    for each in (*_late_notices(conn, now_ms), *_late_submissions(conn, now_ms)):
        document, number, row = each
        error = SupervisionLate(
            document=document,
            id=number,
            subject=row.department or row.party,
            day=day(row.due_ms - 1),
        )
        yield Finding("error" if row.side == SUBJECT else "warning", error)
    for clock in clocks.due(conn, duty=YEAR_REPORT, before_ms=now_ms):
        if clock.due_ms is not None:
            late = SupervisionLate(
                document="report", id=clock.subject, subject=clock.party, day=day(clock.due_ms - 1)
            )
            yield Finding("error", late)
    for document, since in _waiting(conn):
        # Whoever waits longer is over first: few ends have to be reckoned among many.
        over = bisect_right(since, now_ms, key=lambda ms: end_of(conn, trust, ms, DECISION))
        if over:
            yield Finding(
                "warning", SupervisionWaiting(count=over, document=document, day=day(since[0]))
            )


def _late_notices(conn: Connection, now_ms: int) -> list[tuple[str, str, Any]]:
    """A notice that its authority has an answer to is not its subject's affair any more."""
    query = select(notices).where(
        notices.c.due_ms <= now_ms,
        notices.c.state.not_in([each.value for each in (*SETTLED, Noticed.ANSWERED)]),
    )
    rows = conn.execute(query.order_by(notices.c.due_ms).limit(MOST_SHOWN)).all()
    return [
        ("notice", row.notice, row)
        for row in rows
        if is_late(written.steps_of(conn, row.side, row.notice), row.due_ms, now_ms)
    ]


def _late_submissions(conn: Connection, now_ms: int) -> list[tuple[str, str, Any]]:
    query = select(submissions).where(
        submissions.c.due_ms <= now_ms, submissions.c.state.in_(_UNSENT)
    )
    rows = conn.execute(query.order_by(submissions.c.due_ms).limit(MOST_SHOWN)).all()
    return [("report", row.submission, row) for row in rows if submitting.is_late(row, now_ms)]


def _waiting(conn: Connection) -> list[tuple[str, list[int]]]:
    """Since when what is on the authority's desk stands there, the longest first."""
    here = (
        ("lead", leads.c.found_ms, leads.c.state == lead_rules.State.OPEN.value),
        ("notice", notices.c.changed_ms, _at_authority(notices, Noticed.ANSWERED)),
        ("report", submissions.c.changed_ms, _at_authority(submissions, reports.State.SUBMITTED)),
    )
    return [
        (document, list(conn.execute(select(since).where(stands).order_by(since)).scalars()))
        for document, since, stands in here
    ]


def _at_authority(table: Table, state: Enum) -> ColumnElement[bool]:
    return and_(table.c.side == AUTHORITY, table.c.state == state.value)
