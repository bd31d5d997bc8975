"""Figures of a hub beside those of the engine: members, the broker's rights, cases, the catalog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from ortoo_hub.router import Router
from ortoo_hub.store.tables import cases, catalog
from ortoo_hub.supervision import findings
from ortoo_protocol.station.figures import Figure, gauge
from ortoo_protocol.station.station import Station


@dataclass(frozen=True)
class HubFigures:
    station: Station
    router: Router

    def held(self) -> list[Figure]:
        standing, now_ms = self.router.standing, self.station.parts.clock()
        parties = self.station.parts.trust.current.parties
        counted = Counter((entry.status,) for entry in parties)
        agree = int(standing.agree and standing.error is None)
        age_s = (now_ms - standing.checked_ms) / 1000 if standing.checked_ms else float("inf")
        return [
            gauge("ortoo_members", "Parties of the directory.", dict(counted), ("status",)),
            gauge("ortoo_router_agrees", "1: the broker is as it should be.", agree),
            gauge("ortoo_router_age_seconds", "Since the router looked.", age_s),
        ]

    def stored(self, conn: Connection) -> list[Figure]:
        return [*self._members(conn), *_counts(conn)]

    def _members(self, conn: Connection) -> Iterator[Figure]:
        trust, now_ms = self.station.parts.trust.current, self.station.parts.clock()
        seen = findings.last_seen(conn, trust)
        silent = {
            (entry.party,): (now_ms - seen[entry.party]) / 1000
            for entry in trust.parties
            if entry.party in seen and entry.party != trust.hub
        }
        help_ = "Since a member's own last sign of life."
        yield gauge("ortoo_member_silent_seconds", help_, silent, ("party",))


def _counts(conn: Connection) -> Iterator[Figure]:
    states = select(cases.c.state, func.count()).group_by(cases.c.state)
    found = {("hub", state): count for state, count in conn.execute(states)}
    yield gauge("ortoo_cases", "Share requests, by state.", found, ("role", "state"))
    entries = select(catalog.c.provider, func.count()).group_by(catalog.c.provider)
    by_party = {(party,): count for party, count in conn.execute(entries)}
    yield gauge("ortoo_catalog_entries", "In the region's catalog.", by_party, ("party",))
