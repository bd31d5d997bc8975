"""How often a grant may ask a query: calls a minute and a day (of 北京时间).

Counted in memory, and once after a start from the record; what is refused is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import func, select

from ortoo_node.queries.declared import Declaration
from ortoo_node.queries.record import ANSWERED, REFUSED
from ortoo_node.store.tables import queries
from ortoo_protocol.core.errors import QueryRate
from ortoo_protocol.station.context import Tx

_MINUTE_MS, _DAY_MS, _CIVIL_MS = 60_000, 86_400_000, 8 * 3_600_000
MOST_COUNTED = 50_000


@dataclass
class _Count:
    minute: int
    in_minute: int
    day: int
    in_day: int


@dataclass
class Rates:
    """For the writer's thread alone."""

    _counts: dict[tuple[str, str], _Count] = field(default_factory=dict)

    def spend(self, tx: Tx, grant: str, declared: Declaration) -> None:
        """Count one call. Raises QueryRate."""
        minute, day = _windows(tx.now_ms)
        name = (grant, declared.code)
        count = self._counts.get(name)
        if count is None:
            if len(self._counts) > MOST_COUNTED:
                self._counts.clear()
            count = self._counts[name] = _recorded(tx, grant, declared.code)
        if count.minute != minute:
            count.minute, count.in_minute = minute, 0
        if count.day != day:
            count.day, count.in_day = day, 0
        if count.in_minute >= declared.calls_a_minute:
            raise QueryRate(detail=f"{declared.calls_a_minute} calls a minute")
        if count.in_day >= declared.calls_a_day:
            raise QueryRate(detail=f"{declared.calls_a_day} calls a day")
        count.in_minute += 1
        count.in_day += 1


def _windows(now_ms: int) -> tuple[int, int]:
    return now_ms // _MINUTE_MS, (now_ms + _CIVIL_MS) // _DAY_MS


def _recorded(tx: Tx, grant: str, code: str) -> _Count:
    minute, day = _windows(tx.now_ms)

    def since(time_ms: int) -> int:
        query = select(func.count()).where(
            queries.c.role == ANSWERED,
            queries.c.grant == grant,
            queries.c.query == code,
            queries.c.time_ms >= time_ms,
            queries.c.state != REFUSED,
        )
        return int(tx.conn.execute(query).scalar_one())

    day_begins_ms = day * _DAY_MS - _CIVIL_MS
    return _Count(minute, since(minute * _MINUTE_MS), day, since(day_begins_ms))
