"""request.* and grant.*: share requests and what comes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Row, select

from ortoo_node import cases, catalog, granting
from ortoo_node.app import NodeApp
from ortoo_node.cases import Wish
from ortoo_protocol.core.cases import Answer, Application
from ortoo_protocol.core.catalog import UNCONDITIONAL
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.errors import CatalogShareType
from ortoo_protocol.core.masks import Mask
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import grants

CaseRole = Literal["applicant", "provider", "all"]
GrantRole = Literal["provider", "reader", "all"]


@dataclass
class RequestMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "request.apply": self.apply,
            "request.list": self.listed,
            "request.show": self.show,
            "request.grant": self.grant,
            "request.refuse": self.refuse,
            "request.withdraw": self.withdraw,
            "grant.list": self.grants,
            "grant.end": self.end_grant,
        }

    async def apply(
        self,
        resource: str,
        department: str,
        purpose: str,
        basis: str,
        scenario: str,
        handler: str,
        approver: str,
        items: list[str] = [],  # noqa: B006  # never changed; the control server reads it
        row_filter: str = "",
        mode: str = "系统对接",
        until_ms: int = 0,
    ) -> dict[str, Any]:
        wish = Wish(
            resource=resource,
            department=department,
            items=tuple(items),
            row_filter=row_filter,
            purpose=purpose,
            basis=basis,
            scenario=scenario,
            mode=mode,
            until_ms=until_ms,
            handler=handler,
            approver=approver,
        )
        return await self.app.station.write(lambda tx: _apply(tx, wish))

    async def listed(self, role: CaseRole = "all", state: str | None = None) -> dict[str, Any]:
        def read(conn: Connection) -> list[dict[str, Any]]:
            return [case_of(conn, row) for row in cases.listed(conn, role, state)]

        return {"cases": await self.app.station.read(read)}

    async def show(self, case: str) -> dict[str, Any]:
        def read(conn: Connection) -> dict[str, Any]:
            row = cases.find(conn, case)
            names = ("time_ms", "event", "party", "by", "reason")
            answer = decode(row.answer, Answer) if row.answer else None
            return {
                "case": case_of(conn, row),
                "application": msgspec.to_builtins(decode(row.application, Application)),
                "answer": msgspec.to_builtins(answer),
                "events": [
                    {name: getattr(event, name) for name in names}
                    for event in cases.history(conn, case)
                ],
            }

        return await self.app.station.read(read)

    async def grant(
        self,
        case: str,
        items: list[str],
        handler: str,
        approver: str,
        conditions: str = "",
        until_ms: int = 0,
        masks: dict[str, str] = {},  # noqa: B006  # as `items` above
    ) -> dict[str, Any]:
        hidden = [Mask(column, mask) for column, mask in masks.items()]

        def job(tx: Tx) -> dict[str, Any]:
            grant = cases.answer_yes(
                tx, case, items, handler, approver, conditions, until_ms, hidden
            )
            feed = grants_held.row(tx, grant).feed
            return {"case": case, "state": "granted", "grant": grant, "feed": feed}

        return await self.app.station.write(job)

    async def refuse(self, case: str, reason: str, handler: str, approver: str) -> dict[str, Any]:
        state = await self.app.station.write(
            lambda tx: cases.answer_no(tx, case, reason, handler, approver)
        )
        return {"case": case, "state": state.value}

    async def withdraw(self, case: str, reason: str, handler: str) -> dict[str, Any]:
        state = await self.app.station.write(lambda tx: cases.withdraw(tx, case, reason, handler))
        return {"case": case, "state": state.value}

    # --- grants ---

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


def _apply(tx: Tx, wish: Wish) -> dict[str, Any]:
    entry = catalog.entry(tx.conn, wish.resource)
    if entry.share_type == UNCONDITIONAL:
        raise CatalogShareType(
            resource=entry.code, share_type="无条件共享", detail="subscribe, no application needed"
        )
    case = cases.apply(tx, wish)
    return {"case": case, "provider": entry.provider, "state": cases.find(tx.conn, case).state}


def resource_name(conn: Connection, code: str) -> str:
    row = catalog.find(conn, code)
    return code if row is None else str(row.name)


def case_of(conn: Connection, row: Row[Any]) -> dict[str, Any]:
    application = decode(row.application, Application)
    return {
        "case": row.case,
        "role": row.role,
        "resource": row.resource,
        "resource_name": resource_name(conn, row.resource),
        "applicant": row.applicant,
        "department": row.department,
        "department_name": application.department_name,
        "provider": row.provider,
        "purpose": application.purpose,
        "state": row.state,
        "opened_ms": row.opened_ms,
        "notarised": row.notarised,
        "changed_ms": row.changed_ms,
        "grant": row.grant,
        "reason": row.reason,
    }


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
        "purpose": terms.purpose,
        "from_ms": row.from_ms,
        "until_ms": row.until_ms,
        "state": "ended" if over else "active",
        "reason": row.end_reason,
        "ended_ms": row.ended_ms,
    }
