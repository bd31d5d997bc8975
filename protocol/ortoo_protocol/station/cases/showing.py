"""Parts of a case as control methods answer them, at station and hub alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from ortoo_protocol.core.cases import Attachment
from ortoo_protocol.station import clocks


def described(attachment: Attachment) -> dict[str, Any]:
    return {
        "name": attachment.name,
        "media_type": attachment.media_type,
        "size_bytes": attachment.size_bytes,
        "hash": attachment.hash.hex(),
    }


def clocks_of(conn: Connection, case: str) -> list[dict[str, Any]]:
    """`day`: the last one, `due_ms` its end; None where the law names no days."""
    return [
        {
            "duty": clock.duty,
            "article": clock.article,
            "party": clock.party,
            "day": None if clock.day is None else clock.day.isoformat(),
            "due_ms": clock.due_ms,
            "provisional": clock.provisional,
            "state": clock.state,
            "opened_ms": clock.opened_ms,
            "closed_ms": clock.closed_ms,
        }
        for clock in clocks.of(conn, f"case:{case}")
    ]
