"""What happened to a grant: who, when, why (Measures art. 24)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.use_tables import grant_events


def note(tx: Tx, grant: str, event: str, party: str, by: str, reason: str) -> None:
    row = {
        "grant": grant,
        "time_ms": tx.now_ms,
        "event": event,
        "party": party,
        "by": by,
        "reason": reason,
    }
    tx.conn.execute(insert(grant_events).values(row))


def of(conn: Connection, grant: str) -> Sequence[Row[Any]]:
    query = select(grant_events).where(grant_events.c.grant == grant)
    return conn.execute(query.order_by(grant_events.c.number)).all()
