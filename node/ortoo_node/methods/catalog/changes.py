"""catalog.change.*: changes of law or duties, and how long the catalog has to follow them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ortoo_node.app import NodeApp
from ortoo_node.catalog import changes
from ortoo_node.catalog.changes import Change
from ortoo_node.catalog.numbers import day_of
from ortoo_protocol.core.catalog.profiles import profile_named
from ortoo_protocol.core.errors import CatalogOverdue
from ortoo_protocol.station.common_methods import Method
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
        made = await self.app.station.write(
            lambda tx: changes.record(tx, department, what, basis, since, tuple(codes), by)
        )
        return self._view(made)

    async def listed(self, ended: bool = False) -> dict[str, Any]:
        found = await self.app.station.read(lambda conn: changes.listed(conn, open_only=not ended))
        return {"changes": [self._view(each) for each in found]}

    async def extend(self, change: str, reason: str, by: str) -> dict[str, Any]:
        made = await self.app.station.write(lambda tx: changes.extend(tx, change, reason, by))
        return self._view(made)

    async def close(self, change: str, reason: str, by: str) -> dict[str, Any]:
        made = await self.app.station.write(lambda tx: changes.close(tx, change, reason, by))
        return self._view(made)

    async def findings(self) -> list[dict[str, Any]]:
        """For doctor: what is overdue (an error), or will be soon."""
        today = self._today()
        found = await self.app.station.read(lambda conn: changes.overdue(conn, today))
        article = profile_named(self.app.station.parts.trust.current.profile).update.article
        return [
            {
                "check": "catalog",
                "subject": each.what,
                "level": "error" if each.deadline().day < today else "warning",
                "error": error_to(
                    CatalogOverdue(
                        subject=each.what, day=each.deadline().day.isoformat(), article=article
                    )
                ),
            }
            for each in found
        ]

    def _today(self) -> date:
        return day_of(self.app.now_ms()).date()

    def _view(self, change: Change) -> dict[str, Any]:
        deadline = change.deadline()
        names = [name for name in Change.__dataclass_fields__ if name != "codes"]
        late = change.state == changes.OPEN and deadline.day < self._today()
        return {
            **{name: getattr(change, name) for name in names},
            "codes": [{"code": code, "done_ms": done_ms} for code, done_ms in change.codes],
            "due": deadline.day.isoformat(),
            "provisional": deadline.provisional,
            "state": "overdue" if late else change.state,
        }
