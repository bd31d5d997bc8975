"""The year's report (年度情况报告, art. 32) as data: counted once, frozen with its hash,
and printed from that alone as often as wanted."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select

from ortoo_protocol.core.errors import SupervisionField, SupervisionReason, SupervisionUnknown
from ortoo_protocol.core.supervision import answering
from ortoo_protocol.core.supervision.facts import BY_NAME, Facts, Period, Subject, Unit, summed
from ortoo_protocol.core.supervision.half_years import civil_day, civil_ms, whole_year
from ortoo_protocol.core.supervision.law import law_of
from ortoo_protocol.core.supervision.notices import SETTLED, is_late
from ortoo_protocol.core.supervision.scores import evaluate
from ortoo_protocol.core.supervision.submissions import State
from ortoo_protocol.station import clocks
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.supervision_tables import yearly_reports
from ortoo_protocol.station.supervision import leads, notices, standards, submitting
from ortoo_protocol.station.supervision.facts import Counter, SubjectFacts
from ortoo_protocol.station.supervision.watching import YEAR_REPORT

MOST = 10_000
Name = Callable[[Subject], str]


def make(tx: Tx, counter: Counter, year: int, authority: str, name: Name, by: str) -> Row[Any]:
    """Count `year` and keep it as its next version. `authority`: whose report it is.

    Raises SupervisionReason, SupervisionField (a year that has not begun).
    """
    if not by.strip():
        raise SupervisionReason(event="year")
    if not 2000 <= year <= civil_day(tx.now_ms).year:
        raise SupervisionField(field="year", detail=str(year))
    report = msgspec.json.encode(_report(tx, counter, year, authority, name))
    query = select(yearly_reports.c.version).where(yearly_reports.c.year == year)
    last = max(tx.conn.execute(query).scalars(), default=0)
    values = {
        "year": year,
        "version": last + 1,
        "report": report,
        "hash": tx.suite.hash(report),
        "by": by,
        "time_ms": tx.now_ms,
    }
    tx.conn.execute(insert(yearly_reports).values(values))
    clocks.stop(tx, f"{YEAR_REPORT}:{year}", YEAR_REPORT, tx.now_ms)
    return find(tx.conn, year, last + 1)


def find(conn: Connection, year: int, version: int = 0) -> Row[Any]:
    """Raises SupervisionUnknown."""
    query = select(yearly_reports).where(yearly_reports.c.year == year)
    if version:
        query = query.where(yearly_reports.c.version == version)
    row = conn.execute(query.order_by(yearly_reports.c.version.desc()).limit(1)).first()
    if row is None:
        raise SupervisionUnknown(document="report", id=f"{year}/{version or ''}")
    return row


def listed(conn: Connection) -> list[Row[Any]]:
    order = (yearly_reports.c.year.desc(), yearly_reports.c.version.desc())
    return list(conn.execute(select(yearly_reports).order_by(*order)))


def _report(tx: Tx, counter: Counter, year: int, authority: str, name: Name) -> dict[str, Any]:
    period, law = whole_year(year), law_of(tx.trust.profile)
    counted = counter.everybody(tx.conn, period)
    stated = _stated(tx.conn, year)
    version, standard = standards.current(tx.conn)
    ranked = evaluate(standard, {each.subject: each.facts for each in counted})
    month, day = law.year_day
    return {
        "year": year,
        "now_ms": tx.now_ms,
        "party": tx.party,
        "authority": authority,
        "regional": tx.party == tx.trust.hub,
        "articles": {
            "year": law.year,
            "half_year": law.half_year,
            "notice": law.notice,
            "evaluation": law.evaluation,
        },
        "due": date(year + 1, month, day).isoformat(),
        "total": summed([{**stated.get(each.subject, {}), **each.facts} for each in counted]),
        "subjects": [_subject(each, stated.get(each.subject, {})) for each in counted],
        "months": _months(tx.conn, counter, counted, year),
        "reasons": _reasons(counted),
        "submissions": _submissions(tx.conn, year, name, tx.now_ms),
        "leads": _leads(tx.conn, period),
        "notices": _notices(tx.conn, period, name, tx.now_ms),
        "standard": {"version": version, **standards.view(standard)},
        "ranked": [msgspec.to_builtins(_scores(each, name)) for each in ranked],
    }


def _stated(conn: Connection, year: int) -> Mapping[Subject, Facts]:
    """What accepted submissions state: of both halves the sum where a fact is counted over a
    period, else as it stood last."""
    found: dict[Subject, dict[str, int]] = {}
    for half in (1, 2):
        for row in submitting.listed(conn, notices.AUTHORITY, f"{year}H{half}", MOST):
            sent = submitting.sent_of(row)
            if sent is None or row.state != State.ACCEPTED.value:
                continue
            of = found.setdefault(Subject(row.party, row.department), {})
            for figure in sent.figures:
                fact = BY_NAME[figure.name]
                if fact.unit in (Unit.COUNT, Unit.BYTES):
                    before = of.get(figure.name, 0) if fact.period else 0
                    of[figure.name] = before + figure.stated
    return found


def _subject(one: SubjectFacts, stated: Facts) -> dict[str, Any]:
    return {
        "party": one.subject.party,
        "department": one.subject.department,
        "name": one.name,
        "facts": dict(one.facts),
        "stated": {name: value for name, value in stated.items() if name not in one.facts},
    }


def _scores(one: Any, name: Name) -> dict[str, Any]:
    return {
        "party": one.party,
        "department": one.department,
        "name": name(Subject(one.party, one.department)),
        "rank": one.rank,
        "total": one.total,
        "scores": [
            {field: getattr(each, field) for field in each.__struct_fields__} for each in one.scores
        ],
    }


def _months(
    conn: Connection, counter: Counter, counted: Sequence[SubjectFacts], year: int
) -> list[dict[str, int]]:
    """What was asked in each month, and what became of it by now."""
    found = []
    for month in range(1, 13):
        first = date(year, month, 1)
        after = (first + timedelta(days=31)).replace(day=1)
        span = Period(civil_ms(first), civil_ms(after))
        requests = [
            request
            for each in counted
            for request in counter.sources.requests(counter.look(conn, each.subject, span))
        ]
        facts = answering.counted(requests, counter.now_ms)
        names = ("asked", "granted", "refused", "waiting", "answers_late")
        found.append({"month": month, **{name: facts[name] for name in names}})
    return found


def _reasons(counted: Sequence[SubjectFacts]) -> list[dict[str, Any]]:
    whole: Tally[str] = Tally()
    for each in counted:
        whole.update(dict(each.reasons))
    ordered = sorted(whole.items(), key=lambda pair: (-pair[1], pair[0]))
    return [{"reason": reason, "count": count} for reason, count in ordered[:20]]


def _submissions(conn: Connection, year: int, name: Name, now_ms: int) -> list[dict[str, Any]]:
    """Each with what was written, where it was accepted."""
    found = []
    for half in (1, 2):
        for row in submitting.listed(conn, notices.AUTHORITY, f"{year}H{half}", MOST):
            sent = submitting.sent_of(row)
            accepted = sent is not None and row.state == "accepted"
            passages = {each.name: each.text for each in sent.passages} if sent and accepted else {}
            found.append(
                {
                    "period": row.period,
                    "name": name(Subject(row.party, row.department)),
                    "state": row.state,
                    "late": submitting.is_late(row, now_ms),
                    "first_ms": row.first_ms,
                    "hash": row.hash.hex(),
                    "passages": passages,
                }
            )
    return found


def _leads(conn: Connection, period: Period) -> dict[str, dict[str, int]]:
    """By violation and state."""
    found: dict[str, dict[str, int]] = {}
    for row in leads.listed(conn, "", MOST):
        if period.has(row.found_ms):
            states = found.setdefault(str(row.violation), {})
            states[row.state] = states.get(row.state, 0) + 1
    return found


def _notices(conn: Connection, period: Period, name: Name, now_ms: int) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for row in notices.listed(conn, notices.AUTHORITY, True, MOST):
        if not period.has(row.issued_ms):
            continue
        body, steps = notices.body_of(row), notices.steps_of(conn, row.side, row.notice)
        found.append(
            {
                "number": body.number,
                "title": body.title,
                "name": name(Subject(row.party, row.department)),
                "violation": body.violation,
                "issued_ms": row.issued_ms,
                "due_ms": row.due_ms,
                "state": row.state,
                "settled": row.state in {each.value for each in SETTLED},
                "late": is_late(steps, row.due_ms, now_ms),
            }
        )
    return found
