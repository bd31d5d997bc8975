"""Rectification tasks (整改任务): what a report found wrong, who mends it, and until when.

There is one open task for a resource and a rule: a rule that goes on failing joins it. The next
check that the rule passes verifies it; a person may close it with a reason.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, true, update

from ortoo_node.quality.report import Report
from ortoo_node.store.tables import task_events, tasks
from ortoo_protocol.core.errors import TaskMove, TaskReason, TaskUnknown
from ortoo_protocol.core.law.profiles import Term
from ortoo_protocol.i18n import mark
from ortoo_protocol.station import clocks
from ortoo_protocol.station.clocks import Clock
from ortoo_protocol.station.context import Tx

DUTY = "data-rectify"
ARTICLE = "Measures art. 18"
CHECK = mark("quality check")


class State(enum.Enum):
    OPEN = "open"
    ANSWERED = "answered"
    VERIFIED = "verified"
    CLOSED = "closed"


class Event(enum.Enum):
    ANSWER = "answer"  # the department says what it did
    FAIL = "fail"  # the next check finds it still
    PASS = "pass"  # noqa: S105  # the next check does not
    CLOSE = "close"  # a person decides


# Everything that affects the machine stands here; what is not listed is refused.
MOVES = MappingProxyType(
    {
        (State.OPEN, Event.ANSWER): State.ANSWERED,
        (State.ANSWERED, Event.ANSWER): State.ANSWERED,
        (State.OPEN, Event.FAIL): State.OPEN,
        (State.ANSWERED, Event.FAIL): State.OPEN,
        (State.OPEN, Event.PASS): State.VERIFIED,
        (State.ANSWERED, Event.PASS): State.VERIFIED,
        (State.OPEN, Event.CLOSE): State.CLOSED,
        (State.ANSWERED, Event.CLOSE): State.CLOSED,
    }
)
UNSETTLED = (State.OPEN.value, State.ANSWERED.value)


def move(state: State, event: Event) -> State:
    try:
        return MOVES[state, event]
    except KeyError:
        raise TaskMove(state=state.value, event=event.value) from None


def settle(tx: Tx, report: Report, due_days: int) -> None:
    """What fails has a task, what passes again has none. `due_days`: working days."""
    failing = report.failing()
    unsettled = tasks.c.state.in_(UNSETTLED)
    query = select(tasks).where(tasks.c.resource == report.resource, unsettled)
    known = {row.rule: row for row in tx.conn.execute(query).all()}
    for rule, what in failing.items():
        if rule in known:
            _move(tx, known[rule], Event.FAIL, CHECK, what)
            tx.conn.execute(update(tasks).where(tasks.c.task == known[rule].task).values(what=what))
        else:
            _open(tx, report, rule, what, due_days)
    for rule, row in known.items():
        if rule not in failing:
            _move(tx, row, Event.PASS, CHECK, "")


def _open(tx: Tx, report: Report, rule: str, what: str, due_days: int) -> None:
    task = tx.new_id().hex()
    clock = clocks.start(
        tx,
        subject_of(task),
        DUTY,
        Term(ARTICLE, due_days),
        party=tx.party,
        department=report.department,
        opened_ms=tx.now_ms,
    )
    values = {
        "task": task,
        "resource": report.resource,
        "department": report.department,
        "rule": rule,
        "what": what,
        "state": State.OPEN.value,
        "opened_ms": tx.now_ms,
        "due_ms": clock.due_ms,
        "changed_ms": tx.now_ms,
    }
    tx.conn.execute(insert(tasks).values(values))
    _note(tx, task, State.OPEN.value, CHECK, what)


def subject_of(task: str) -> str:
    return f"task:{task}"


def on_clock(tx: Tx, clock: Clock, stage: str) -> None:
    """Another calendar moves the last day."""
    if stage == clocks.MOVED:
        of = tasks.c.task == clock.subject.partition(":")[2]
        tx.conn.execute(update(tasks).where(of).values(due_ms=clock.due_ms))


def answer(tx: Tx, task: str, by: str, reason: str) -> State:
    """The department says what it did or will do. Raises TaskUnknown, TaskMove, TaskReason."""
    return _by_person(tx, task, Event.ANSWER, by, reason)


def close(tx: Tx, task: str, by: str, reason: str) -> State:
    """A person ends the task. Raises TaskUnknown, TaskMove, TaskReason."""
    return _by_person(tx, task, Event.CLOSE, by, reason)


def _by_person(tx: Tx, task: str, event: Event, by: str, reason: str) -> State:
    if not by.strip() or not reason.strip():
        raise TaskReason()
    return _move(tx, find(tx.conn, task), event, by, reason)


def _move(tx: Tx, row: Row[Any], event: Event, by: str, reason: str) -> State:
    before = State(row.state)
    state = move(before, event)
    tx.conn.execute(
        update(tasks)
        .where(tasks.c.task == row.task)
        .values(state=state.value, changed_ms=tx.now_ms)
    )
    if state is State.VERIFIED:
        clocks.stop(tx, subject_of(row.task), DUTY, tx.now_ms)
    elif state is State.CLOSED:
        clocks.cancel(tx, subject_of(row.task), DUTY, tx.now_ms)
    if event is not Event.FAIL or state is not before:
        _note(tx, row.task, event.value, by, reason)
    return state


def _note(tx: Tx, task: str, event: str, by: str, reason: str) -> None:
    values = {"task": task, "time_ms": tx.now_ms, "event": event, "by": by, "reason": reason}
    tx.conn.execute(insert(task_events).values(values))


def find(conn: Connection, task: str) -> Row[Any]:
    row = conn.execute(select(tasks).where(tasks.c.task == task)).first()
    if row is None:
        raise TaskUnknown(task=task)
    return row


def listed(
    conn: Connection, *, settled: bool, most: int | None = None, offset: int = 0
) -> Sequence[Row[Any]]:
    """Those that wait first, by their day; with `settled`, the others too."""
    order = (tasks.c.state.in_(UNSETTLED).desc(), tasks.c.due_ms, tasks.c.task)
    query = select(tasks).where(_which(settled=settled)).order_by(*order)
    return conn.execute(query.limit(most).offset(offset)).all()


def total(conn: Connection, *, settled: bool) -> int:
    query = select(func.count()).select_from(tasks).where(_which(settled=settled))
    return conn.execute(query).scalar() or 0


def _which(*, settled: bool) -> ColumnElement[bool]:
    return true() if settled else tasks.c.state.in_(UNSETTLED)


def history(conn: Connection, task: str) -> Sequence[Row[Any]]:
    query = select(task_events).where(task_events.c.task == task)
    return conn.execute(query.order_by(task_events.c.number)).all()


def counts(conn: Connection, now_ms: int) -> dict[str, int]:
    """How many wait, and how many of them too long."""
    unsettled = tasks.c.state.in_(UNSETTLED)
    count = select(func.count()).select_from(tasks).where(unsettled)
    waiting = conn.execute(count).scalar() or 0
    overdue = conn.execute(count.where(tasks.c.due_ms < now_ms)).scalar() or 0
    return {"open": waiting, "overdue": overdue}
