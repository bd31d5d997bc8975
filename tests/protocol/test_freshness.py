"""Whether what a feed carried is as fresh as its cycle promises, over days off and holidays."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytest

from ortoo_protocol.core.catalog.freshness import FRESH, LATE, PROMISES_MS, STALE, judged, state
from ortoo_protocol.core.law.workdays import WorkingDays

NATIONAL_DAY = {date(2026, 10, 1) + timedelta(days=n): False for n in range(7)}  # Thursday to Wed.


@dataclass(frozen=True)
class Calendar2026(WorkingDays):
    """With the seven days of October, and the Sunday before them that is worked."""

    years: frozenset[int] = frozenset((2026,))
    named: dict[date, bool] = field(
        default_factory=lambda: {**NATIONAL_DAY, date(2026, 9, 27): True}
    )


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+08:00").timestamp() * 1000)


@pytest.mark.parametrize(
    ("cycle", "carried", "looked", "expected"),
    [
        # Friday evening's rows are still fresh on Saturday, Sunday, and all Monday
        ("每日", "2026-09-18 18:00", "2026-09-19 23:00", FRESH),
        ("每日", "2026-09-18 18:00", "2026-09-20 23:00", FRESH),
        ("每日", "2026-09-18 18:00", "2026-09-21 23:59", FRESH),
        ("每日", "2026-09-18 18:00", "2026-09-22 00:00", LATE),
        ("每日", "2026-09-18 18:00", "2026-09-22 22:00", STALE),
        # those of Thursday are not
        ("每日", "2026-09-17 18:00", "2026-09-19 12:00", LATE),
        ("每日", "2026-09-16 18:00", "2026-09-20 12:00", STALE),
        # a worked Sunday is a day as any other: who did not work on it is late
        ("每日", "2026-09-25 18:00", "2026-09-27 23:00", FRESH),
        ("每日", "2026-09-25 18:00", "2026-09-28 12:00", LATE),
        ("每日", "2026-09-25 18:00", "2026-09-28 22:00", STALE),
        # seven days of holidays, and the working day after them
        ("每日", "2026-09-30 18:00", "2026-10-08 23:59", FRESH),
        ("每周", "2026-09-25 18:00", "2026-10-08 12:00", FRESH),
        ("每周", "2026-09-25 18:00", "2026-10-09 12:00", LATE),
        # in the middle of the week nothing is given
        ("每日", "2026-09-22 08:00", "2026-09-23 10:00", FRESH),
        ("每日", "2026-09-22 08:00", "2026-09-23 11:00", LATE),
    ],
)
def test_days_off_make_nothing_late(cycle: str, carried: str, looked: str, expected: str) -> None:
    by = judged(at(looked), Calendar2026())
    assert state(PROMISES_MS[cycle], at(carried), by) == expected


def test_a_calendar_without_working_days_ends() -> None:
    never = Calendar2026(named={date(2026, 1, 1) + timedelta(days=n): False for n in range(365)})
    assert judged(at("2026-12-01 12:00"), never).fresh_ms == at("2026-10-02 00:00")
