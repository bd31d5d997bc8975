"""report.*: half-yearly submissions, at the authority and at who submits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Row

from ortoo_protocol.core.errors import SupervisionField
from ortoo_protocol.core.supervision.facts import Facts, Subject
from ortoo_protocol.core.supervision.half_years import PASSAGES, half_year
from ortoo_protocol.core.supervision.submissions import Event
from ortoo_protocol.station import paging
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.supervision import submitting
from ortoo_protocol.station.supervision.methods.desk import MOST, Desk
from ortoo_protocol.station.supervision.notices import AUTHORITY, SUBJECT

_ROW = (
    "submission", "side", "period", "authority", "state", "round", "due_ms", "provisional",
    "note", "opened_ms", "first_ms", "changed_ms",
)  # fmt: skip


class Stated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A figure that differs from what was counted, and why."""

    value: int
    note: str


@dataclass(frozen=True)
class SubmissionMethods(Desk):
    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "report.open": self.open,
            "report.list": self.listed,
            "report.show": self.show,
            "report.fill": self.fill,
            "report.submit": self.submit,
            "report.decide": self.decide,
        }

    async def open(
        self, period: str, days: int, by: str, subjects: Sequence[str] = (), note: str = ""
    ) -> dict[str, Any]:
        """Call for the submissions of a half-year, of everybody or of those named."""
        half_year(period)
        trust = self.station.parts.trust.current
        chosen = [self.subject(each) for each in subjects] or list(self.sources.subjects(trust))
        if not days >= 1:
            raise SupervisionField(field="days", detail=str(days))
        called = await self.station.write(
            lambda tx: submitting.open_period(tx, period, chosen, days, note, by)
        )
        return {"period": period, "submissions": called}

    async def listed(
        self, side: str = "", period: str = "", limit: int = MOST, offset: int = 0
    ) -> dict[str, Any]:
        """The newest period first, from `offset` on; `total`: how many there are."""
        query = submitting.in_order(side, period)
        rows, total = await self.station.read(lambda conn: paging.page(conn, query, limit, offset))
        return {"submissions": [self._view(row) for row in rows], "total": total}

    async def show(self, submission: str, side: str = "") -> dict[str, Any]:
        """With what is filled in (by who submits), what was sent, and all that happened."""

        def read(conn: Connection) -> dict[str, Any]:
            row = self._row(conn, submission, side)
            names = ("time_ms", "event", "by", "reason")
            return {
                "submission": self._view(row),
                "draft": msgspec.to_builtins(submitting.draft_of(row)),
                "sent": msgspec.to_builtins(submitting.sent_of(row)),
                "events": [
                    {name: getattr(each, name) for name in names}
                    for each in submitting.events_of(conn, row.side, submission)
                ],
            }

        return await self.station.read(read)

    async def fill(
        self,
        submission: str,
        by: str,
        passages: dict[str, str] | None = None,
        stated: dict[str, Stated] | None = None,
    ) -> dict[str, Any]:
        """Count again, and save what is written and stated; the draft."""
        written = passages or {}
        said = {name: (each.value, each.note) for name, each in (stated or {}).items()}
        if set(written) - set(PASSAGES):
            raise SupervisionField(field="passages", detail=", ".join(sorted(written)))

        def job(tx: Tx) -> dict[str, Any]:
            row = submitting.find(tx.conn, SUBJECT, submission)
            facts = self._facts(tx.conn, row)
            submitting.fill(tx, submission, facts, said, written, by)
            found = submitting.find(tx.conn, SUBJECT, submission)
            draft = msgspec.to_builtins(submitting.draft_of(found))
            return {"submission": self._view(found), "draft": draft}

        return await self.station.write(job)

    def _facts(self, conn: Connection, row: Row[Any]) -> Facts:
        """Of a department; of a league all its departments together."""
        counter, span = self.counter, half_year(row.period)
        if row.department:
            subject = Subject(row.party, row.department)
            return counter.one(conn, subject, "", span).facts
        return counter.whole(conn, span)

    async def submit(self, submission: str, handler: str, approver: str) -> dict[str, Any]:
        def job(tx: Tx) -> dict[str, Any]:
            submitting.submit(tx, submission, handler, approver)
            return self._view(submitting.find(tx.conn, SUBJECT, submission))

        return await self.station.write(job)

    async def decide(
        self,
        submission: str,
        outcome: Literal["accept", "return", "chase"],
        by: str,
        reason: str = "",
    ) -> dict[str, Any]:
        def job(tx: Tx) -> dict[str, Any]:
            submitting.decide(tx, submission, Event(outcome), reason, by)
            return self._view(submitting.find(tx.conn, AUTHORITY, submission))

        return await self.station.write(job)

    def _row(self, conn: Connection, submission: str, side: str) -> Row[Any]:
        if side:
            return submitting.find(conn, side, submission)
        here = submitting.sides(conn, submission)
        return submitting.find(conn, AUTHORITY if AUTHORITY in here else SUBJECT, submission)

    def _view(self, row: Row[Any]) -> dict[str, Any]:
        return {
            **{name: getattr(row, name) for name in _ROW},
            **self.about(row.party, row.department),
            "hash": row.hash.hex(),
            "letter": row.letter.hex(),
            "late": submitting.is_late(row, self.station.parts.clock()),
        }
