"""catalog.*: entries added, searched, shown, stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from ortoo_node import catalog
from ortoo_node.app import NodeApp
from ortoo_node.catalog import mirror, steps
from ortoo_node.catalog.adding import add
from ortoo_node.store.tables import catalog as entries
from ortoo_protocol.core.catalog.freshness import Judged
from ortoo_protocol.core.errors import CatalogUnknown
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station.catalog.looking import CatalogLooking
from ortoo_protocol.station.catalog.searching import judged
from ortoo_protocol.station.catalog.stored import unpack
from ortoo_protocol.station.common_methods import Method

LISTED = 1_000


def party_name(trust: Trust, party: str) -> str:
    return next((each.name for each in trust.parties if each.party == party), party)


@dataclass
class EntryMethods:
    app: NodeApp

    @property
    def looking(self) -> CatalogLooking:
        return CatalogLooking(self.app.station, entries, self._party_name, self.app.rules.scheme)

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "catalog.add": self.add,
            **self.looking.as_mapping(),
            "catalog.show": self.show,
            "catalog.list": self.listed,
            "catalog.refusals": self.refusals,
            "catalog.stop": self.stop,
        }

    async def add(self, entry: dict[str, Any]) -> dict[str, Any]:
        made, seq = await self.app.station.write(lambda tx: add(tx, entry, self.app.rules))
        return {
            "code": made.code,
            "version": made.version,
            "name": made.name,
            "feed": made.feed,
            "seq": seq,
        }

    async def listed(
        self, mine: bool = False, limit: int = LISTED, offset: int = 0
    ) -> dict[str, Any]:
        """By code, a part at a time."""
        provider = self.app.station.party if mine else None
        limit, offset = max(1, min(limit, LISTED)), max(0, offset)

        def read(conn: Connection) -> tuple[Sequence[Row[Any]], int, Judged]:
            return (
                mirror.listed(conn, provider, limit, offset),
                mirror.how_many(conn, provider),
                judged(conn, self.app.now_ms()),
            )

        rows, total, by = await self.app.station.read(read)
        return {"entries": [self.looking.summary(row, by) for row in rows], "total": total}

    async def show(self, code: str, carried: bool = False) -> dict[str, Any]:
        """`carried`: also what its feed carried, and how fresh that is."""

        def read(conn: Connection) -> tuple[Row[Any], dict[str, Any]]:
            row = catalog.find(conn, code)
            if row is None:
                raise CatalogUnknown(resource=code)
            return row, self._carried(conn, code) if carried else {}

        row, told = await self.app.station.read(read)
        return {
            **told,
            "entry": msgspec.to_builtins(unpack(row.entry)),
            "provider_name": self._party_name(row.provider),
            "accepted_ms": row.accepted_ms,
            "number": row.number,
        }

    def _carried(self, conn: Connection, code: str) -> dict[str, Any]:
        row = mirror.indexed(conn, code)
        summary = self.looking.summary(row, judged(conn, self.app.now_ms()))
        return {name: summary[name] for name in ("freshness", "carried_ms", "carried_seq")}

    async def refusals(self, limit: int = LISTED, offset: int = 0) -> dict[str, Any]:
        limit, offset = max(1, min(limit, LISTED)), max(0, offset)
        rows = await self.app.station.read(lambda conn: mirror.refusals(conn, limit, offset))
        names = ("code", "version", "error", "reason", "time_ms")
        return {"refusals": [{name: getattr(row, name) for name in names} for row in rows]}

    async def stop(self, code: str, reason: str, by: str, approver: str) -> dict[str, Any]:
        job = partial(
            steps.stop, code=code, reason=reason, by=by, approver=approver, rules=self.app.rules
        )
        return dict(await self.app.station.write(job))

    def _party_name(self, party: str) -> str:
        return party_name(self.app.station.parts.trust.current, party)
