"""Evaluations (考评): counted, kept with the figures that entered, and counted again to compare."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, insert, select

from ortoo_protocol.core.codec import Packed, Shape, decode, encode
from ortoo_protocol.core.errors import SupervisionReason, SupervisionUnknown
from ortoo_protocol.core.supervision.facts import Subject
from ortoo_protocol.core.supervision.half_years import period_named
from ortoo_protocol.core.supervision.scores import Evaluated, evaluate
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.supervision_tables import evaluations
from ortoo_protocol.station.supervision import standards
from ortoo_protocol.station.supervision.facts import Counter


class Entered(Packed, frozen=True):
    """The facts of one subject as they entered."""

    party: str
    department: str
    name: str
    facts: dict[str, int]


class Entries(Shape, frozen=True):
    subjects: tuple[Entered, ...]


class Result(Shape, frozen=True):
    ranked: tuple[Evaluated, ...]


def run(tx: Tx, counter: Counter, period: str, by: str) -> str:
    """Evaluate everybody over a half-year or a year by the standard in force; its number.

    Raises SupervisionField (no such period), SupervisionReason.
    """
    if not by.strip():
        raise SupervisionReason(event="evaluate")
    counted = counter.everybody(tx.conn, period_named(period))
    entries = Entries(
        subjects=tuple(
            Entered(each.subject.party, each.subject.department, each.name, dict(each.facts))
            for each in counted
        )
    )
    version, _ = standards.current(tx.conn)
    evaluation = tx.new_id().hex()
    values = {
        "evaluation": evaluation,
        "period": period,
        "standard": version,
        "facts": encode(entries),
        "result": encode(again(tx.conn, version, entries)),
        "by": by,
        "time_ms": tx.now_ms,
    }
    tx.conn.execute(insert(evaluations).values(values))
    return evaluation


def again(conn: Connection, version: int, entries: Entries) -> Result:
    """What the standard of this version gives for these figures."""
    known = {Subject(each.party, each.department): each.facts for each in entries.subjects}
    return Result(ranked=tuple(evaluate(standards.numbered(conn, version), known)))


def find(conn: Connection, evaluation: str) -> Row[Any]:
    row = conn.execute(select(evaluations).where(evaluations.c.evaluation == evaluation)).first()
    if row is None:
        raise SupervisionUnknown(document="evaluation", id=evaluation)
    return row


def newest(conn: Connection, period: str) -> Row[Any] | None:
    query = select(evaluations).where(evaluations.c.period == period)
    return conn.execute(query.order_by(evaluations.c.time_ms.desc()).limit(1)).first()


def listed(conn: Connection) -> list[Row[Any]]:
    return list(conn.execute(select(evaluations).order_by(evaluations.c.time_ms.desc())))


def entries_of(row: Row[Any]) -> Entries:
    return decode(row.facts, Entries)


def result_of(row: Row[Any]) -> Result:
    return decode(row.result, Result)
