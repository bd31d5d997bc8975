"""todo.list and notify.*: what waits for whom, and how people hear of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ortoo_protocol.core.errors import ContactUnknown, NoticesWaiting
from ortoo_protocol.station import paging, todo
from ortoo_protocol.station.clocks.methods import view
from ortoo_protocol.station.contacts import duty, keeping
from ortoo_protocol.station.control import Method, error_to
from ortoo_protocol.station.notify import queue
from ortoo_protocol.station.notify.notifier import Notifier


@dataclass(frozen=True)
class NotifyMethods:
    notifier: Notifier

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "todo.list": self.todo,
            "notify.list": self.listed,
            "notify.test": self.test,
            "notify.retry": self.retry,
        }

    async def todo(self, person: str = "", department: str = "") -> dict[str, Any]:
        """Of a person, of a department, or of the whole party; the most urgent first."""
        station = self.notifier.station
        now_ms, authority = station.parts.clock(), self.notifier.table.authority

        def read(conn: Connection) -> dict[str, Any]:
            if person:
                found = todo.of_person(conn, station.party, person, now_ms, authority)
            else:
                found = todo.of_department(conn, station.party, department)
            departments = {each.department for each in found}
            on_duty = {
                one: [
                    each.name
                    for each in duty.on_duty(conn, station.party, one or authority, now_ms)
                ]
                for one in sorted(departments)
            }
            return {"clocks": [view(each) for each in found], "on_duty": on_duty}

        return await station.read(read)

    async def listed(self, state: str = "", limit: int = 500, offset: int = 0) -> dict[str, Any]:
        """The newest first, from `offset` on; `total`: how many there are."""
        rows, total = await self.notifier.station.read(
            lambda conn: paging.page(conn, queue.in_order(state), limit, offset)
        )
        names = ("number", "channel", "department", "person", "address", "state", "attempts")
        times = ("error", "created_ms", "next_ms", "settled_ms")
        return {
            "channels": [each.name for each in self.notifier.channels],
            "deliveries": [{name: getattr(row, name) for name in (*names, *times)} for row in rows],
            "total": total,
        }

    async def test(self, person: str = "", department: str = "") -> dict[str, Any]:
        """To nobody in particular, or to this person of this department."""
        station = self.notifier.station

        def read(conn: Connection) -> Any:
            if not person:
                return queue.NOBODY
            for each in keeping.listed(conn, station.party):
                for _, one in each.persons:
                    if one.name == person and department in ("", each.report.department):
                        return one
            raise ContactUnknown(department=person)

        outcomes = await self.notifier.test(await station.read(read))
        return {
            "channels": [
                {**one, "error": None if one["error"] is None else error_to(one["error"])}
                for one in outcomes
            ]
        }

    async def retry(self) -> dict[str, int]:
        return {"count": await self.notifier.again()}

    async def findings(self) -> list[dict[str, Any]]:
        """For doctor: channels that do not take what they are given."""
        found = await self.notifier.station.read(queue.troubles)
        return [
            {
                "check": "notices",
                "subject": channel,
                "level": "error" if lost else "warning",
                "error": error_to(
                    NoticesWaiting(channel=channel, waiting=held, lost=lost, detail=detail)
                ),
            }
            for channel, held, lost, detail in found
        ]
