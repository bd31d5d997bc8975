"""What a deadline is, and when in the world its last day ends.

Which days are working days is a calendar's business (`workdays.py`). Local days are reckoned from
UTC by a fixed offset: China has one, and no daylight saving.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

DAY_MIN = 24 * 60
CHINA_MIN = 8 * 60


@dataclass(frozen=True)
class Deadline:
    """The last day. `provisional`: the calendar does not know all days up to it."""

    day: date
    provisional: bool


class Calendar(Protocol):
    def after(self, day: date, working_days: int) -> Deadline:
        """The last of `working_days` working days after `day`, which itself does not count."""

    def is_working(self, day: date) -> bool: ...

    def between(self, first: date, last: date) -> int:
        """How many working days follow `first`, up to and with `last`."""


def local_time(time_ms: int, offset_min: int = CHINA_MIN) -> datetime:
    """The clock on the wall, without a time zone."""
    utc = datetime.fromtimestamp(time_ms / 1000, UTC).replace(tzinfo=None)
    return utc + timedelta(minutes=offset_min)


def instant_ms(wall: datetime, offset_min: int = CHINA_MIN) -> int:
    """When the clock on the wall says `wall`, which has no time zone."""
    return int(wall.replace(tzinfo=UTC).timestamp() * 1000) - offset_min * 60_000


def day_of(time_ms: int, offset_min: int = CHINA_MIN) -> date:
    return local_time(time_ms, offset_min).date()


def moment_ms(day: date, minute: int, offset_min: int = CHINA_MIN) -> int:
    """When `minute` of the local `day` begins; minute 1,440 is the midnight that ends it."""
    local = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int(local.timestamp()) * 1000 + (minute - offset_min) * 60_000


def years_before(day: date, years: int) -> date:
    """The same day so many years ago; of 29 February the last of the month."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
