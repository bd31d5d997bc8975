"""What a station can count of its departments, one function a source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select

from ortoo_node.cases import APPLICANT, BOTH, PROVIDER
from ortoo_node.catalog import changes
from ortoo_node.quality.tasks import UNSETTLED
from ortoo_node.queries.record import ANSWERED, ASKED, REFUSED
from ortoo_node.store.case_tables import case_events, cases
from ortoo_node.store.tables import (
    catalog,
    file_transfers,
    publication_runs,
    queries,
    subscriptions,
    tasks,
)
from ortoo_protocol.core.cases import AUTOMATIC, State
from ortoo_protocol.core.cases.log import REFUSED as REFUSED_EVENT
from ortoo_protocol.core.errors import QueryMode, QueryPurpose, QueryScope
from ortoo_protocol.core.supervision.answering import Asked, is_late
from ortoo_protocol.core.supervision.facts import Facts, Subject
from ortoo_protocol.core.supervision.half_years import civil_day, civil_ms
from ortoo_protocol.core.supervision.leads import Matter
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station.clocks import calendar
from ortoo_protocol.station.store.tables import feed_applied, grants
from ortoo_protocol.station.supervision.asked import LOOKED_FOR, Answered, answered, applied_facts
from ortoo_protocol.station.supervision.due import answer_due, late_answer
from ortoo_protocol.station.supervision.port import Look, Sources

# Refusals of queries that say: this is more, or for something else, than was granted.
BEYOND = (QueryPurpose.code, QueryScope.code, QueryMode.code)


def subjects_of(party: str) -> Any:
    """The departments that `party` announced, by code."""

    def subjects(trust: Trust) -> Mapping[Subject, str]:
        return {Subject(party, code): name for code, name in trust.departments(party).items()}

    return subjects


# --- requests -----------------------------------------------------------------------------------


def requests(look: Look) -> list[Asked]:
    """What was asked of the department within the period, by others and by its neighbours. Whose
    the resource was then answers for it, whoever has it now."""
    theirs = select(catalog.c.code).where(catalog.c.department == look.subject.department)
    unsaid = (cases.c.provider_department == "") & cases.c.resource.in_(theirs)  # of before it was
    query = (
        select(cases)
        .where(
            cases.c.role.in_((PROVIDER, BOTH)),
            (cases.c.provider_department == look.subject.department) | unsaid,
            cases.c.state != State.DRAFT.value,
            *_within(look, cases.c.opened_ms),
        )
        .order_by(cases.c.opened_ms, cases.c.case)
    )
    return [_asked(look, row) for row in look.conn.execute(query).all()]


def _asked(look: Look, row: Row[Any]) -> Asked:
    answer = _answer(look.conn, row.case)
    by_people = not answer.by.startswith(AUTOMATIC)
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
    """By the notary's instants where it has spoken: the hub counts the same."""
    legal = func.coalesce(func.nullif(case_events.c.legal_ms, 0), case_events.c.time_ms)
    query = select(case_events.c.event, legal, case_events.c.by).where(
        case_events.c.case == case,
        case_events.c.event.in_(LOOKED_FOR),
        case_events.c.status != REFUSED_EVENT,
    )
    rows = conn.execute(query.order_by(legal, case_events.c.number))
    return answered((event, time_ms, by) for event, time_ms, by in rows)


def applied(look: Look) -> Facts:
    query = (
        select(cases.c.state, func.count())
        .where(
            cases.c.role.in_((APPLICANT, BOTH)),
            cases.c.department == look.subject.department,
            *_within(look, cases.c.opened_ms),
        )
        .group_by(cases.c.state)
    )
    return applied_facts({state: int(count) for state, count in look.conn.execute(query)})


# --- supply and use -----------------------------------------------------------------------------


def rows(look: Look) -> Facts:
    """As last published, and as taken over into the department's own tables."""
    published = (
        select(func.sum(publication_runs.c.rows))
        .join(catalog, catalog.c.code == publication_runs.c.resource)
        .where(catalog.c.department == look.subject.department)
    )
    taken = (
        select(func.sum(feed_applied.c.rows))
        .join(subscriptions, subscriptions.c.subscription == feed_applied.c.subscription)
        .where(subscriptions.c.department == look.subject.department)
    )
    return {
        "rows_published": _number(look.conn, published),
        "rows_applied": _number(look.conn, taken),
    }


