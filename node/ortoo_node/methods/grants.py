"""grant.*: what was granted, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row

from ortoo_node import cases, granting
from ortoo_node.app import NodeApp
from ortoo_node.catalog.mirror import resource_names
from ortoo_protocol.station import grants_held, paging
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx

GrantRole = Literal["provider", "reader", "all"]


@dataclass
class GrantMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {"grant.list": self.grants, "grant.end": self.end_grant}

    async def grants(
        self,
        active: bool = True,
        role: GrantRole = "all",
        limit: int = paging.MOST,
        offset: int = 0,
    ) -> dict[str, Any]:
        """The newest first, from `offset` on; `total`: how many there are."""
        now_ms, party = self.app.station.parts.clock(), self.app.station.party
        sides = {} if role == "all" else {role: party}
        query = grants_held.listed(now_ms, "live" if active else "", **sides)

        def read(conn: Connection) -> dict[str, Any]:
            rows, total = paging.page(conn, query, limit, offset)
            names = resource_names(conn, {row.resource for row in rows})
            shown = [grant_of(row, names[row.resource], now_ms) for row in rows]
            return {"grants": shown, "total": total}

        return await self.app.station.read(read)

    async def end_grant(self, grant: str, reason: str, by: str) -> dict[str, Any]:
        def job(tx: Tx) -> dict[str, Any]:
            ended = granting.end(tx, grant, reason, by)
            cases.ended(tx, grants_held.terms_of(grants_held.row(tx, grant)).case, reason)
            return {
                "grant": grant,
                "filing": ended.filing,
                "feed": ended.feed,
                "incarnation": ended.incarnation,
                "fence": ended.fence,
            }

        return await self.app.station.write(job)


def grant_of(row: Row[Any], resource_name: str, now_ms: int) -> dict[str, Any]:
    terms = grants_held.terms_of(row)
    return {
        "grant": row.grant,
        "case": terms.case,
        "resource": row.resource,
        "resource_name": resource_name,
        "feed": row.feed,
        "provider": row.provider,
        "reader": row.reader,
        "reader_department": row.reader_department,
        "items": list(terms.items),
        "row_filter": terms.row_filter,
        "masks": {mask.column: mask.mask for mask in terms.masks},
        "mode": terms.mode,
        "purpose": terms.purpose,
        "from_ms": row.from_ms,
        "until_ms": row.until_ms,
        "conditions": terms.conditions,
        "state": grants_held.state_of(row, now_ms),
        "reason": row.end_reason,
        "ended_ms": row.ended_ms,
    }
