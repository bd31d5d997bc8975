"""The standard of evaluation (考评标准), each version with who changed it, when and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from ortoo_protocol.core.codec import decode, encode
from ortoo_protocol.core.errors import SupervisionReason, SupervisionUnknown
from ortoo_protocol.core.supervision.scores import (
    BUILT_IN,
    Indicator,
    Standard,
    bounds_of,
    check_standard,
)
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.supervision_tables import standards

BUILT_IN_VERSION = 0


def current(conn: Connection) -> tuple[int, Standard]:
    """The one in force and its version; the built-in one, 0, until people set another."""
    row = conn.execute(select(standards).order_by(standards.c.version.desc()).limit(1)).first()
    return (BUILT_IN_VERSION, BUILT_IN) if row is None else (row.version, _standard(row))


def numbered(conn: Connection, version: int) -> Standard:
    """Raises SupervisionUnknown."""
    if version == BUILT_IN_VERSION:
        return BUILT_IN
    row = conn.execute(select(standards).where(standards.c.version == version)).first()
    if row is None:
        raise SupervisionUnknown(document="standard", id=version)
    return _standard(row)


def put(tx: Tx, standard: Standard, by: str, reason: str) -> int:
    """Put another in force; its version. Raises SupervisionStandard, SupervisionReason."""
    check_standard(standard)
    if not by.strip() or not reason.strip():
        raise SupervisionReason(event="standard")
    version = current(tx.conn)[0] + 1
    values = {
        "version": version,
        "standard": encode(standard),
        "by": by,
        "reason": reason,
        "time_ms": tx.now_ms,
    }
    tx.conn.execute(insert(standards).values(values))
    return version


def history(conn: Connection) -> list[Row[Any]]:
    return list(conn.execute(select(standards).order_by(standards.c.version.desc())))


def bounds(conn: Connection) -> Mapping[str, int]:
    return bounds_of(current(conn)[1])


def view(standard: Standard) -> dict[str, Any]:
    return {
        "indicators": [
            {name: getattr(each, name) for name in Indicator.__struct_fields__}
            for each in standard.indicators
        ],
        "bounds": {each.rule: each.at_least for each in standard.bounds},
    }


def _standard(row: Row[Any]) -> Standard:
    return decode(row.standard, Standard)
