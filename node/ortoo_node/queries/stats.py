"""Figures on queries: per query, grant and day of 北京时间, asked and answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, select

from ortoo_node.queries.record import FAILED, REFUSED
from ortoo_node.store.tables import queries
from ortoo_protocol.core.rows import CIVIL_ZONE

_DAY_MS, _CIVIL_MS = 86_400_000, 8 * 3_600_000


def by_day(conn: Connection, now_ms: int, days: int) -> list[dict[str, Any]]:
    """The last `days`, newest first: calls, rows, errors, p50 and p99 in ms."""
    day = ((queries.c.time_ms + _CIVIL_MS) // _DAY_MS).label("day")
    first = (now_ms + _CIVIL_MS) // _DAY_MS - days + 1
    query = (
        select(
            day, queries.c.role, queries.c.query, queries.c.grant, queries.c.state,
            queries.c.rows, queries.c.took_us,
        )
        .where(queries.c.time_ms >= first * _DAY_MS - _CIVIL_MS)
        .order_by(day.desc(), queries.c.role, queries.c.query, queries.c.grant)
    )  # fmt: skip
    found = conn.execution_options(yield_per=1_000).execute(query)
    return [
        _figures(name, list(rows))
        for name, rows in groupby(found, key=lambda row: (row.day, row.role, row.query, row.grant))
    ]


def _figures(name: tuple[int, str, str, str], rows: Sequence[Any]) -> dict[str, Any]:
    day, role, query, grant = name
    took = sorted(row.took_us for row in rows if row.took_us)
    return {
        "day": _date(day),
        "role": role,
        "query": query,
        "grant": grant,
        "calls": len(rows),
        "rows": sum(row.rows for row in rows),
        "errors": sum(row.state in (FAILED, REFUSED) for row in rows),
        "p50_ms": _at(took, 0.50),
        "p99_ms": _at(took, 0.99),
    }


def _at(took: Sequence[int], part: float) -> float:
    if not took:
        return 0.0
    return took[min(len(took) - 1, int(len(took) * part))] / 1_000


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, CIVIL_ZONE).date().isoformat()


def newest(conn: Connection, grant: str | None, limit: int) -> Iterator[Row[Any]]:
    query = select(queries).order_by(queries.c.time_ms.desc()).limit(limit)
    if grant is not None:
        query = query.where(queries.c.grant == grant)
    yield from conn.execute(query)
