"""catalog.change.*: changes of law or duties, and how long the catalog has to follow them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection

from ortoo_node.app import NodeApp
from ortoo_node.catalog import changes
from ortoo_node.catalog.changes import Change
from ortoo_protocol.core.errors import CatalogOverdue
from ortoo_protocol.core.law.clock import Calendar, day_of
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.station import clocks
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.control_client import error_to


@dataclass
class ChangeMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "catalog.change.record": self.record,
            "catalog.change.list": self.listed,
            "catalog.change.extend": self.extend,
            "catalog.change.close": self.close,
        }

    async def record(
        self,
        department: str,
        what: str,
        by: str,
        basis: str = "",
        since_ms: int = 0,
        codes: Sequence[str] = (),
    ) -> dict[str, Any]:
        since = since_ms or self.app.now_ms()
        return await self._done(
            lambda tx: changes.record(tx, department, what, basis, since, tuple(codes), by)
        )

    async def listed(self, ended: bool = False) -> dict[str, Any]:
        def read(conn: Connection) -> list[dict[str, Any]]:
            days = clocks.calendar.current(conn)
            found = changes.listed(conn, open_only=not ended)
            return [self._view(each, days) for each in found]

        return {"changes": await self.app.station.read(read)}

    async def extend(self, change: str, reason: str, by: str) -> dict[str, Any]:
        return await self._done(lambda tx: changes.extend(tx, change, reason, by))

    async def close(self, change: str, reason: str, by: str) -> dict[str, Any]:
        return await self._done(lambda tx: changes.close(tx, change, reason, by))

    async def _done(self, step: Callable[[Tx], Change]) -> dict[str, Any]:
        def job(tx: Tx) -> dict[str, Any]:
            return self._view(step(tx), clocks.calendar.current(tx.conn))

        return await self.app.station.write(job)

    async def findings(self) -> list[dict[str, Any]]:
        """For doctor: what is overdue (an error), or will be soon."""
        today = self._today()

        def read(conn: Connection) -> list[tuple[str, date]]:
            days = clocks.calendar.current(conn)
            found = changes.overdue(conn, today, days)
            return [(each.what, each.deadline(days).day) for each in found]

        article = profile_named(self.app.station.parts.trust.current.profile).update.article
        return [
            {
                "check": "catalog",
                "subject": what,
                "level": "error" if day < today else "warning",
                "error": error_to(
                    CatalogOverdue(subject=what, day=day.isoformat(), article=article)
                ),
            }
            for what, day in await self.app.station.read(read)
        ]

    def _today(self) -> date:
        return day_of(self.app.now_ms())

    def _view(self, change: Change, days: Calendar) -> dict[str, Any]:
        deadline = change.deadline(days)
        names = [name for name in Change.__dataclass_fields__ if name != "codes"]
        late = change.state == changes.OPEN and deadline.day < self._today()
        return {
            **{name: getattr(change, name) for name in names},
            "codes": [{"code": code, "done_ms": done_ms} for code, done_ms in change.codes],
            "due": deadline.day.isoformat(),
            "provisional": deadline.provisional,
            "state": "overdue" if late else change.state,
        }
