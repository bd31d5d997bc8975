"""journal.…: pages of it, one entry, checkpoints, and proofs for whoever checks us."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from ortoo_protocol.station.journal.checking import check
from ortoo_protocol.station.journal.entry import Looked
from ortoo_protocol.station.journal.proving import Prover, row_at
from ortoo_protocol.station.journal.searching import MOST_FLOWS, Sought, search
from ortoo_protocol.station.served import Method
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import grants

FlowsOf = Callable[[Connection, str], Collection[str]]


def granted_flows(conn: Connection, resource: str) -> list[str]:
    """Feeds and grants of `resource`, the newest grants first."""
    query = select(grants.c.grant, grants.c.feed).where(grants.c.resource == resource)
    rows = conn.execute(query.order_by(grants.c.from_ms.desc()).limit(MOST_FLOWS)).all()
    return list(dict.fromkeys([*(row.feed for row in rows), *(row.grant for row in rows)]))


@dataclass(frozen=True)
class JournalMethods:
    """`flows_of`: under which flows rows about a resource stand here."""

    station: Station
    flows_of: FlowsOf = granted_flows

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "journal.search": self.search,
            "journal.entry": self.entry,
            "journal.checkpoint": self.checkpoint,
            "journal.checkpoints": self.checkpoints,
            "journal.consistency": self.consistency,
            "journal.inclusion": self.inclusion,
            "journal.proof": self.proof,
            "journal.check": self.check,
        }

    async def search(
        self,
        kind: str = "",
        party: str = "",
        flow: str = "",
        resource: str = "",
        since_ms: int = 0,
        until_ms: int = 0,
        refused: bool = False,
        before: int = 0,
        count: int = 50,
    ) -> dict[str, Any]:
        """A page of rows, the newest first. `flow`: a feed, case, grant or correction.
        `next_before` is the next page's `before`, 0 at the end. `whole` is false where so many rows
        were looked at in vain that the page stopped before it was full; `flows_cut` where the
        resource has more grants and cases than are looked through."""

        def read(conn: Connection) -> dict[str, Any]:
            flows: Collection[str] | None = [flow] if flow else None
            if resource:
                flows = [one for one in self.flows_of(conn, resource) if not flow or one == flow]
            asked = Sought(kind, party, flows, since_ms, until_ms, refused, before, count)
            size = self._prover(conn).size
            found = search(conn, asked, size)
            return {
                "size": size,
                "rows": found.rows,
                "next_before": found.next_before,
                "looked": found.looked,
                "whole": found.whole,
                "flows_cut": flows is not None and len(flows) > MOST_FLOWS,
            }

        return await self.station.read(read)

    async def entry(self, seq: int) -> dict[str, Any]:
        """Raises JournalUnknown."""

        def read(conn: Connection) -> dict[str, Any]:
            prover = self._prover(conn)
            looked = Looked(conn, self.station.parts, prover.origin)
            return {"size": prover.size, "entry": looked.shown(row_at(conn, seq))}

        return await self.station.read(read)

    async def checkpoint(self) -> dict[str, Any]:
        """Raises JournalNone."""
        return await self.station.read(lambda conn: self._prover(conn).checkpoint())

    async def checkpoints(self, before: int = 0, count: int = 50) -> dict[str, Any]:
        return await self.station.read(
            lambda conn: {
                "size": self._prover(conn).size,
                **self._prover(conn).checkpoints(before, count),
            }
        )

    async def consistency(self, first: int, second: int = 0) -> dict[str, Any]:
        """Raises JournalSize, JournalNone."""

        def read(conn: Connection) -> dict[str, Any]:
            prover = self._prover(conn)
            made = prover.consistency(first, second)
            return {
                **made,
                "suite": prover.suite.number,
                "origin": prover.origin,
                "first_note": prover.note(made["first"]),
                "second_note": prover.note(made["second"]),
            }

        return await self.station.read(read)

    async def inclusion(self, flow: str, size: int = 0) -> dict[str, Any]:
        """Raises JournalSize, JournalNone."""
        return await self.station.read(lambda conn: self._prover(conn).inclusion(flow, size))

    async def proof(self, seq: int, size: int = 0) -> dict[str, Any]:
        """Raises JournalUnknown, JournalSize, JournalNone."""
        return await self.station.read(lambda conn: self._prover(conn).proof(seq, size))

    async def check(self, document: dict[str, Any]) -> dict[str, Any]:
        """Whether a proof that somebody handed over holds: journal.proof's or
        journal.consistency's, of this journal or another member's. Raises JournalError."""
        parts = self.station.parts
        return check(document, parts.suites, parts.trust.current)

    def _prover(self, conn: Connection) -> Prover:
        return Prover(conn, self.station.parts)
