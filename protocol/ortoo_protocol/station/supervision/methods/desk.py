"""What the methods of supervision have in common: who looks, over which period, and names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ortoo_protocol.core.errors import SupervisionSubject, TrustUnknownParty
from ortoo_protocol.core.supervision.facts import Period, Subject
from ortoo_protocol.core.supervision.half_years import half_year_of, period_named
from ortoo_protocol.core.supervision.notices import Evidence
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.supervision.facts import Counter
from ortoo_protocol.station.supervision.port import Sources

MOST = 1_000


@dataclass(frozen=True)
class Desk:
    station: Station
    sources: Sources

    @property
    def counter(self) -> Counter:
        parts = self.station.parts
        return Counter(self.sources, parts.trust.current, self.station.party, parts.clock())

    def period(self, name: str) -> tuple[str, Period]:
        """2026H1, 2026, or the half-year that is now."""
        chosen = name or half_year_of(self.station.parts.clock())
        return chosen, period_named(chosen)

    def name(self, subject: Subject) -> str:
        """As the directory or the station's announcement has it; nothing for who left."""
        trust = self.station.parts.trust.current
        if subject.department:
            return trust.departments(subject.party).get(subject.department, "")
        try:
            return trust.party(subject.party).name
        except TrustUnknownParty:
            return ""

    def subject(self, named: str) -> Subject:
        """By a department's code; at the hub by a station's id. Raises SupervisionSubject."""
        hub = self.station.parts.trust.current.hub == self.station.party
        subject = Subject(named) if hub else Subject(self.station.party, named)
        if subject not in self.sources.subjects(self.station.parts.trust.current):
            raise SupervisionSubject(subject=named, authority=self.station.party)
        return subject

    def about(self, party: str, department: str) -> dict[str, Any]:
        name = self.name(Subject(party, department))
        return {"party": party, "department": department, "name": name}


def evidence_view(one: Evidence) -> dict[str, Any]:
    """Hashes as hexadecimal; `leaf` only beside its hash."""
    return {
        "kind": one.kind,
        "ref": one.ref,
        "time_ms": one.time_ms,
        "detail": one.detail,
        "leaf": one.leaf if one.hash else None,
        "hash": one.hash.hex(),
        "envelope": one.envelope.hex(),
        "body_hash": one.body_hash.hex(),
    }
