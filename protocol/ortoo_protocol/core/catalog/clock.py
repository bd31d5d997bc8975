"""The update clock (art. 9): a catalog follows a change of law or duties within working days.

Which days are working days is a calendar's business; it is handed in. `WEEKDAYS` knows no holidays
and no working weekends (调休), so every day that it names is provisional.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol


@dataclass(frozen=True)
class Deadline:
    """The last day, which ends at 24:00 local time. `provisional`: the calendar does not know all
    days up to it."""

    day: date
    provisional: bool


class Calendar(Protocol):
    def after(self, day: date, working_days: int) -> Deadline:
        """The last of `working_days` working days after `day`, which itself does not count."""


class Weekdays:
    """Monday to Friday."""

    def after(self, day: date, working_days: int) -> Deadline:
        left = working_days
        while left > 0:
            day += timedelta(days=1)
            left -= day.weekday() < 5
        return Deadline(day, provisional=True)


WEEKDAYS = Weekdays()
