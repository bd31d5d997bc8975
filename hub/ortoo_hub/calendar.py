"""The region's calendar: seeded from what is known, changed by people, signed for all stations.

Each change makes the next version of its year and goes out on the hub's directory feed in the same
transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version

from chinese_calendar.constants import Holiday, holidays, workdays

from ortoo_hub.directory import directory_feed
from ortoo_protocol.core.law.workdays import (
    CalendarYear,
    CalendarYears,
    NamedDay,
    date_of,
)
from ortoo_protocol.station import feed_writer
from ortoo_protocol.station.clocks import calendar, taking
from ortoo_protocol.station.context import Tx

SEED_BY = "Ortoo"


def known_years() -> tuple[int, ...]:
    """Years that the library knows, of which Ortoo was built with one version."""
    return tuple(sorted({day.year for day in holidays}))


def seed_year(year: int) -> CalendarYear:
    """The year as the State Council named its days, by the library."""
    named = {day: (False, name) for day, name in holidays.items() if day.year == year}
    named |= {day: (True, name) for day, name in workdays.items() if day.year == year}
    days = tuple(
        NamedDay(day.isoformat(), working, _chinese(name, working))
        for day, (working, name) in sorted(named.items())
    )
    source = f"国务院办公厅节假日安排（chinesecalendar {version('chinesecalendar')}）"
    return CalendarYear(year=year, version=1, source=source, by=SEED_BY, days=days)


def _chinese(name: str, working: bool) -> str:
    found = next((each.chinese for each in Holiday if each.value == name), name)
    return f"{found}调休" if working else str(found)


def seed(tx: Tx) -> None:
    """Put into force the years that are known and not held: at the first start, and when a later
    version of Ortoo knows more."""
    held = {each.year for each in calendar.years(tx.conn)}
    if missing := [year for year in known_years() if year not in held]:
        _publish(tx, [seed_year(year) for year in missing])


def put_year(tx: Tx, year: int, source: str, by: str, days: Sequence[NamedDay]) -> CalendarYear:
    """Put a year into force as an official notice names its days. Raises CalendarInvalid."""
    made = CalendarYear(
        year=year,
        version=_version(tx, year) + 1,
        source=source,
        by=by,
        days=tuple(sorted(days, key=lambda each: each.day)),
    )
    _publish(tx, [made])
    return made


def set_day(
    tx: Tx, day: str, working: bool | None, name: str, by: str, source: str = ""
) -> CalendarYear:
    """Set one day: a local holiday such as 那达慕, say. `working` None: as its weekday says. Raises
    CalendarInvalid."""
    year = date_of(day).year
    held = next((each for each in calendar.years(tx.conn) if each.year == year), None)
    others = [] if held is None else [each for each in held.days if each.day != day]
    days = others if working is None else [*others, NamedDay(day, working, name)]
    return put_year(tx, year, source or (held.source if held else ""), by, days)


def _version(tx: Tx, year: int) -> int:
    return next((each.version for each in calendar.years(tx.conn) if each.year == year), 0)


def _publish(tx: Tx, years: Iterable[CalendarYear]) -> None:
    body = CalendarYears(years=tuple(years))
    taking.put(tx, body.years)
    feed_writer.publish(tx, directory_feed(tx.party), body)
