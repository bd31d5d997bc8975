"""workdays.json: the calendar of a year, deadlines over and beyond it, years that are refused."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from msgspec.structs import replace

from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.errors import CalendarInvalid
from ortoo_protocol.core.law.clock import moment_ms
from ortoo_protocol.core.law.workdays import CalendarYear, NamedDay, WorkingDays, check_year

HOW = (
    "`year` is the body of one year of `calendar.years` (msgpack, hex); it is the only one that is "
    "known. Each deadline: `days` working days after `opened`, which does not count; `day` is the "
    "last, `ends_ms` its 24:00 at UTC+8. Each of `refused` is a year, and the code it gives."
)
OFF = (
    ("2026-01-01", 3, "元旦"),
    ("2026-02-15", 9, "春节"),
    ("2026-04-04", 3, "清明"),
    ("2026-05-01", 5, "劳动节"),
    ("2026-06-19", 3, "端午"),
    ("2026-09-25", 3, "中秋"),
    ("2026-10-01", 7, "国庆节"),
)
WORKED = ("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10")
ASKED = (
    ("2026-09-18", 5),
    ("2026-09-18", 10),
    ("2026-09-18", 0),
    ("2026-09-19", 1),
    ("2026-02-13", 1),
    ("2026-02-13", 10),
    ("2026-04-30", 20),
    ("2026-12-30", 1),
    ("2026-12-31", 1),
    ("2026-12-18", 30),
)


def year_2026() -> CalendarYear:
    days = [NamedDay(day, True, "调休") for day in WORKED]
    for first, count, name in OFF:
        begin = date.fromisoformat(first)
        days += [NamedDay(str(begin + timedelta(days=n)), False, name) for n in range(count)]
    days.sort(key=lambda each: each.day)
    return CalendarYear(
        year=2026, version=1, source="国办发明电〔2025〕7号", by="甲", days=tuple(days)
    )


def make() -> dict[str, Any]:
    year = year_2026()
    calendar = WorkingDays([year])
    wrong = {
        "version 0": replace(year, version=0),
        "no days": replace(year, days=()),
        "a day of another year": replace(year, days=(NamedDay("2027-01-01", False, ""),)),
        "no day": replace(year, days=(NamedDay("2026-02-29", False, ""),)),
        "a day in another form": replace(year, days=(NamedDay("20260101", False, ""),)),
        "not in order": replace(year, days=year.days[::-1]),
        "twice": replace(year, days=(year.days[0], year.days[0])),
        "named by nobody": replace(year, source=" "),
    }
    return {
        "how": HOW,
        "year": encode(year).hex(),
        "deadlines": [_deadline(calendar, opened, days) for opened, days in ASKED],
        "refused": [
            {"name": name, "year": encode(each).hex(), "expect": _code(each)}
            for name, each in wrong.items()
        ],
    }


def _deadline(calendar: WorkingDays, opened: str, days: int) -> dict[str, Any]:
    found = calendar.after(date.fromisoformat(opened), days)
    return {
        "opened": opened,
        "days": days,
        "day": found.day.isoformat(),
        "provisional": found.provisional,
        "ends_ms": moment_ms(found.day, 1_440),
    }


def _code(year: CalendarYear) -> str:
    try:
        check_year(year)
    except CalendarInvalid as error:
        return error.code
    return "ok"
