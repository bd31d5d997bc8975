"""What the hub can count of leagues: notarised cases, ends without filing. Rows and queries it
cannot see; leagues state them in their submissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, func, select

from ortoo_hub import cases as notarised
from ortoo_hub.store.tables import case_events, cases
from ortoo_protocol.core.supervision.answering import Asked, is_late
from ortoo_protocol.core.supervision.facts import Facts, Subject
from ortoo_protocol.core.supervision.leads import Matter
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station.grants_held import terms_of
from ortoo_protocol.station.supervision.asked import LOOKED_FOR, Answered, answered, applied_facts
from ortoo_protocol.station.supervision.due import answer_due, late_answer
from ortoo_protocol.station.supervision.port import Look, Sources


def subjects(trust: Trust) -> Mapping[Subject, str]:
    """Every station in force, by party: leagues, cities, and the region's departments' own."""
    active = (each for each in trust.parties if each.status == "active" and each.party != trust.hub)
    return {Subject(each.party): each.name for each in sorted(active, key=lambda each: each.party)}


def requests(look: Look) -> list[Asked]:
    """What was asked of the league's departments within the period."""
    query = (
        select(cases)
        .where(
            cases.c.provider == look.subject.party,
            cases.c.opened_ms >= look.period.from_ms,
            cases.c.opened_ms < look.period.until_ms,
        )
        .order_by(cases.c.opened_ms, cases.c.case)
    )
    return [_asked(look, row) for row in look.conn.execute(query).all()]


def _asked(look: Look, row: Row[Any]) -> Asked:
    answer = _answer(look.conn, row.case)
    by_people = bool(answer.by) or not answer.time_ms  # who grants at once by software names nobody
    return Asked(
        case=row.case,
        opened_ms=row.opened_ms,
        outcome=answer.outcome,
        answered_ms=answer.time_ms,
        due_ms=answer_due(look, row.case, row.opened_ms, row.share_type) if by_people else 0,
        reason=row.reason,
        by_people=by_people,
    )


def _answer(conn: Connection, case: str) -> Answered:
    query = select(case_events.c.event, case_events.c.time_ms, case_events.c.by).where(
        case_events.c.case == case, case_events.c.event.in_(LOOKED_FOR)
    )
    rows = conn.execute(query.order_by(case_events.c.number))
    return answered((event, time_ms, by) for event, time_ms, by in rows)


def applied(look: Look) -> Facts:
    """What the league's departments asked of others."""
    query = (
        select(cases.c.state, func.count())
        .where(
            cases.c.applicant == look.subject.party,
            cases.c.opened_ms >= look.period.from_ms,
            cases.c.opened_ms < look.period.until_ms,
        )
        .group_by(cases.c.state)
    )
    return applied_facts({state: int(count) for state, count in look.conn.execute(query)})


def ends(look: Look) -> Facts:
    return {"unfiled_ends": len(unfiled(look))}


# --- matters ------------------------------------------------------------------------------------


def late_answers(look: Look) -> list[Matter]:
    return [late_answer(look, each) for each in requests(look) if is_late(each, look.now_ms)]


def unfiled(look: Look) -> list[Matter]:
    """Grants of the league that ended within the period without the filing before (art. 18)."""
    return [
        Matter("end", row.grant, row.ended_ms, row.end_reason, _case_of(row))
        for row in notarised.unfiled(look.conn)
        if row.provider == look.subject.party and look.period.has(row.ended_ms)
        if row.end_reason != notarised.EXPIRED
    ]


def _case_of(row: Row[Any]) -> str:
    return terms_of(row).case


SOURCES = Sources(
    subjects=subjects,
    facts=(applied, ends),
    requests=requests,
    matters={"answer-late": late_answers, "end-unfiled": unfiled},
)
