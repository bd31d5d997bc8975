"""A clock (时限): one duty of one subject, from when it began until it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row

RUNNING, PAUSED, MET, LATE, CANCELLED = "running", "paused", "met", "late", "cancelled"
WARN, MOVED = "warn", "moved"  # stages that hooks are told of, beside LATE


@dataclass(frozen=True)
class Clock:
    """`days` None: the law says promptly, so no `day` is the last and it is never late. State
    `late` without `closed_ms`: overdue and not done yet. `warned_ms`: of the last warning."""

    clock: str
    subject: str
    duty: str
    article: str
    party: str
    department: str
    opened_ms: int
    days: int | None
    extension_days: int
    extended_days: int
    day: date | None
    due_ms: int | None
    provisional: bool
    state: str
    warned_ms: int | None
    escalated_ms: int | None
    closed_ms: int | None

    @property
    def open(self) -> bool:
        return self.closed_ms is None


_SAME = tuple(name for name in Clock.__dataclass_fields__ if name != "day")


def of_row(row: Row[Any]) -> Clock:
    day = None if row.day is None else date.fromisoformat(row.day)
    return Clock(**{name: getattr(row, name) for name in _SAME}, day=day)
