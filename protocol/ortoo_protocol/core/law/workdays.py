"""Working days (工作日): weekdays less statutory holidays, and weekends worked instead (调休).

The State Council names a year's days late in the year before, an autonomous region adds its own.
The calendar of a year is a value that the hub signs; of a year that nobody has named yet Monday
to Friday are taken, and what is reckoned over it is provisional.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

from ortoo_protocol.core.codec import Count, Packed, Shape
from ortoo_protocol.core.errors import CalendarInvalid
from ortoo_protocol.core.law.clock import Deadline

FIRST_YEAR, LAST_YEAR = 1950, 2199
MAX_YEARS = 100
MAX_NAME_CHARACTERS, MAX_SOURCE_CHARACTERS = 40, 200
_SATURDAY = 5
_DAY = timedelta(days=1)


class NamedDay(Packed, frozen=True):
    """A day as ISO 8601 has it that is worked or not, whatever its weekday says."""

    day: str
    working: bool
    name: str


class CalendarYear(Shape, frozen=True):
    """The calendar of one year. `version` counts up from 1 with each change; `source`: the official
    notice, or where else the days come from; `by`: who put it into force."""

    year: Count
    version: Count
    source: str
    by: str
    days: tuple[NamedDay, ...]


class CalendarYears(Shape, frozen=True):
    """节假日安排: years as the hub puts them into force, on its directory feed."""

    years: tuple[CalendarYear, ...]


def check_year(year: CalendarYear) -> CalendarYear:
    """Raises CalendarInvalid. A year without days was named by nobody; one with more days than it
    has was not read right."""

    def refuse(detail: str) -> None:
        raise CalendarInvalid(year=year.year, detail=detail)

    if not FIRST_YEAR <= year.year <= LAST_YEAR:
        refuse(f"no year between {FIRST_YEAR} and {LAST_YEAR}")
    if not year.version:
        refuse("version 0")
    if not year.source.strip() or len(year.source) > MAX_SOURCE_CHARACTERS:
        refuse("source: who named these days, in up to 200 characters")
    if not year.by.strip() or len(year.by) > MAX_NAME_CHARACTERS:
        refuse("by: who puts it into force, in up to 40 characters")
    if not 1 <= len(year.days) <= 366:
        refuse(f"{len(year.days)} days")
    for each in year.days:
        if date_of(each.day, year.year).year != year.year:
            refuse(f"{each.day} is of another year")
        if len(each.name) > MAX_NAME_CHARACTERS:
            refuse(f"{each.day}: a name of over {MAX_NAME_CHARACTERS} characters")
    named = [each.day for each in year.days]
    if named != sorted(set(named)):
        refuse("the days are not in order, each once")
    return year


def date_of(text: str, year: int = 0) -> date:
    """A day as ISO 8601 has it, and in no other form. Raises CalendarInvalid."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise CalendarInvalid(year=year, detail=f"{text[:40]!r} is no day") from None
    if found.isoformat() != text:
        raise CalendarInvalid(year=year, detail=f"{text[:40]!r}: write {found.isoformat()}")
    return found


def weekday_works(day: date) -> bool:
    """What the weekday alone says."""
    return day.weekday() < _SATURDAY


@dataclass(frozen=True, init=False)
class WorkingDays:
    """The checked calendars of some years as one. Implements `clock.Calendar`."""

    years: frozenset[int]
    named: Mapping[date, bool]

    def __init__(self, years: Iterable[CalendarYear] = ()) -> None:
        known = list(years)
        object.__setattr__(self, "years", frozenset(each.year for each in known))
        days = {date.fromisoformat(one.day): one.working for each in known for one in each.days}
        object.__setattr__(self, "named", MappingProxyType(days))

    def is_working(self, day: date) -> bool:
        return self.named.get(day, weekday_works(day))

    def after(self, day: date, working_days: int) -> Deadline:
        """The last of `working_days` working days after `day`, which itself does not count; of none
        `day` itself. Provisional when a year on the way is not known."""
        last, left = day, working_days
        while left > 0:
            last += _DAY
            left -= self.is_working(last)
        first = day.year if not working_days else (day + _DAY).year
        return Deadline(last, not self.years.issuperset(range(first, last.year + 1)))

    def between(self, first: date, last: date) -> int:
        """How many working days follow `first`, up to and with `last`; 0 if `last` comes first."""
        days = (last - first).days
        return sum(self.is_working(first + _DAY * n) for n in range(1, days + 1))

    def before(self, day: date, working_days: int) -> date:
        """The day that `working_days` working days separate from `day`, backwards."""
        found, left = day, working_days
        while left > 0:
            found -= _DAY
            left -= self.is_working(found)
        return found
