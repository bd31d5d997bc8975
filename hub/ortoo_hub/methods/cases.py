"""case.*, grant.*: what was notarised."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row

from ortoo_hub import cases
from ortoo_hub.cases import comparing, ruling, store
from ortoo_hub.cases.waiting import waiting
from ortoo_hub.catalog import listing
from ortoo_protocol.core.cases import Answer, Application, Event, Side, State, open_events
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.errors import CaseDiffers, CaseUnknown
from ortoo_protocol.station import grants_held, paging
from ortoo_protocol.station.cases import attachments
from ortoo_protocol.station.cases.showing import clocks_of, described
from ortoo_protocol.station.control import Method
from ortoo_protocol.station.control_client import error_to
from ortoo_protocol.station.station import Station

MOST = 10_000
GrantState = Literal["", "active", "offered", "suspended", "ended"]
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

    async def differing(self, limit: int = paging.MOST, offset: int = 0) -> dict[str, Any]:
        """Cases of which a member holds another state, from `offset` on; `total`: how many."""
        rows, total = await self.station.read(
            lambda conn: paging.page(conn, comparing.differing(), limit, offset)
        )
        names = ("case", "state", "party", "said", "time_ms")
        shown = [{name: getattr(row, name) for name in names} for row in rows]
        return {"cases": shown, "total": total}

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

    async def coordinations(self, limit: int = paging.MOST, offset: int = 0) -> dict[str, Any]:
        """What waits for the authority: disputes to coordinate, extensions that are asked for; the
        oldest first, from `offset` on. `total`: how many there are."""

        def read(conn: Connection) -> dict[str, Any]:
            found = waiting(conn)
            here = found[max(0, offset) :][: max(0, limit)]
            shown = [
                {**_case(row), "waits_for": waits, "clocks": clocks_of(conn, row.case)}
                for row, waits in here
            ]
            return {"cases": shown, "total": len(found)}

        return await self.station.read(read)

    async def rule(
        self, case: str, event: RulingName, reason: str, handler: str, approver: str
    ) -> dict[str, Any]:
        state = await self.station.write(
            lambda tx: ruling.rule(tx, case, Event(event), reason, handler, approver)
        )
        return {"case": case, "state": state.value}

    async def grants(
        self,
        active: bool = True,
        state: GrantState = "",
        provider: str = "",
        reader: str = "",
        limit: int = paging.MOST,
        offset: int = 0,
    ) -> dict[str, Any]:
        """The newest first, from `offset` on; `state` instead of `active`: those of one state.
        `total`: how many there are."""
        now_ms = self.station.parts.clock()
        wanted = state or ("live" if active else "")
        query = grants_held.listed(now_ms, wanted, provider, reader)

        def read(conn: Connection) -> dict[str, Any]:
            rows, total = paging.page(conn, query, limit, offset)
            names = listing.names_of(conn, {row.resource for row in rows})
            shown = [grant_of(row, names.get(row.resource, ""), now_ms) for row in rows]
            return {"grants": shown, "total": total}

        return await self.station.read(read)


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


def grant_of(row: Row[Any], resource_name: str, now_ms: int) -> dict[str, Any]:
    terms = grants_held.terms_of(row)
    return {
        "grant": row.grant,
        "case": terms.case,
        "resource": terms.resource,
        "resource_name": resource_name,
        "feed": terms.feed,
        "provider": row.provider,
        "reader": row.reader,
        "reader_department": terms.reader_department,
        "items": list(terms.items),
        "row_filter": terms.row_filter,
        "masks": {mask.column: mask.mask for mask in terms.masks},
        "mode": terms.mode,
        "conditions": terms.conditions,
        "purpose": terms.purpose,
        "from_ms": terms.from_ms,
        "until_ms": row.until_ms,
        "state": grants_held.state_of(row, now_ms),
        "reason": row.end_reason,
        "ended_ms": row.ended_ms,
    }
