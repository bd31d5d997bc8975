"""grant.*: what was granted, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, select

from ortoo_node import cases, granting
from ortoo_node.app import NodeApp
from ortoo_node.catalog.mirror import resource_name
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import grants

GrantRole = Literal["provider", "reader", "all"]


@dataclass
class GrantMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {"grant.list": self.grants, "grant.end": self.end_grant}

    async def grants(self, active: bool = True, role: GrantRole = "all") -> dict[str, Any]:
        now_ms, party = self.app.station.parts.clock(), self.app.station.party

        def read(conn: Connection) -> list[dict[str, Any]]:
            query = select(grants).order_by(grants.c.from_ms.desc())
            if active:
                query = query.where(grants_held.live(now_ms))
            if role != "all":
                query = query.where(grants.c[role] == party)
            return [grant_of(conn, row, now_ms) for row in conn.execute(query)]

        return {"grants": await self.app.station.read(read)}

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


def grant_of(conn: Connection, row: Row[Any], now_ms: int) -> dict[str, Any]:
    terms = grants_held.terms_of(row)
    over = row.ended_ms is not None or bool(row.until_ms and row.until_ms <= now_ms)
    return {
        "grant": row.grant,
        "case": terms.case,
        "resource": row.resource,
        "resource_name": resource_name(conn, row.resource),
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
        "state": _state(row, over=over),
        "reason": row.end_reason,
        "ended_ms": row.ended_ms,
    }


def _state(row: Row[Any], *, over: bool) -> str:
    if over:
        return "ended"
    if row.offered:
        return "offered"
    return "suspended" if row.suspension else "active"
