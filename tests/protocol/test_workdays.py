"""Working days: against every day of the years that are known, and where nothing is known."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ortoo_hub.calendar import known_years, seed_year
from ortoo_protocol.cli.common import end_of_day_ms
from ortoo_protocol.cli.shell import Shell
from ortoo_protocol.core.errors import CalendarFile, CalendarInvalid
from ortoo_protocol.core.law import calendar_files
from ortoo_protocol.core.law.clock import (
    Deadline,
    day_of,
    instant_ms,
    local_time,
    moment_ms,
    years_before,
)
from ortoo_protocol.core.law.profiles import NM2018, PROFILES, SC2025
from ortoo_protocol.core.law.workdays import CalendarYear, NamedDay, WorkingDays, check_year

YEARS = known_years()
KNOWN = WorkingDays(map(seed_year, YEARS))
DAYS = st.dates(date(YEARS[0], 1, 1), date(YEARS[-1], 12, 31))
SOME = st.integers(0, 60)
ONE = timedelta(days=1)


def test_every_known_day_is_as_the_library_says() -> None:
    assert (YEARS[0], YEARS[-1]) == (2004, 2026)
    day = date(YEARS[0], 1, 1)
    while day.year <= YEARS[-1]:
        assert KNOWN.is_working(day) == chinese_calendar.is_workday(day), day
        day += ONE


def test_weekends_are_worked_and_weekdays_are_off() -> None:
    assert KNOWN.is_working(date(2026, 9, 20))  # a Sunday (国庆节调休)
    assert not KNOWN.is_working(date(2026, 10, 1))
    assert not WorkingDays().is_working(date(2026, 9, 20))
    assert WorkingDays().is_working(date(2026, 10, 1))


@pytest.mark.parametrize(
    ("received", "days", "last"),
    [
        ("2026-09-18", 5, "2026-09-24"),  # a Friday; its Sunday is worked
        ("2026-09-18", 10, "2026-10-09"),  # over 国庆节
        ("2026-09-18", 0, "2026-09-18"),
        ("2026-09-19", 1, "2026-09-20"),
    ],
)
def test_checked_examples(received: str, days: int, last: str) -> None:
    found = KNOWN.after(date.fromisoformat(received), days)
    assert found == Deadline(date.fromisoformat(last), provisional=False)


@given(DAYS, SOME)
def test_the_last_day(day: date, days: int) -> None:
    """By the library: so many working days follow, and the last of them is the deadline."""
    found = KNOWN.after(day, days)
    if found.day.year > YEARS[-1]:
        assert found.provisional
        return
    between = [day + ONE * n for n in range(1, (found.day - day).days + 1)]
    assert sum(map(chinese_calendar.is_workday, between)) == days == KNOWN.between(day, found.day)
    assert not days or chinese_calendar.is_workday(found.day)
    assert not found.provisional


@given(DAYS, SOME, SOME)
def test_deadlines_add_up_and_keep_their_order(day: date, first: int, second: int) -> None:
    once = KNOWN.after(day, first + second).day
    assert KNOWN.after(KNOWN.after(day, first).day, second).day == once
    assert KNOWN.after(day, first).day <= once
    assert KNOWN.after(day + ONE, first).day >= KNOWN.after(day, first).day


@given(st.dates(date(2004, 3, 1), date(2026, 12, 31)), st.integers(1, 30))
def test_backwards(day: date, days: int) -> None:
    earlier = KNOWN.before(day, days)
    assert KNOWN.is_working(earlier)
    assert sum(KNOWN.is_working(earlier + ONE * n) for n in range((day - earlier).days)) == days


@pytest.mark.parametrize(
    ("day", "days", "provisional"),
    [
        ("2026-12-30", 1, False),
        ("2026-12-31", 0, False),
        ("2026-12-31", 1, True),
        ("2026-12-24", 20, True),
        ("2027-01-04", 1, True),
        ("2003-12-31", 1, False),  # the opening day does not count
        ("2003-12-30", 1, True),
    ],
)
def test_what_is_provisional(day: str, days: int, provisional: bool) -> None:
    assert KNOWN.after(date.fromisoformat(day), days).provisional is provisional


def test_a_year_between_that_is_not_known() -> None:
    gap = WorkingDays(map(seed_year, (2024, 2026)))
    assert gap.after(date(2024, 12, 31), 260).provisional


# --- local days ---------------------------------------------------------------------------------


@given(DAYS, st.integers(0, 1_439), st.sampled_from((480, 0, -330, 840)))
def test_local_days(day: date, minute: int, offset_min: int) -> None:
    at = moment_ms(day, minute, offset_min)
    assert day_of(at, offset_min) == day
    assert local_time(at, offset_min).time().minute == minute % 60
    assert moment_ms(day, 1_440, offset_min) == moment_ms(day + ONE, 0, offset_min)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Shanghai"])
def test_what_people_type_and_read_is_civil_time(
    zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the machine stands: a last day, an absence, a deadline that is shown."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        end_ms = end_of_day_ms(datetime(2026, 12, 31))
        assert end_ms == moment_ms(date(2027, 1, 1), 0)
        skipped = datetime(2026, 3, 8, 2, 30)  # no such time in New York
        assert local_time(instant_ms(skipped)) == skipped
        assert Shell.time(end_ms - 1) == "2026-12-31 23:59:59"
        assert Shell.time(0) == ""
    finally:
        monkeypatch.undo()
        time.tzset()


def test_midnight_of_china() -> None:
    """2026-09-24 ends at 16:00 UTC; no summer has other hours."""
    end_ms = moment_ms(date(2026, 9, 24), 1_440)
    assert end_ms == 1_790_265_600_000
    assert (day_of(end_ms - 1), day_of(end_ms)) == (date(2026, 9, 24), date(2026, 9, 25))
    assert moment_ms(date(1988, 7, 2), 0) - moment_ms(date(1988, 7, 1), 0) == 86_400_000


# --- a year as it travels -----------------------------------------------------------------------


def year(**changes: object) -> CalendarYear:
    values = {
        "year": 2027,
        "version": 1,
        "source": "国办发明电",
        "by": "甲",
        "days": (NamedDay("2027-01-01", False, "元旦"), NamedDay("2027-01-03", True, "调休")),
        **changes,
    }
    return CalendarYear(**values)  # type: ignore[arg-type]


def test_what_is_seeded_is_valid() -> None:
    for each in YEARS:
        check_year(seed_year(each))
    names = {day.day: day.name for day in seed_year(2026).days}
    assert (names["2026-10-01"], names["2026-10-10"]) == ("国庆节", "国庆节调休")


@pytest.mark.parametrize(
    "changes",
    [
        {"year": 1900},
        {"version": 0},
        {"source": " "},
        {"source": "x" * 201},
        {"by": ""},
        {"days": ()},
        {"days": (NamedDay("2028-01-01", False, ""),)},
        {"days": (NamedDay("2027-13-01", False, ""),)},
        {"days": (NamedDay("20270101", False, ""),)},
        {"days": (NamedDay("2027-01-01", False, "x" * 41),)},
        {"days": (NamedDay("2027-01-02", False, ""), NamedDay("2027-01-01", False, ""))},
        {"days": (NamedDay("2027-01-02", False, ""), NamedDay("2027-01-02", True, ""))},
    ],
)
def test_what_is_no_calendar(changes: dict[str, object]) -> None:
    check_year(year())
    with pytest.raises(CalendarInvalid):
        check_year(year(**changes))


def test_files() -> None:
    seeded = seed_year(2026)
    as_csv = calendar_files.read(calendar_files.write_csv(seeded.days), "a.csv")
    assert (as_csv.year, as_csv.days, as_csv.source) == (2026, seeded.days, "")
    text = calendar_files.write_json(2026, seeded.source, seeded.days)
    as_json = calendar_files.read(text, "a.json")
    assert (as_json.year, as_json.days, as_json.source) == (2026, seeded.days, seeded.source)
    written = "\ufeff日期,类型,名称\n2027-02-06,上班,春节调休\n\n2027-01-01,休,元旦\n"
    assert calendar_files.read(written, "b.csv").days == (
        NamedDay("2027-01-01", False, "元旦"),
        NamedDay("2027-02-06", True, "春节调休"),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "columns"),
        ("a,b\n", "columns"),
        ("day,kind\n", "no days"),
        ("day,kind\n2027-01-01,maybe\n", "line 2"),
        ("day,kind\n2027-01-01,off\n2027-1-2,off\n", "line 3"),
        ("day,kind\n2027-01-01,off\n2028-01-01,off\n", "2 years"),
        ('day,kind\n"2027-01-01,off\n', "line 2"),
        ('{"year": 2027}', "days"),
        ('{"year": 2027, "days": [{"day": "x", "kind": "off"}]}', "day 1"),
        ('{"year": 2027, "days": [], "more": 1}', "more"),
        ("x" * 64_001, "64,000"),
    ],
)
def test_what_is_no_file(text: str, said: str) -> None:
    with pytest.raises(CalendarFile, match=said):
        calendar_files.read(text, "a")


def test_profiles_differ_in_data_alone() -> None:
    assert {NM2018.sharing.answer.days, SC2025.sharing.answer.days} == {10}
    assert (NM2018.sharing.answer.extension_days, SC2025.sharing.answer.extension_days) == (0, 10)
    assert (NM2018.sharing.negotiation.days, SC2025.sharing.negotiation.days) == (10, None)
    assert (NM2018.sharing.onward, NM2018.sharing.record_years) == (None, 2)
    assert SC2025.sharing.record_years == 3
    assert {each.sharing.closes_min for each in PROFILES.values()} == {1_440}


def test_the_same_day_years_ago() -> None:
    assert years_before(date(2028, 2, 29), 3) == date(2025, 2, 28)
    assert years_before(date(2028, 2, 29), 4) == date(2024, 2, 29)
    assert years_before(date(2026, 11, 27), 2) == date(2024, 11, 27)
