"""Facts of everybody who is supervised here: all sources asked, shares added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ortoo_protocol.core.supervision import answering
from ortoo_protocol.core.supervision.facts import Facts, Period, Subject, summed, with_shares
from ortoo_protocol.core.supervision.leads import Matter
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station.supervision.common import COMMON_FACTS, COMMON_MATTERS
from ortoo_protocol.station.supervision.port import Look, Sources


@dataclass(frozen=True)
class SubjectFacts:
    subject: Subject
    name: str
    facts: Facts
    reasons: Sequence[tuple[str, int]]  # of refusals, with how many


@dataclass(frozen=True)
class Counter:
    """Counts as of one moment."""

    sources: Sources
    trust: Trust
    party: str
    now_ms: int

    def everybody(self, conn: Connection, period: Period) -> list[SubjectFacts]:
        subjects = self.sources.subjects(self.trust)
        return [self.one(conn, subject, name, period) for subject, name in subjects.items()]

    def one(self, conn: Connection, subject: Subject, name: str, period: Period) -> SubjectFacts:
        look = self.look(conn, subject, period)
        found: dict[str, int] = {}
        for source in (*COMMON_FACTS, *self.sources.facts):
            found.update(source(look))
        requests = self.sources.requests(look)
        found.update(answering.counted(requests, self.now_ms))
        return SubjectFacts(subject, name, with_shares(found), answering.reasons(requests))

    def whole(self, conn: Connection, period: Period) -> Facts:
        """Everybody's together: what a league states of its departments."""
        return summed([each.facts for each in self.everybody(conn, period)])

    def matters(
        self, conn: Connection, subject: Subject, period: Period
    ) -> Mapping[str, Sequence[Matter]]:
        look = self.look(conn, subject, period)
        sources = {**COMMON_MATTERS, **self.sources.matters}
        return {name: source(look) for name, source in sources.items()}

    def look(self, conn: Connection, subject: Subject, period: Period) -> Look:
        return Look(conn, self.trust, self.party, subject, period, self.now_ms)
