"""supervise.facts, supervise.leads and what people decide on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row

from ortoo_protocol.core.supervision.law import Violation, law_of
from ortoo_protocol.core.supervision.leads import Event
from ortoo_protocol.station import paging
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.supervision import leads
from ortoo_protocol.station.supervision.facts import SubjectFacts
from ortoo_protocol.station.supervision.methods.desk import MOST, Desk, evidence_view

_NAMES = ("lead", "rule", "violation", "state", "text", "intent", "found_ms", "changed_ms")


@dataclass(frozen=True)
class LeadMethods(Desk):
    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "supervise.facts": self.facts,
            "supervise.look": self.look,
            "supervise.leads": self.listed,
            "supervise.lead": self.show,
            "supervise.decide": self.decide,
            "supervise.enter": self.enter,
        }

    async def facts(self, period: str = "", subject: str = "") -> dict[str, Any]:
        """Of everybody, or of one department or league."""
        name, span = self.period(period)
        counter = self.counter

        def read(conn: Connection) -> list[SubjectFacts]:
            if not subject:
                return counter.everybody(conn, span)
            chosen = self.subject(subject)
            return [counter.one(conn, chosen, self.name(chosen), span)]

        found = await self.station.read(read)
        return {
            "period": name,
            "now_ms": counter.now_ms,
            "subjects": [facts_view(each) for each in found],
        }

    async def look(self, period: str = "") -> dict[str, Any]:
        """Apply the rules; the leads that are new or were joined."""
        name, span = self.period(period)
        counter = self.counter
        touched = await self.station.write(lambda tx: leads.look(tx, counter, span))
        return {"period": name, "leads": touched}

    async def listed(self, state: str = "", limit: int = MOST, offset: int = 0) -> dict[str, Any]:
        """The open ones first, then the newest, from `offset` on; `total`: how many there are."""

        def read(conn: Connection) -> dict[str, Any]:
            rows, total = paging.page(conn, leads.in_order(state), limit, offset)
            count = leads.matters(conn, [row.lead for row in rows])
            shown = [self._lead(row, count.get(row.lead, 0)) for row in rows]
            return {"leads": shown, "total": total}

        return await self.station.read(read)

    async def show(self, lead: str) -> dict[str, Any]:
        def read(conn: Connection) -> dict[str, Any]:
            names = ("time_ms", "event", "by", "reason")
            return {
                "lead": self._found(conn, lead),
                "evidence": [evidence_view(each) for each in leads.evidence_of(conn, lead)],
                "events": [
                    {name: getattr(row, name) for name in names}
                    for row in leads.events_of(conn, lead)
                ],
            }

        return await self.station.read(read)

    async def decide(
        self,
        lead: str,
        outcome: Literal["confirm", "dismiss"],
        reason: str,
        by: str,
        intent: str = "",
    ) -> dict[str, Any]:
        def job(tx: Tx) -> dict[str, Any]:
            leads.decide(tx, lead, Event(outcome), reason, intent, by)
            return self._found(tx.conn, lead)

        return await self.station.write(job)

    async def enter(
        self, subject: str, violation: int, text: str, by: str, intent: str = ""
    ) -> dict[str, Any]:
        """What people found themselves."""
        chosen = self.subject(subject)

        def job(tx: Tx) -> dict[str, Any]:
            lead = leads.enter(tx, chosen, violation, text, intent, by)
            return self._found(tx.conn, lead)

        return await self.station.write(job)

    def _found(self, conn: Connection, lead: str) -> dict[str, Any]:
        """Raises SupervisionUnknown."""
        row = leads.find(conn, lead)
        return self._lead(row, leads.matters(conn, [lead]).get(lead, 0))

    def _lead(self, row: Row[Any], matters: int) -> dict[str, Any]:
        cited = law_of(self.station.parts.trust.current.profile).violations
        return {
            **{name: getattr(row, name) for name in _NAMES},
            **self.about(row.party, row.department),
            "article": cited[Violation(row.violation)],
            "matters": matters,
        }


def facts_view(one: SubjectFacts) -> dict[str, Any]:
    return {
        "party": one.subject.party,
        "department": one.subject.department,
        "name": one.name,
        "facts": dict(one.facts),
        "reasons": [{"reason": reason, "count": count} for reason, count in one.reasons],
    }