def asking(look: Look) -> Facts:
    """Queries: those of the department, and those that its resources answered."""
    within = _within(look, queries.c.time_ms)
    mine = (queries.c.role == ASKED, queries.c.department == look.subject.department, *within)
    answered = (
        select(func.count())
        .select_from(queries)
        .join(catalog, catalog.c.code == queries.c.resource)
        .where(
            queries.c.role == ANSWERED,
            queries.c.state == ANSWERED,
            catalog.c.department == look.subject.department,
            *within,
        )
    )
    return {
        "queries_answered": _number(look.conn, answered),
        "queries_asked": _number(look.conn, select(func.count()).where(*mine)),
        "query_rows": _number(look.conn, select(func.sum(queries.c.rows)).where(*mine)),
    }


def files(look: Look) -> Facts:
    fetched = (
        select(func.count(), func.sum(file_transfers.c.size_bytes))
        .select_from(file_transfers)
        .join(grants, grants.c.grant == file_transfers.c.grant)
        .where(
            file_transfers.c.state == "done",
            grants.c.reader_department == look.subject.department,
            *_within(look, file_transfers.c.changed_ms),
        )
    )
    count, size = look.conn.execute(fetched).one()
    return {"files_fetched": int(count), "file_bytes": int(size or 0)}


# --- quality, and the catalog's clock -----------------------------------------------------------


def mending(look: Look) -> Facts:
    """Rectification tasks that were opened within the period."""
    mine = (tasks.c.department == look.subject.department, *_within(look, tasks.c.opened_ms))
    waiting = (tasks.c.state.in_(UNSETTLED), *mine)
    count = select(func.count()).select_from(tasks)
    whole = _number(look.conn, count.where(*mine))
    return {
        "tasks": whole,
        "tasks_settled": whole - _number(look.conn, count.where(*waiting)),
        "tasks_late": _number(look.conn, count.where(*waiting, tasks.c.due_ms < look.now_ms)),
    }


def following(look: Look) -> Facts:
    """Changes of law or duties whose last day lies within the period."""
    due = late = 0
    for _change, late_now in _changes(look):
        due += 1
        late += late_now
    return {"changes_due": due, "changes_late": late}


def _changes(look: Look) -> list[tuple[changes.Change, bool]]:
    """Those that have come due, and whether the catalog did not follow in time. What people closed
    needed no following."""
    days = calendar.current(look.conn)
    found = []
    for each in changes.listed(look.conn, open_only=False, limit=10_000):
        if each.department != look.subject.department or each.state == changes.CLOSED:
            continue
        last = each.deadline(days).day
        done = max((done_ms for _, done_ms in each.codes), default=0)
        followed = each.state == changes.DONE and civil_day(done) <= last
        over = civil_day(look.now_ms) > last
        if look.period.has(civil_ms(last)) and (over or each.state == changes.DONE):
            found.append((each, not followed))
    return found


# --- matters ------------------------------------------------------------------------------------


def late_changes(look: Look) -> list[Matter]:
    return [
        Matter("change", each.change, each.since_ms, each.what[:200])
        for each, late in _changes(look)
        if late
    ]


def late_answers(look: Look) -> list[Matter]:
    return [late_answer(look, each) for each in requests(look) if is_late(each, look.now_ms)]


def late_tasks(look: Look) -> list[Matter]:
    query = select(tasks).where(
        tasks.c.department == look.subject.department,
        tasks.c.state.in_(UNSETTLED),
        tasks.c.due_ms < look.now_ms,
        *_within(look, tasks.c.opened_ms),
    )
    return [
        Matter("task", row.task, row.due_ms, f"{row.resource} {row.rule}")
        for row in look.conn.execute(query.order_by(tasks.c.due_ms)).all()
    ]


def beyond(look: Look) -> list[Matter]:
    """Queries of the department that their providers refused as beyond the grant."""
    query = select(queries).where(
        queries.c.role == ASKED,
        queries.c.department == look.subject.department,
        queries.c.state == REFUSED,
        queries.c.error.in_(BEYOND),
        *_within(look, queries.c.time_ms),
    )
    return [
        Matter("query", row.ask, row.time_ms, f"{row.error} {row.purpose}"[:200], row.grant)
        for row in look.conn.execute(query.order_by(queries.c.time_ms).limit(1_000)).all()
    ]


def _within(look: Look, column: ColumnElement[int]) -> tuple[ColumnElement[bool], ...]:
    return column >= look.period.from_ms, column < look.period.until_ms


def _number(conn: Connection, query: Any) -> int:
    return int(conn.execute(query).scalar() or 0)


def sources(party: str) -> Sources:
    return Sources(
        subjects=subjects_of(party),
        facts=(applied, rows, asking, files, mending, following),
        requests=requests,
        matters={
            "change-late": late_changes,
            "answer-late": late_answers,
            "task-late": late_tasks,
            "use-refused": beyond,
        },
    )
