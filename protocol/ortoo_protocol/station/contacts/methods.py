"""contact.*: who is responsible in each department; the same at a station and at the hub."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.core.law.contacts import Person
from ortoo_protocol.station import clocks
from ortoo_protocol.station.clocks import Clock
from ortoo_protocol.station.contacts import duty, keeping
from ortoo_protocol.station.contacts.keeping import Contact
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.control import Method, error_to
from ortoo_protocol.station.station import Station


@dataclass(frozen=True)
class ContactMethods:
    station: Station

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "contact.list": self.listed,
            "contact.show": self.show,
            "contact.set": self.set,
            "contact.confirm": self.confirm,
            "contact.handover": self.handover,
            "contact.away": self.away,
            "contact.back": self.back,
        }

    async def listed(
        self, party: str = "", limit: int | None = None, offset: int = 0
    ) -> dict[str, Any]:
        """All that are known here, or `limit` of them; at the hub those of its members too."""
        first = max(0, offset)
        last = None if limit is None else first + max(0, limit)

        def read(conn: Connection) -> dict[str, Any]:
            found = keeping.listed(conn, party or None)
            shown = [self._view(conn, each) for each in found[first:last]]
            return {"contacts": shown, "total": len(found)}

        return await self.station.read(read)

    async def show(self, department: str, party: str = "") -> dict[str, Any]:
        """One department, with its hand-overs."""
        whose = party or self.station.party

        def read(conn: Connection) -> dict[str, Any]:
            shown = self._view(conn, keeping.find(conn, whose, department))
            done = keeping.handovers(conn, whose, department)
            return {**shown, "handovers": [msgspec.structs.asdict(each) for each in done]}

        return await self.station.read(read)

    async def set(
        self,
        department: str,
        unit: str,
        by: str,
        a: Mapping[str, str],
        b: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        second = None if b is None else _person(b)
        return await self._write(
            lambda tx: keeping.put(tx, department, unit, _person(a), second, by)
        )

    async def confirm(self, department: str, by: str) -> dict[str, Any]:
        return await self._write(lambda tx: keeping.confirm(tx, department, by))

    async def handover(
        self, department: str, role: str, to: Mapping[str, str], by: str, reason: str = ""
    ) -> dict[str, Any]:
        made = await self._write(
            lambda tx: keeping.hand_over(tx, department, role, _person(to), by, reason)
        )
        return {**made, "matters": (await self.show(department))["handovers"][0]["matters"]}

    async def away(
        self,
        department: str,
        person: str,
        until_ms: int,
        by: str,
        from_ms: int = 0,
        reason: str = "",
    ) -> dict[str, Any]:
        def job(tx: Tx) -> Contact:
            duty.away(tx, department, person, from_ms or tx.now_ms, until_ms, by, reason)
            return keeping.find(tx.conn, tx.party, department)

        return await self._write(job)

    async def back(self, department: str, person: str) -> dict[str, Any]:
        def job(tx: Tx) -> Contact:
            duty.back(tx, department, person)
            return keeping.find(tx.conn, tx.party, department)

        return await self._write(job)

    async def findings(self) -> list[OrtooError]:
        """What is missing or stale: of this party; at the hub of every active member."""
        trust, party = self.station.parts.trust.current, self.station.party
        parties = [party]
        if party == trust.hub:
            parties += [each.party for each in trust.parties if each.status == "active"]
        return await self.station.read(lambda conn: keeping.findings(conn, trust, parties))

    async def for_doctor(self) -> list[dict[str, Any]]:
        return [
            {"check": "contacts", "subject": "", "level": "warning", "error": error_to(each)}
            for each in await self.findings()
        ]

    async def _write(self, job: Callable[[Tx], Contact]) -> dict[str, Any]:
        return await self.station.write(lambda tx: self._view(tx.conn, job(tx)))

    def _view(self, conn: Connection, contact: Contact) -> dict[str, Any]:
        report, now_ms = contact.report, self.station.parts.clock()
        own = contact.party == self.station.party
        away = duty.absent(conn, report.department, now_ms) if own else []
        due = [one for one in _clocks(conn, contact) if one.closed_ms is None]
        return {
            "party": contact.party,
            "department": report.department,
            "unit": report.unit,
            "number": report.number,
            "confirmed_ms": report.confirmed_ms,
            "by": report.by,
            "persons": [
                {"role": role, **msgspec.structs.asdict(person)} for role, person in contact.persons
            ],
            "away": [
                {"person": row.person, "from_ms": row.from_ms, "until_ms": row.until_ms}
                for row in away
            ],
            "confirm_by": due[0].day.isoformat() if due and due[0].day else "",
            "stale": bool(due) and due[0].state == clocks.LATE,
        }


def _clocks(conn: Connection, contact: Contact) -> list[Clock]:
    return clocks.of(conn, keeping.subject_of(contact.party, contact.report.department))


def _person(given: Mapping[str, str]) -> Person:
    fields = ("name", "phone", "mail", "webhook")
    return Person(*(str(given.get(field, "")) for field in fields))
