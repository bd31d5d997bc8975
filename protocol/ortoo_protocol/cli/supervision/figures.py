"""Facts as people read them."""

from __future__ import annotations

from collections.abc import Mapping

from ortoo_protocol.cli.shell import Shell
from ortoo_protocol.core.supervision.facts import BY_NAME, Unit

_DAY_MS, _HOUR_MS, _MINUTE_MS = 86_400_000, 3_600_000, 60_000
NONE = "—"


def said(shell: Shell, name: str, facts: Mapping[str, int]) -> str:
    """A fact with its unit; a dash for one that cannot be told here."""
    value = facts.get(name)
    if value is None:
        return NONE
    unit = BY_NAME[name].unit
    if unit is Unit.PERMILLE:
        return percent(value)
    if unit is Unit.MS:
        return span(shell, value)
    if unit is Unit.BYTES:
        return size(value)
    return f"{value:,}"


def percent(permille: int) -> str:
    return f"{permille // 10}.{permille % 10}%"


def points(thousandths: int) -> str:
    """Two places, cut: what is shown as 60.00 is 60."""
    return f"{thousandths // 1_000}.{thousandths % 1_000 // 10:02d}"


def span(shell: Shell, ms: int) -> str:
    if ms >= _DAY_MS:
        return shell.say("{count} days", count=f"{ms / _DAY_MS:.1f}")
    if ms >= _HOUR_MS:
        return shell.say("{count} hours", count=f"{ms / _HOUR_MS:.1f}")
    return shell.say("{count} minutes", count=f"{ms / _MINUTE_MS:.0f}")


def size(count: int) -> str:
    for unit, step in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= step:
            return f"{count / step:,.1f} {unit}"
    return f"{count} B"
