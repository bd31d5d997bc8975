"""status, doctor and the journal: the common methods and what a hub adds to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from ortoo_hub.methods.cases import CaseMethods
from ortoo_hub.router import Router
from ortoo_hub.store.tables import pending
from ortoo_hub.supervision import findings
from ortoo_protocol.core.errors import BrokerAdminError, BrokerDiffers
from ortoo_protocol.station.clocks.methods import ClockMethods
from ortoo_protocol.station.common_methods import CommonMethods
from ortoo_protocol.station.contacts.methods import ContactMethods
from ortoo_protocol.station.control import Method, error_to
from ortoo_protocol.station.notify.methods import NotifyMethods
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.supervision import findings as supervision


@dataclass(frozen=True)
class ServiceMethods:
    common: CommonMethods
    station: Station
    router: Router
    notify: NotifyMethods

    def as_mapping(self) -> Mapping[str, Method]:
        return {**self.common.as_mapping(), "status": self.status, "doctor": self.doctor}

    async def status(self) -> dict[str, Any]:
        answer = await self.common.status()
        standing = self.router.standing
        warnings = await self._warnings()
        return {
            **answer,
            "members": await self.station.read(self._count_members),
            "router": {
                "agree": standing.agree,
                "changes": standing.changes,
                "checked_ms": standing.checked_ms,
                "error": None if standing.error is None else error_to(standing.error),
            },
            "warnings": [*answer["warnings"], *(error_to(each) for each in warnings)],
        }

    def _count_members(self, conn: Connection) -> dict[str, int]:
        parties = self.station.parts.trust.current.parties
        counted = Counter(entry.status for entry in parties)
        waiting = conn.execute(select(func.count()).select_from(pending)).scalar_one()
        return {
            "active": counted["active"],
            "suspended": counted["suspended"],
            "pending": waiting,
        }

    async def doctor(self) -> dict[str, Any]:
        answer = await self.common.doctor()
        warnings = await self._warnings()
        members = [_finding("members", error_to(each), "warning") for each in warnings]
        return {
            "findings": [
                *answer["findings"],
                *await self._management(),
                *(members or [_finding("members", None)]),
                *await CaseMethods(self.station).findings(),
                *await self.notify.findings(),
                *await ClockMethods(self.station).findings(),
                *await supervision.for_doctor(self.station),
            ]
        }

    async def _warnings(self) -> list[Any]:
        trust, now_ms = self.station.parts.trust.current, self.station.parts.clock()
        found = await self.station.read(lambda conn: findings.findings(conn, trust, now_ms))
        return [*found, *await ContactMethods(self.station).findings()]

    async def _management(self) -> list[dict[str, Any]]:
        """Whether the broker can be programmed, and whether it is as it should be."""
        try:
            _, changes = await self.router.compare()
        except BrokerAdminError as error:
            return [_finding("management", error_to(error), "error")]
        found = [_finding("management", None)]
        if not changes:
            return [*found, _finding("broker-rights", None)]
        differs = error_to(BrokerDiffers(changes=len(changes)))
        return [*found, _finding("broker-rights", differs, "warning")]


def _finding(check: str, error: dict[str, object] | None, level: str = "ok") -> dict[str, Any]:
    return {"check": check, "subject": "", "level": level, "error": error}
