"""What was decided about a publication, and what became of its last run."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, or_, select

from ortoo_node.sources.tables import Capture, How
from ortoo_node.store.tables import publication_plans, publication_runs, publications
from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.control_client import error_to
from ortoo_protocol.station.store.dialect import upsert

BACK_OFF_S = 5
LONGEST_S = 3_600


@dataclass(frozen=True)
class Plan:
    """`every_s` 0: only when somebody says so. `follow`: whenever the database tells of changes."""

    capture: Capture = field(default_factory=Capture)
    every_s: int = 0
    follow: bool = False

    @property
    def by_itself(self) -> bool:
        return self.every_s > 0 or self.follow


@dataclass(frozen=True)
class Run:
    """What a run did. `how`: the way in which changes were found, as far as that is known."""

    began_ms: int
    how: str = ""
    rows: int = 0
    upserts: int = 0
    deletes: int = 0
    rejected: int = 0


def plan_of(conn: Connection, resource: str) -> Plan:
    row = conn.execute(_of(publication_plans, resource)).first()
    return Plan() if row is None else _plan(row)


def keep(tx: Tx, resource: str, plan: Plan) -> None:
    capture = plan.capture
    row = {
        "resource": resource,
        "capture": capture.how.value,
        "watermark": capture.watermark,
        "overlap": capture.overlap,
        "whole_every_s": capture.whole_every_s,
        "every_s": plan.every_s,
        "follow": plan.follow,
    }
    upsert(tx.conn, publication_plans, [row])
    # It runs again soon: what stood in the way may be what was changed.
    tx.conn.execute(
        publication_runs.update()
        .where(publication_runs.c.resource == resource)
        .values(next_ms=tx.now_ms)
    )


def rest(tx: Tx, resource: str) -> None:
    """It runs by itself no more, until somebody says so again."""
    here = publication_plans.c.resource == resource
    tx.conn.execute(publication_plans.update().where(here).values(every_s=0, follow=False))


def forget(tx: Tx, resource: str) -> None:
    for table in (publication_plans, publication_runs):
        tx.conn.execute(delete(table).where(table.c.resource == resource))


def taken(conn: Connection, resource: str, source: str, table: str) -> str:
    """The resource that this table's log or slot serves, if that is another one: the first, by
    code, that may use it."""
    may = publication_plans.c.capture.in_([How.AUTO.value, How.LOG.value, How.SLOT.value])
    query = (
        select(publications.c.resource)
        .outerjoin(publication_plans, publication_plans.c.resource == publications.c.resource)
        .where(publications.c.source == source, publications.c.table == table)
        .where(publications.c.resource < resource)
        .where(or_(may, publication_plans.c.capture.is_(None)))
        .order_by(publications.c.resource)
        .limit(1)
    )
    return str(conn.execute(query).scalar() or "")


@dataclass(frozen=True)
class Due:
    """A publication that runs by itself; `next_ms` 0: it never ran."""

    resource: str
    source: str
    table: str
    plan: Plan
    next_ms: int
    failures: int


def by_themselves(conn: Connection) -> list[Due]:
    query = (
        select(
            publications.c.source,
            publications.c.table,
            publication_plans,
            publication_runs.c.next_ms,
            publication_runs.c.failures,
        )
        .join(publication_plans, publication_plans.c.resource == publications.c.resource)
        .outerjoin(publication_runs, publication_runs.c.resource == publications.c.resource)
    )
    found = [
        Due(row.resource, row.source, row.table, _plan(row), row.next_ms or 0, row.failures or 0)
        for row in conn.execute(query)
    ]
    return [each for each in found if each.plan.by_itself]


def succeeded(tx: Tx, resource: str, run: Run) -> None:
    plan = plan_of(tx.conn, resource)
    every_s = plan.every_s or (LONGEST_S if plan.follow else 0)
    row = {
        "resource": resource,
        "how": run.how,
        "began_ms": run.began_ms,
        "ended_ms": tx.now_ms,
        "rows": run.rows,
        "upserts": run.upserts,
        "deletes": run.deletes,
        "rejected": run.rejected,
        "failures": 0,
        "error": "",
        "next_ms": max(tx.now_ms, run.began_ms + every_s * 1000) if every_s else 0,
    }
    upsert(tx.conn, publication_runs, [row])


def failed(tx: Tx, resource: str, error: OrtooError) -> None:
    """Rows and times stay those of the last run that ended well."""
    known = tx.conn.execute(_of(publication_runs, resource)).first()
    failures = 1 if known is None else known.failures + 1
    wait_s = min(LONGEST_S, BACK_OFF_S * 2 ** min(failures - 1, 16))
    # Between half and all of it: many sources of one server do not come back at once.
    spread = int.from_bytes(tx.parts.rand(2), "big") / (1 << 16)
    numbers = ("began_ms", "ended_ms", "rows", "upserts", "deletes", "rejected")
    row: dict[str, Any] = {name: getattr(known, name) if known else 0 for name in numbers}
    row |= {
        "resource": resource,
        "how": known.how if known else "",
        "failures": failures,
        "error": json.dumps(error_to(error), ensure_ascii=False),
        "next_ms": tx.now_ms + int(wait_s * 500 * (1 + spread)),
    }
    upsert(tx.conn, publication_runs, [row])


def listed(conn: Connection) -> list[dict[str, Any]]:
    """Every publication with its plan and its last run."""
    runs = {row.resource: row for row in conn.execute(select(publication_runs))}
    answers = []
    for row in conn.execute(select(publications).order_by(publications.c.resource)):
        plan, run = plan_of(conn, row.resource), runs.get(row.resource)
        answers.append(
            {
                "resource": row.resource,
                "source": row.source,
                "table": row.table,
                "capture": plan.capture.how.value,
                "watermark": plan.capture.watermark,
                "overlap": plan.capture.overlap,
                "whole_every_s": plan.capture.whole_every_s,
                "every_s": plan.every_s,
                "follow": plan.follow,
                "how": run.how if run else "",
                "began_ms": run.began_ms if run else 0,
                "ended_ms": run.ended_ms if run else 0,
                "rows": run.rows if run else 0,
                "upserts": run.upserts if run else 0,
                "deletes": run.deletes if run else 0,
                "rejected": run.rejected if run else 0,
                "failures": run.failures if run else 0,
                "next_ms": run.next_ms if run and plan.by_itself else 0,
                "error": json.loads(run.error) if run and run.error else None,
            }
        )
    return answers


def _of(table: Any, resource: str) -> Any:
    return select(table).where(table.c.resource == resource)


def _plan(row: Row[Any]) -> Plan:
    capture = Capture(How(row.capture), row.watermark, row.overlap, row.whole_every_s)
    return Plan(capture, row.every_s, row.follow)
