"""request.compare, coordination.*: whether all hold the same state, and what this station's own
authority decides."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection

from ortoo_node.app import NodeApp
from ortoo_node.cases import comparing, disputing
from ortoo_node.cases.waiting import waiting
from ortoo_node.catalog.mirror import resource_names
from ortoo_node.methods.requests import case_of
from ortoo_protocol.core.cases import Event
from ortoo_protocol.core.errors import CaseDiffers
from ortoo_protocol.station import paging
from ortoo_protocol.station.cases.showing import clocks_of
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.control_client import error_to

RulingName = Literal["extend", "deny-extension", "decide", "uphold", "refer"]
LOOK_S = 0.1


@dataclass
class CoordinationMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "request.compare": self.compare,
            "coordination.list": self.coordinations,
            "coordination.rule": self.rule,
        }

    async def compare(self, wait_s: int = 10) -> dict[str, Any]:
        """Ask the hub what it holds, wait for its word, and name what differs."""
        began_ms = self.app.now_ms()
        asked = await self.app.station.write(comparing.ask)
        answered = asked == 0
        for _ in range(int(wait_s / LOOK_S)):
            if answered:
                break
            await asyncio.sleep(LOOK_S)
            answered = await self.app.station.read(lambda conn: comparing.answered(conn, began_ms))
        rows = await self.app.station.read(comparing.differing)
        return {
            "asked": asked,
            "answered": answered,
            "differing": [
                {"case": row.case, "here": row.state, "there": row.noted_state} for row in rows
            ],
        }

    async def findings(self) -> list[dict[str, Any]]:
        """For doctor: cases that the hub holds in another state."""
        rows = await self.app.station.read(comparing.differing)
        return [
            {
                "check": "cases",
                "subject": row.case,
                "level": "error",
                "error": error_to(
                    CaseDiffers(case=row.case, here=row.state, there=row.noted_state)
                ),
            }
            for row in rows
        ]

    async def coordinations(self, limit: int = paging.MOST, offset: int = 0) -> dict[str, Any]:
        """What waits for it: disputes of two departments here, extensions that are asked for; the
        oldest first, from `offset` on. `total`: how many there are."""

        def read(conn: Connection) -> dict[str, Any]:
            found = waiting(conn)
            here = found[max(0, offset) :][: max(0, limit)]
            names = resource_names(conn, {row.resource for row, _ in here})
            shown = [
                {
                    **case_of(row, names[row.resource]),
                    "waits_for": waits,
                    "clocks": clocks_of(conn, row.case),
                }
                for row, waits in here
            ]
            return {"cases": shown, "total": len(found)}

        return await self.app.station.read(read)

    async def rule(
        self, case: str, event: RulingName, reason: str, handler: str, approver: str
    ) -> dict[str, Any]:
        state = await self.app.station.write(
            lambda tx: disputing.rule(tx, case, Event(event), reason, handler, approver)
        )
        return {"case": case, "state": state.value}
