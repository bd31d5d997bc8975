"""quality.*, reject.* and task.*: rules, what they find, who mends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Row

from ortoo_node.app import NodeApp
from ortoo_node.catalog.mirror import resource_name
from ortoo_node.publishing import rejects
from ortoo_node.quality import rules, store, tasks
from ortoo_protocol.core.errors import QualityLacking
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx

Cycle = Literal["hourly", "daily", "weekly", "monthly", "off"]


@dataclass
class QualityMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "quality.put": self.put,
            "quality.show": self.show,
            "quality.check": self.check,
            "quality.report": self.report,
            "quality.list": self.listed,
            "quality.schedule": self.schedule,
            "reject.list": self.rejects,
            "task.list": self.tasks,
            "task.show": self.task,
            "task.answer": self.answer,
            "task.close": self.close,
        }

    async def put(self, given: dict[str, Any], by: str) -> dict[str, Any]:
        made = rules.read(given)
        version = await self.app.station.write(lambda tx: store.put(tx, made, by))
        self.app.publisher.quality.forget(made.resource)
        return {"resource": made.resource, "version": version, "rules": len(made.rules)}

    async def show(self, resource: str) -> dict[str, Any]:
        def read(conn: Connection) -> dict[str, Any]:
            found = store.versions(conn, resource)
            if not found:
                raise QualityLacking(thing="rule", resource=resource)
            newest = msgspec.to_builtins(store.decoded(found[0]))
            history = [
                {"version": row.version, "by": row.by, "time_ms": row.time_ms} for row in found
            ]
            return {**newest, "version": found[0].version, "versions": history}

        return await self.app.station.read(read)

    # --- reports ---

    async def check(self, resource: str) -> dict[str, Any]:
        await self.app.inspector.check(resource)
        return await self.report(resource)

    async def report(self, resource: str) -> dict[str, Any]:
        def read(conn: Connection) -> dict[str, Any]:
            report = store.newest_report(conn, resource)
            trend = [
                {"time_ms": time_ms, "score_permille": score}
                for time_ms, score in store.scores(conn, resource)
            ]
            return {"report": msgspec.to_builtins(report), "trend": trend}

        return await self.app.station.read(read)

    async def listed(self) -> dict[str, Any]:
        """Every resource that was published, or has rules, a report or a schedule. `rules` and
        `rejects` are numbers."""

        def read(conn: Connection) -> list[dict[str, Any]]:
            reports = {row.resource: row for row in store.latest(conn)}
            schedules, ruled = store.schedules(conn), store.ruled(conn)
            aside = rejects.counts(conn)
            return [
                {
                    **_standing(conn, resource, reports.get(resource), schedules.get(resource)),
                    "rules": ruled.get(resource, 0),
                    "rejects": aside.get(resource, 0),
                }
                for resource in sorted({*reports, *schedules, *ruled, *store.runs(conn)})
            ]

        return {"resources": await self.app.station.read(read)}

    async def schedule(self, resource: str, cycle: Cycle) -> dict[str, Any]:
        next_ms = await self.app.station.write(lambda tx: store.schedule(tx, resource, cycle))
        return {"resource": resource, "cycle": cycle, "next_ms": next_ms}

    # --- rejects ---

    async def rejects(self, resource: str, most: int = 100, offset: int = 0) -> dict[str, Any]:
        """The newest first, from `offset` on; `kept`: how many can be seen so."""
        names = ("run", "row", "key", "column", "error", "detail", "times", "first_ms", "time_ms")

        def read(conn: Connection) -> dict[str, Any]:
            most_ = max(1, min(most, rejects.MOST_KEPT))
            found = rejects.listed(conn, resource, most_, max(0, offset))
            totals = rejects.by_reason(conn, resource)
            return {
                "rejects": [{name: getattr(row, name) for name in names} for row in found],
                "kept": rejects.kept(conn, resource),
                "totals": [
                    {"error": row.error, "column": row.column, "total": row.total} for row in totals
                ],
            }

        return await self.app.station.read(read)

    # --- tasks ---

    async def tasks(
        self, settled: bool = False, limit: int | None = None, offset: int = 0
    ) -> dict[str, Any]:
        """Those that wait first, from `offset` on; `limit` None: all. `total`: how many there
        are."""
        now_ms = self.app.station.parts.clock()
        most = None if limit is None else max(0, limit)

        def read(conn: Connection) -> dict[str, Any]:
            found = tasks.listed(conn, settled=settled, most=most, offset=max(0, offset))
            return {
                "tasks": [_task(conn, row, now_ms) for row in found],
                "total": tasks.total(conn, settled=settled),
            }

        return await self.app.station.read(read)

    async def task(self, task: str) -> dict[str, Any]:
        now_ms = self.app.station.parts.clock()

        def read(conn: Connection) -> dict[str, Any]:
            return _task(conn, tasks.find(conn, task), now_ms)

        return {"task": await self.app.station.read(read)}

    async def answer(self, task: str, by: str, reason: str) -> dict[str, Any]:
        def job(tx: Tx) -> str:
            return tasks.answer(tx, task, by, reason).value

        return {"task": task, "state": await self.app.station.write(job)}

    async def close(self, task: str, by: str, reason: str) -> dict[str, Any]:
        def job(tx: Tx) -> str:
            return tasks.close(tx, task, by, reason).value

        return {"task": task, "state": await self.app.station.write(job)}

    async def counts(self) -> dict[str, Any]:
        """What `status` says of all this."""
        now_ms = self.app.station.parts.clock()

        def read(conn: Connection) -> dict[str, Any]:
            return {"rejects": rejects.counts(conn), "tasks": tasks.counts(conn, now_ms)}

        return await self.app.station.read(read)


def _standing(
    conn: Connection, resource: str, report: Any | None, schedule: Row[Any] | None
) -> dict[str, Any]:
    return {
        "resource": resource,
        "resource_name": resource_name(conn, resource),
        "time_ms": 0 if report is None else report.time_ms,
        "score_permille": None if report is None else report.score_permille,
        "passed": None if report is None else report.passed,
        "cycle": "" if schedule is None else schedule.cycle,
        "next_ms": 0 if schedule is None else schedule.next_ms,
        "error": "" if schedule is None else schedule.error,
    }


def _task(conn: Connection, row: Row[Any], now_ms: int) -> dict[str, Any]:
    names = ("time_ms", "event", "by", "reason")
    waits = row.state in tasks.UNSETTLED
    return {
        "task": row.task,
        "resource": row.resource,
        "resource_name": resource_name(conn, row.resource),
        "department": row.department,
        "rule": row.rule,
        "what": row.what,
        "state": row.state,
        "overdue": waits and row.due_ms < now_ms,
        "opened_ms": row.opened_ms,
        "due_ms": row.due_ms,
        "changed_ms": row.changed_ms,
        "events": [
            {name: getattr(event, name) for name in names}
            for event in tasks.history(conn, row.task)
        ],
    }
