"""What people see of a grant in use, at a station and at the hub."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.use.records import UseRecords
from ortoo_protocol.station import paging
from ortoo_protocol.station.use import consents, disposals, endings, history, suspensions

_SUSPENSION = (
    "suspension", "suspender", "article", "reason", "evidence", "days", "until_ms",
    "suspended_ms", "state", "report", "rejected", "changed_ms",
)  # fmt: skip
_ENDING = ("ending", "what", "reason", "filing", "at_ms", "by", "state", "answer", "changed_ms")
_ONWARD = (
    "onward", "grant", "resource", "third", "third_department", "clause", "basis", "purpose",
    "form", "asked_until_ms", "asked_by", "asked_ms", "state", "reason", "conditions", "until_ms",
    "answered_by", "changed_ms",
)  # fmt: skip
_EVENT = ("time_ms", "event", "party", "by", "reason")


def shown(conn: Connection, grant: str) -> dict[str, Any]:
    """Its suspensions and announced ends, oldest first, and what happened to it."""
    return {
        "suspensions": _rows(suspensions.listed(conn, grant), _SUSPENSION),
        "endings": _rows(endings.listed(conn, grant), _ENDING),
        "events": _rows(history.of(conn, grant), _EVENT),
        "onward": onward(conn, grant)[0],
        "disposal": _disposal(conn, grant),
        "records": [_asked(row) for row in disposals.asks(conn, grant)],
    }


def onward(
    conn: Connection, grant: str = "", limit: int = paging.MOST, offset: int = 0
) -> tuple[list[dict[str, Any]], int]:
    """Consents to passing on, the newest first, and how many there are; of all grants, or of
    one."""
    rows, total = paging.page(conn, consents.in_order(grant), limit, offset)
    return _rows(rows, _ONWARD), total


def one_onward(conn: Connection, consent: str) -> dict[str, Any]:
    """Raises OnwardUnknown."""
    return _rows([consents.find(conn, consent)], _ONWARD)[0]


def _disposal(conn: Connection, grant: str) -> dict[str, Any] | None:
    row = disposals.find(conn, grant)
    return None if row is None else dict(row._mapping)


def _asked(row: Row[Any]) -> dict[str, Any]:
    names = ("ask", "asker", "reason", "by", "asked_ms", "answered_ms")
    answer = decode(row.answer, UseRecords) if row.answer else None
    return {
        **{name: getattr(row, name) for name in names},
        "answer": msgspec.to_builtins(answer),
    }


def _rows(rows: Any, names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in names} for row in rows]
