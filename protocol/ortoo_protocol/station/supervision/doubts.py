"""Corrections (校核, art. 21) as supervision sees them: asked for, answered in time, late."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select

from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.core.supervision.facts import Facts
from ortoo_protocol.core.supervision.leads import Matter
from ortoo_protocol.station.corrections import keeping
from ortoo_protocol.station.store.correction_tables import corrections
from ortoo_protocol.station.supervision.due import clock_due, end_of
from ortoo_protocol.station.supervision.port import Look


def corrected(look: Look) -> Facts:
    """Doubts (校核) that the subject was asked about within the period."""
    found = _corrections(look)
    due = [each for each in found if each.answered_ms or 0 < each.due_ms <= look.now_ms]
    late = sum(each.is_late(look.now_ms) for each in due)
    return {
        "corrections_received": len(found),
        "corrections_open": sum(each.is_open for each in found),
        "corrections_due": len(due),
        "corrections_late": late,
        "corrections_in_time": len(due) - late,
    }


@dataclass(frozen=True)
class _Correction:
    """`due_ms` of its clock; `answered_ms` 0: not yet."""

    correction: str
    opened_ms: int
    due_ms: int
    answered_ms: int
    is_open: bool

    def is_late(self, now_ms: int) -> bool:
        return bool(self.due_ms) and (self.answered_ms or now_ms) >= self.due_ms


def _corrections(look: Look) -> list[_Correction]:
    """Those that the reader took back before an answer are nobody's delay, and left out."""
    table = corrections.c
    query = select(corrections).where(
        table.provider == look.subject.party,
        table.opened_ms >= look.period.from_ms,
        table.opened_ms < look.period.until_ms,
        or_(table.answered_ms.is_not(None), table.closed_ms.is_(None)),
    )
    if look.subject.department:
        query = query.where(table.provider_department == look.subject.department)
    term = profile_named(look.trust.profile).sharing.doubt_answer
    return [
        _Correction(
            row.correction,
            row.opened_ms,
            clock_due(look, keeping.subject(row.correction), keeping.DUTY)
            or end_of(look.conn, look.trust, row.opened_ms, term),
            row.answered_ms or 0,
            keeping.is_open(row),
        )
        for row in look.conn.execute(query.order_by(table.opened_ms)).all()
    ]


def corrections_late(look: Look) -> list[Matter]:
    return [
        Matter("correction", each.correction, each.due_ms)
        for each in _corrections(look)
        if each.is_late(look.now_ms)
    ]
