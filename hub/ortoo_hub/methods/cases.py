"""case.*, grant.*: what was notarised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from ortoo_hub import cases
from ortoo_hub.catalog import listing
from ortoo_protocol.core.cases import Answer, Application
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.errors import CaseUnknown
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.control import Method
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import grants

MOST = 10_000


@dataclass(frozen=True)
class CaseMethods:
    station: Station

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "case.list": self.list_,
            "case.show": self.show,
            "grant.list": self.grants,
        }

    async def list_(self, state: str | None = None) -> dict[str, Any]:
        rows = await self.station.read(lambda conn: cases.listed(conn, state, MOST))
        return {"cases": [_case(row) for row in rows]}

    async def show(self, case: str) -> dict[str, Any]:
        return await self.station.read(lambda conn: _show(conn, case))

    async def grants(self, active: bool = True, role: str = "all") -> dict[str, Any]:
        """`role` is a station's question: the hub has none in a grant."""
        now_ms = self.station.parts.clock()
        return {"grants": await self.station.read(lambda conn: _grants(conn, active, now_ms))}


def _case(row: Row[Any]) -> dict[str, Any]:
    return {
        "case": row.case,
        "role": "",
        "resource": row.resource,
        "resource_name": row.resource_name,
        "applicant": row.applicant,
        "department": row.department,
        "department_name": row.department_name,
        "provider": row.provider,
        "purpose": row.purpose,
        "state": row.state,
        "opened_ms": row.opened_ms,
        "notarised": True,
        "changed_ms": row.changed_ms,
        "grant": row.grant,
        "reason": row.reason,
    }


def _show(conn: Connection, case: str) -> dict[str, Any]:
    row = cases.find(conn, case)
    if row is None:
        raise CaseUnknown(case=case)
    names = ("time_ms", "event", "party", "by", "reason")
    return {
        "case": _case(row),
        "application": decode(row.application, Application),
        "answer": None if row.answer is None else decode(row.answer, Answer),
        "events": [
            {name: getattr(event, name) for name in names} for event in cases.events_of(conn, case)
        ],
    }


def _grants(conn: Connection, active: bool, now_ms: int) -> list[dict[str, Any]]:
    query = select(grants).order_by(grants.c.from_ms.desc(), grants.c.grant).limit(MOST)
    if active:
        query = query.where(grants_held.live(now_ms))
    return [_grant(conn, row, now_ms) for row in conn.execute(query).all()]


def _grant(conn: Connection, row: Row[Any], now_ms: int) -> dict[str, Any]:
    terms = grants_held.terms_of(row)
    ended = row.ended_ms is not None or 0 < row.until_ms <= now_ms
    return {
        "grant": terms.grant,
        "case": terms.case,
        "resource": terms.resource,
        "resource_name": listing.name_of(conn, terms.resource),
        "feed": terms.feed,
        "provider": terms.provider,
        "reader": terms.reader,
        "reader_department": terms.reader_department,
        "items": list(terms.items),
        "row_filter": terms.row_filter,
        "masks": {mask.column: mask.mask for mask in terms.masks},
        "purpose": terms.purpose,
        "from_ms": terms.from_ms,
        "until_ms": terms.until_ms,
        "state": "ended" if ended else "active",
        "reason": row.end_reason,
        "ended_ms": row.ended_ms,
    }
