"""The periods of supervision, by civil time, and what is written of one (art. 32)."""

from __future__ import annotations

import re
from datetime import date

from ortoo_protocol.core.errors import SupervisionField
from ortoo_protocol.core.law.clock import day_of, moment_ms
from ortoo_protocol.core.supervision.facts import Period

# What is written, in the order in which it is read; the first two are what art. 32 asks for.
PASSAGES = (
    "implementation",  # 共享落实情况
    "effect",  # 使用效果
    "problems",
    "plans",
)
REQUIRED = ("implementation", "effect")
_PERIOD = re.compile(r"(20[0-9]{2})H([12])")


def half_year(name: str) -> Period:
    """2026H1 or 2026H2, by civil time. Raises SupervisionField."""
    found = _PERIOD.fullmatch(name)
    if found is None:
        raise SupervisionField(field="period", detail="such as 2026H1")
    year, half = int(found[1]), int(found[2])
    first = date(year, 1 if half == 1 else 7, 1)
    after = date(year, 7, 1) if half == 1 else date(year + 1, 1, 1)
    return Period(civil_ms(first), civil_ms(after))


def whole_year(year: int) -> Period:
    return Period(civil_ms(date(year, 1, 1)), civil_ms(date(year + 1, 1, 1)))


def period_named(name: str) -> Period:
    """A half-year, or a year: 2026. Raises SupervisionField."""
    if len(name) == 4 and name.isascii() and name.isdigit() and name.startswith("20"):
        return whole_year(int(name))
    return half_year(name)


def half_year_of(time_ms: int) -> str:
    """The name of the half-year that this instant lies in."""
    day = civil_day(time_ms)
    return f"{day.year}H{1 if day.month < 7 else 2}"


def civil_ms(day: date) -> int:
    """The beginning of `day` by civil time."""
    return moment_ms(day, 0)


def civil_day(time_ms: int) -> date:
    return day_of(time_ms)
