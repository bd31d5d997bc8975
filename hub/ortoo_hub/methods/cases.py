"""case.*, grant.*: what was notarised."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, select

from ortoo_hub import cases
from ortoo_hub.cases import comparing, ruling, store
from ortoo_hub.cases.waiting import waiting
from ortoo_hub.catalog import listing
from ortoo_protocol.core.cases import Answer, Application, Event, Side, State, open_events
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.errors import CaseDiffers, CaseUnknown
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.cases import attachments
from ortoo_protocol.station.cases.showing import clocks_of, described
from ortoo_protocol.station.control import Method
from ortoo_protocol.station.control_client import error_to
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import grants

MOST = 10_000
RulingName = Literal["extend", "deny-extension", "decide", "uphold", "refer"]


@dataclass(frozen=True)
class CaseMethods:
    station: Station

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "case.list": self.list_,
            "case.show": self.show,
            "case.attachment": self.attachment,
            "case.differing": self.differing,
            "coordination.list": self.coordinations,
            "coordination.rule": self.rule,
            "grant.list": self.grants,
        }

    async def list_(
        self, state: str | None = None, limit: int = MOST, offset: int = 0
    ) -> dict[str, Any]:
        """The newest first, from `offset` on; `total`: how many there are."""
        most = max(0, min(limit, MOST))

        def read(conn: Connection) -> dict[str, Any]:
            rows = store.listed(conn, state, most, max(0, offset))
            return {"cases": [_case(row) for row in rows], "total": store.count(conn, state)}

        return await self.station.read(read)

    async def show(self, case: str) -> dict[str, Any]:
        return await self.station.read(lambda conn: _show(conn, case))

    async def attachment(self, case: str, position: int) -> dict[str, Any]:
        """A scan that came with an application; positions count from 0."""
        suite = self.station.parts.identity.suite

        def read(conn: Connection) -> dict[str, Any]:
            named = decode(store.known(conn, case).application, Application).attachments
            content = attachments.content(conn, suite, case, position, named)
            return {**described(named[position]), "content": base64.b64encode(content).decode()}

        return await self.station.read(read)

    async def differing(self) -> dict[str, Any]:
        """Cases of which a member holds another state."""
        rows = await self.station.read(comparing.differing)
        names = ("case", "state", "party", "said", "time_ms")
        return {"cases": [{name: getattr(row, name) for name in names} for row in rows]}

    async def findings(self) -> list[dict[str, Any]]:
        """For doctor."""
        return [
            {
                "check": "cases",
                "subject": one["party"],
                "level": "error",
                "error": error_to(
                    CaseDiffers(case=one["case"], here=one["state"], there=one["said"])
                ),
            }
            for one in (await self.differing())["cases"]
        ]

    async def coordinations(self) -> dict[str, Any]:
        """What waits for the authority: disputes to coordinate, extensions that are asked for."""

        def read(conn: Connection) -> list[dict[str, Any]]:
            return [
                {**_case(row), "waits_for": waits, "clocks": clocks_of(conn, row.case)}
                for row, waits in waiting(conn)
            ]

        return {"cases": await self.station.read(read)}

    async def rule(
        self, case: str, event: RulingName, reason: str, handler: str, approver: str
    ) -> dict[str, Any]:
        state = await self.station.write(
            lambda tx: ruling.rule(tx, case, Event(event), reason, handler, approver)
        )
        return {"case": case, "state": state.value}

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
        "group": row.group,
        "share_type": row.share_type,
    }


def _show(conn: Connection, case: str) -> dict[str, Any]:
    row = cases.find(conn, case)
    if row is None:
        raise CaseUnknown(case=case)
    names = ("time_ms", "event", "party", "by", "reason")
    application = decode(row.application, Application)
    return {
        "case": _case(row),
        "application": application,
        "attachments": [described(each) for each in application.attachments],
        "clocks": clocks_of(conn, case),
        "open": {
            Side.AUTHORITY.value: [
                event.value for event in open_events(State(row.state), Side.AUTHORITY)
            ]
        },
        "answer": None if row.answer is None else decode(row.answer, Answer),
        "events": [
            {name: getattr(event, name) for name in names} for event in cases.events_of(conn, case)
        ],
    }


def _grants(conn: Connection, active: bool, now_ms: int) -> list[dict[str, Any]]:
    query = select(grants).order_by(grants.c.from_ms.desc(), grants.c.grant).limit(MOST)
    if active:
        query = query.where(grants_held.live(now_ms))
    return [grant_of(conn, row, now_ms) for row in conn.execute(query).all()]


def grant_of(conn: Connection, row: Row[Any], now_ms: int) -> dict[str, Any]:
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
        "mode": terms.mode,
        "purpose": terms.purpose,
        "from_ms": terms.from_ms,
        "until_ms": terms.until_ms,
        "state": "ended" if ended else "suspended" if row.suspension else "active",
        "reason": row.end_reason,
        "ended_ms": row.ended_ms,
    }
