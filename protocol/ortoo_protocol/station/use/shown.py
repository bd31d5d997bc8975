"""What people see of a grant in use, at a station and at the hub."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from ortoo_protocol.station.use import endings, history, suspensions

_SUSPENSION = (
    "suspension", "suspender", "article", "reason", "evidence", "days", "until_ms",
    "suspended_ms", "state", "report", "rejected", "changed_ms",
)  # fmt: skip
_ENDING = ("ending", "what", "reason", "filing", "at_ms", "by", "state", "answer", "changed_ms")
_EVENT = ("time_ms", "event", "party", "by", "reason")


def shown(conn: Connection, grant: str) -> dict[str, Any]:
    """Its suspensions and announced ends, oldest first, and what happened to it."""
    return {
        "suspensions": _rows(suspensions.listed(conn, grant), _SUSPENSION),
        "endings": _rows(endings.listed(conn, grant), _ENDING),
        "events": _rows(history.of(conn, grant), _EVENT),
    }


def _rows(rows: Any, names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in names} for row in rows]
