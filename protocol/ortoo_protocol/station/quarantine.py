"""What was refused is set aside with its code, never dropped unseen and never in the way."""

from __future__ import annotations

from sqlalchemy import delete, func, insert, select

from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import quarantine

MAX_ROWS = 1_000
MAX_RAW_BYTES = 64 << 10


def keep(tx: Tx, raw: bytes, error: OrtooError, sender: str = "") -> None:
    """Keep up to MAX_RAW_BYTES of `raw`; of many, the newest MAX_ROWS are kept."""
    values = {
        "error": error.code,
        "detail": str(error)[:1_000],
        "sender": sender,
        "raw": raw[:MAX_RAW_BYTES],
        "time_ms": tx.now_ms,
    }
    tx.conn.execute(insert(quarantine).values(values))
    newest = tx.conn.execute(select(func.max(quarantine.c.number))).scalar() or 0
    tx.conn.execute(delete(quarantine).where(quarantine.c.number <= newest - MAX_ROWS))
