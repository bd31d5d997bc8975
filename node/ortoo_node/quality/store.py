"""Rules, publications as the rules saw them, reports and schedules, in the station's store.

Every version of rules is kept, the newest is in force.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from ortoo_node import catalog
from ortoo_node.quality.report import Report
from ortoo_node.quality.rules import RuleSet, check_rules
from ortoo_node.store.tables import (
    quality_reports,
    quality_rules,
    quality_runs,
    quality_schedules,
)
from ortoo_protocol.core.catalog.freshness import DAY_MS, HOUR_MS
from ortoo_protocol.core.errors import CatalogOwner, QualityLacking, QualityRule, TaskReason
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import upsert

OFF = "off"
CYCLES_MS = {"hourly": HOUR_MS, "daily": DAY_MS, "weekly": 7 * DAY_MS, "monthly": 30 * DAY_MS}


def put(tx: Tx, rules: RuleSet, by: str) -> int:
    """Put `rules` in force; returns their version. Raises CatalogUnknown, CatalogOwner,
    QualityRule, TaskReason."""
    if not by.strip():
        raise TaskReason()
    entry = catalog.entry(tx.conn, rules.resource)
    if entry.provider != tx.party:
        raise CatalogOwner(resource=rules.resource)
    check_rules(rules, entry)
    for rule in rules.rules:
        if isinstance(rule.resource, str):
            _check_other(tx, rule.name, rule.resource, str(rule.item))
    known = newest(tx.conn, rules.resource)
    version = 1 if known is None else int(known.version) + 1
    values = {
        "resource": rules.resource,
        "version": version,
        "rules": msgspec.json.encode(rules),
        "by": by,
        "time_ms": tx.now_ms,
    }
    tx.conn.execute(insert(quality_rules).values(values))
    return version


def _check_other(tx: Tx, rule: str, resource: str, item: str) -> None:
    other = catalog.find(tx.conn, resource)
    if other is None or other.provider != tx.party:
        raise QualityRule(rule=rule, detail=f"{resource} is no resource of this station")
    if item not in {each.column for each in catalog.entry(tx.conn, resource).items}:
        raise QualityRule(rule=rule, detail=f"{resource} has no item {item}")


def newest(conn: Connection, resource: str) -> Row[Any] | None:
    query = select(quality_rules).where(quality_rules.c.resource == resource)
    return conn.execute(query.order_by(quality_rules.c.version.desc()).limit(1)).first()


def in_force(conn: Connection, resource: str) -> RuleSet:
    """Those of the newest version; none were ever given: no rules."""
    row = newest(conn, resource)
    return RuleSet(resource=resource, rules=()) if row is None else decoded(row)


def ruled(conn: Connection) -> dict[str, int]:
    """How many rules are in force, of each resource that has any version."""
    newest_ = (
        select(quality_rules.c.resource, func.max(quality_rules.c.version).label("version"))
        .group_by(quality_rules.c.resource)
        .subquery()
    )
    same = (quality_rules.c.resource == newest_.c.resource) & (
        quality_rules.c.version == newest_.c.version
    )
    found = conn.execute(select(quality_rules).join(newest_, same))
    return {row.resource: len(decoded(row).rules) for row in found}


def decoded(row: Row[Any]) -> RuleSet:
    return msgspec.json.decode(row.rules, type=RuleSet)


def versions(conn: Connection, resource: str) -> Sequence[Row[Any]]:
    query = select(quality_rules).where(quality_rules.c.resource == resource)
    return conn.execute(query.order_by(quality_rules.c.version.desc())).all()


# --- publications as the rules saw them ---------------------------------------------------------


def note_run(tx: Tx, resource: str, rows: int, rejected: int, warned: Mapping[str, int]) -> None:
    """A publication is done: `rows` were read, `rejected` kept back; `warned` left all the same."""
    known = last_run(tx.conn, resource)
    row = {
        "resource": resource,
        "run": 1 if known is None else int(known.run) + 1,
        "rows": rows,
        "rejected": rejected,
        "warned": msgspec.json.encode(dict(warned)),
        "time_ms": tx.now_ms,
    }
    upsert(tx.conn, quality_runs, [row])


def last_run(conn: Connection, resource: str) -> Row[Any] | None:
    query = select(quality_runs).where(quality_runs.c.resource == resource)
    return conn.execute(query).first()


def warned(run: Row[Any] | None) -> dict[str, int]:
    """By rule, how many rows of that publication left all the same."""
    return {} if run is None else msgspec.json.decode(run.warned, type=dict[str, int])


def runs(conn: Connection) -> dict[str, Row[Any]]:
    return {row.resource: row for row in conn.execute(select(quality_runs))}


# --- reports and their schedule -----------------------------------------------------------------


def keep_report(tx: Tx, report: Report, most: int) -> None:
    """Keep `report`, and of this resource the newest `most`."""
    values = {
        "resource": report.resource,
        "time_ms": report.time_ms,
        "score_permille": report.score_permille,
        "passed": report.passed,
        "report": msgspec.json.encode(report),
    }
    tx.conn.execute(insert(quality_reports).values(values))
    mine = quality_reports.c.resource == report.resource
    newest = select(quality_reports.c.number).where(mine).order_by(quality_reports.c.number.desc())
    last = tx.conn.execute(newest.offset(most).limit(1)).scalar()
    if last is not None:
        tx.conn.execute(delete(quality_reports).where(mine, quality_reports.c.number <= last))


def newest_report(conn: Connection, resource: str) -> Report:
    """Raises QualityLacking."""
    query = select(quality_reports.c.report).where(quality_reports.c.resource == resource)
    raw = conn.execute(query.order_by(quality_reports.c.number.desc()).limit(1)).scalar()
    if raw is None:
        raise QualityLacking(thing="report", resource=resource)
    return msgspec.json.decode(raw, type=Report)


def scores(conn: Connection, resource: str, most: int = 30) -> list[tuple[int, int]]:
    """(time, score) of the newest reports, oldest first."""
    query = (
        select(quality_reports.c.time_ms, quality_reports.c.score_permille)
        .where(quality_reports.c.resource == resource)
        .order_by(quality_reports.c.number.desc())
        .limit(most)
    )
    return [(time_ms, score) for time_ms, score in conn.execute(query)][::-1]


def latest(conn: Connection) -> Sequence[Any]:
    """The newest report of each resource (rows), without its contents."""
    columns = (
        quality_reports.c.resource,
        quality_reports.c.time_ms,
        quality_reports.c.score_permille,
        quality_reports.c.passed,
    )
    newest = select(func.max(quality_reports.c.number)).group_by(quality_reports.c.resource)
    query = select(*columns).where(quality_reports.c.number.in_(newest))
    return conn.execute(query.order_by(quality_reports.c.resource)).all()


def schedule(tx: Tx, resource: str, cycle: str) -> int:
    """Check `resource` every `cycle` from now on ("off": no more); when next, in ms."""
    if catalog.entry(tx.conn, resource).provider != tx.party:
        raise CatalogOwner(resource=resource)
    mine = quality_schedules.c.resource == resource
    if cycle == OFF:
        tx.conn.execute(delete(quality_schedules).where(mine))
        return 0
    next_ms = tx.now_ms + CYCLES_MS[cycle]
    row = {"resource": resource, "cycle": cycle, "next_ms": next_ms, "error": ""}
    upsert(tx.conn, quality_schedules, [row])
    return next_ms


def due(conn: Connection, now_ms: int) -> Sequence[str]:
    query = select(quality_schedules.c.resource).where(quality_schedules.c.next_ms <= now_ms)
    return conn.execute(query.order_by(quality_schedules.c.next_ms)).scalars().all()


def ran(tx: Tx, resource: str, error: str) -> None:
    """The scheduled check of `resource` is done, or could not be: `error` is the code."""
    mine = quality_schedules.c.resource == resource
    cycle = tx.conn.execute(select(quality_schedules.c.cycle).where(mine)).scalar()
    if cycle is not None:
        values = {"next_ms": tx.now_ms + CYCLES_MS[cycle], "error": error}
        tx.conn.execute(update(quality_schedules).where(mine).values(values))


def schedules(conn: Connection) -> dict[str, Row[Any]]:
    return {row.resource: row for row in conn.execute(select(quality_schedules))}
