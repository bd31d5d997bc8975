"""How values are shown: times, sizes, numbers, as people of the region write them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import jinja2

from ortoo_protocol.i18n import mark

# The law's days are Beijing's, and it keeps no summer time (core/law/clock).
BEIJING = timezone(timedelta(hours=8))
DAY_MS = 86_400_000
_LENGTHS = (
    (mark("{count} d"), 86_400),
    (mark("{count} h"), 3_600),
    (mark("{count} min"), 60),
    (mark("{count} s"), 1),
)
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def when(ms: int | None) -> str:
    """Date and minute; nothing for 0, which stands for none."""
    return "" if not ms else datetime.fromtimestamp(ms / 1000, BEIJING).strftime("%Y-%m-%d %H:%M")


def day(ms: int | None) -> str:
    return "" if not ms else datetime.fromtimestamp(ms / 1000, BEIJING).strftime("%Y-%m-%d")


def day_end_ms(text: str) -> int:
    """The last millisecond of a day such as 2026-12-31. Raises ValueError."""
    begin = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=BEIJING)
    return int((begin + timedelta(days=1)).timestamp() * 1000) - 1


def day_begin_ms(text: str) -> int:
    """The first millisecond of a day such as 2026-12-31; 0 for what is none: a search looks over
    what it does not understand."""
    try:
        return day_end_ms(text) + 1 - DAY_MS
    except (ValueError, OverflowError):
        return 0


def size(count: int | None) -> str:
    """Bytes as 1.5 MiB."""
    value, unit = float(count or 0), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def number(value: float | None) -> str:
    return "" if value is None else f"{value:,}"


def short(text: str, length: int = 10) -> str:
    """The beginning of an id or hash, which stands whole in the element's title."""
    return text if len(text) <= length else f"{text[:length]}…"


@jinja2.pass_context
def duration(context: jinja2.runtime.Context, ms: int | None) -> str:
    """Days, hours, minutes or seconds, whichever is largest, in the page's language: 3 d, 5 h."""
    if ms is None:
        return ""
    seconds = abs(ms) // 1000
    text, length_s = next((each for each in _LENGTHS if seconds >= each[1]), _LENGTHS[-1])
    said: str = context["t"](text, count=seconds // length_s)
    return said


def in_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


FILTERS: Mapping[str, Callable[..., Any]] = {
    "when": when,
    "day": day,
    "size": size,
    "number": number,
    "short": short,
    "duration": duration,
    "base64": in_base64,
}
