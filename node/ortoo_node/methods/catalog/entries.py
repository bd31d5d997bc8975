"""catalog.*: entries added, searched, shown, stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from ortoo_node import catalog
from ortoo_node.app import NodeApp
from ortoo_node.catalog import mirror, search, steps
from ortoo_node.catalog.adding import add
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.errors import CatalogUnknown
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station.common_methods import Method


def party_name(trust: Trust, party: str) -> str:
    return next((each.name for each in trust.parties if each.party == party), party)


@dataclass
class EntryMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "catalog.add": self.add,
            "catalog.search": self.search,
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

    async def search(self, text: str, limit: int = 50) -> dict[str, Any]:
        rows = await self.app.station.read(lambda conn: search.search(conn, text, limit))
        return {"entries": [self._summary(row) for row in rows]}

    async def listed(self, mine: bool = False) -> dict[str, Any]:
        provider = self.app.station.party if mine else None
        rows = await self.app.station.read(lambda conn: mirror.listed(conn, provider))
        return {"entries": [self._summary(row) for row in rows]}

    async def show(self, code: str) -> dict[str, Any]:
        def read(conn: Connection) -> Row[Any]:
            row = catalog.find(conn, code)
            if row is None:
                raise CatalogUnknown(resource=code)
            return row

        row = await self.app.station.read(read)
        return {
            "entry": msgspec.to_builtins(decode(row.entry, Entry)),
            "provider_name": self._party_name(row.provider),
            "accepted_ms": row.accepted_ms,
            "number": row.number,
        }

    async def refusals(self) -> dict[str, Any]:
        rows = await self.app.station.read(mirror.refusals)
        names = ("code", "version", "error", "reason", "time_ms")
        return {"refusals": [{name: getattr(row, name) for name in names} for row in rows]}

    async def stop(self, code: str, reason: str, by: str) -> dict[str, Any]:
        rules = self.app.rules
        return dict(
            await self.app.station.write(
                partial(steps.stop, code=code, reason=reason, by=by, rules=rules)
            )
        )

    def _party_name(self, party: str) -> str:
        return party_name(self.app.station.parts.trust.current, party)

    def _summary(self, row: Row[Any]) -> dict[str, Any]:
        entry = decode(row.entry, Entry)
        return {
            "code": row.code,
            "version": row.version,
            "name": row.name,
            "provider": row.provider,
            "provider_name": self._party_name(row.provider),
            "department": row.department,
            "department_name": entry.department_name,
            "share_type": row.share_type,
            "cycle": entry.cycle,
            "items": len(entry.items),
            "status": row.status,
            "feed": row.feed,
        }
