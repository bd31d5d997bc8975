"""Freshness (更新情况): the update cycle that an entry promises against what its feed carried.

A provider knows what its feeds carried; whoever does not read them cannot. So each station says so
on its catalog feed, and the hub passes the signed statement on as it does entries. A statement is
made when it tells something new: a feed that carries rows every minute is spoken of twice a day.
For the same reason others judge no cycle finer than a day.

No article counts the days of a cycle (Measures art. 18 asks for 时效性; the 15 working days of
art. 9 are the catalog's, not the data's), so they are days of the calendar, and a tenth is let
pass. But people work on working days: what would be due on a day off is due on the next one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from ortoo_protocol.core.codec import Count, Packed, Shape
from ortoo_protocol.core.errors import CatalogCarried
from ortoo_protocol.core.law.clock import Calendar, day_of, moment_ms
from ortoo_protocol.core.law.instants import too_late

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
# How old may be what was carried last, by the cycle (更新周期). 其他 promises nothing.
PROMISES_MS = {
    "实时": HOUR_MS,
    "每日": DAY_MS,
    "每周": 7 * DAY_MS,
    "每月": 31 * DAY_MS,
    "每季度": 92 * DAY_MS,
    "每半年": 184 * DAY_MS,
    "每年": 366 * DAY_MS,
}
FINEST_MS = DAY_MS  # of what others know

# fresh: within the cycle; late: within twice the cycle; stale: older; never: nothing was carried
# yet; unknown: its provider has not said; none: nothing is promised (其他, stopped, not shared).
FRESH, LATE, STALE, NEVER, UNKNOWN, NONE = "fresh", "late", "stale", "never", "unknown", "none"
STATES = (FRESH, LATE, STALE, NEVER, UNKNOWN, NONE)
FRESH_PERCENT, LATE_PERCENT = 110, 200
MAX_STATED = 1_000
_LATE_MS = (LATE_PERCENT - FRESH_PERCENT) * DAY_MS // 100
MOST_DAYS_OFF = 60  # in a row


class Carriage(Packed, frozen=True):
    """Of one resource: the number its feed has come to, and when it last stood as its source does
    (`carried_ms`; 0: nothing was carried yet)."""

    code: str
    seq: Count
    carried_ms: Count


class Carried(Shape, frozen=True):
    """What the feeds of a provider carried, as it says."""

    time_ms: Count
    resources: tuple[Carriage, ...]


def check_carried(body: Carried) -> Carried:
    """Raises CatalogCarried."""
    if not 1 <= len(body.resources) <= MAX_STATED:
        raise CatalogCarried(detail=f"{len(body.resources)} resources")
    for field in too_late(body):
        raise CatalogCarried(detail=f"{field}: after the last calendar year")
    for each in body.resources:
        if not 1 <= len(each.code) <= 64:
            raise CatalogCarried(detail=repr(each.code[:64]))
        if each.carried_ms > body.time_ms:
            raise CatalogCarried(detail=f"{each.code}: carried after it was said")
    return body


class Judged(NamedTuple):
    """By which moment it is judged whether something is fresh, and whether it is only late."""

    fresh_ms: int
    late_ms: int


def judged(now_ms: int, calendar: Calendar) -> Judged:
    """At `now_ms`. Who let a working day pass after days off is late; a day later, stale."""
    fresh_ms = _before_days_off(now_ms, calendar)
    return Judged(fresh_ms, _before_days_off(fresh_ms - _LATE_MS, calendar) + _LATE_MS)


def _before_days_off(now_ms: int, calendar: Calendar) -> int:
    """Where today or yesterday is a day off, when the days off began; otherwise now."""
    today = first = day_of(now_ms)
    for _ in range(MOST_DAYS_OFF):
        if calendar.is_working(first - timedelta(days=1)):
            break
        first -= timedelta(days=1)
    if first == today and calendar.is_working(today):
        return now_ms
    return moment_ms(first, 0)


def state(promise_ms: int, carried_ms: int | None, by: Judged) -> str:
    """One of STATES. `promise_ms` 0: nothing is promised; `carried_ms` None: nobody said."""
    if not promise_ms:
        return NONE
    if carried_ms is None:
        return UNKNOWN
    if not carried_ms:
        return NEVER
    if (by.fresh_ms - carried_ms) * 100 <= promise_ms * FRESH_PERCENT:
        return FRESH
    return LATE if (by.late_ms - carried_ms) * 100 <= promise_ms * LATE_PERCENT else STALE


def is_news(promise_ms: int, carried_ms: int, stated_ms: int | None) -> bool:
    """Whether `carried_ms` is worth stating when `stated_ms` was stated last: half of what was
    promised has gone by since."""
    if stated_ms is None:
        return True
    return carried_ms - stated_ms >= max(promise_ms, FINEST_MS) // 2
