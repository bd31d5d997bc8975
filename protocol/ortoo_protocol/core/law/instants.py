"""How late an instant may be that somebody else wrote down.

An instant after the last calendar year has no working days to reckon with, and one after the year
9999 is no date: whatever shows or compares it would fail, long after it was taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from ortoo_protocol.core.errors import CaseField
from ortoo_protocol.core.law.clock import DAY_MIN, moment_ms
from ortoo_protocol.core.law.workdays import LAST_YEAR

END_OF_TIME_MS = moment_ms(date(LAST_YEAR, 12, 31), DAY_MIN)  # calendars reach no further


def too_late(body: msgspec.Struct) -> Iterator[str]:
    """Fields of `body`, and of what it holds, whose instant is beyond all calendars."""
    for field in body.__struct_fields__:
        value = getattr(body, field)
        if field.endswith("_ms") and value >= END_OF_TIME_MS:
            yield field
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, msgspec.Struct):
                yield from too_late(part)


def check_times(body: msgspec.Struct) -> None:
    """Raises CaseField."""
    for field in too_late(body):
        raise CaseField(field=field, detail=f"after the year {LAST_YEAR}")
