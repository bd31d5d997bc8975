"""Messages that cannot be judged yet: a directory, a key or a grant is on its way."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select, update

from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import held

MAX_HELD = 1_000
HOLD_MS = 7 * 86_400_000
TRUST = "trust"
_READY = "ready"


def hold(tx: Tx, raw: bytes, waits_for: str) -> None:
    """Keep `raw` until `mark_ready(waits_for)`. Of too many the oldest go: senders send durable
    letters again, publishers keep their items.

    What waits for trust has no verified sender, so it is bounded apart: nobody can push out with
    unknown keys what waits for a grant.
    """
    tx.conn.execute(insert(held).values(waits_for=waits_for, raw=raw, since_ms=tx.now_ms))
    alike = held.c.waits_for == TRUST if waits_for == TRUST else held.c.waits_for != TRUST
    over = select(held.c.number).where(alike).order_by(held.c.number.desc()).offset(MAX_HELD)
    last = tx.conn.execute(over.limit(1)).scalar()
    if last is not None:
        tx.conn.execute(delete(held).where(alike, held.c.number <= last))
    tx.after_commit(tx.parts.signals.gaps.set)


def mark_ready(tx: Tx, waits_for: str) -> None:
    """What was waited for has come: the recovery worker accepts these again."""
    tx.conn.execute(update(held).where(held.c.waits_for == waits_for).values(waits_for=_READY))
    tx.after_commit(tx.parts.signals.gaps.set)


def take_ready(tx: Tx) -> Sequence[bytes]:
    """Take out what can be tried again, oldest first; what waited too long is dropped."""
    tx.conn.execute(delete(held).where(held.c.since_ms < tx.now_ms - HOLD_MS))
    query = select(held).where(held.c.waits_for == _READY).order_by(held.c.number).limit(100)
    rows = tx.conn.execute(query).all()
    tx.conn.execute(delete(held).where(held.c.number.in_([row.number for row in rows])))
    return [row.raw for row in rows]


def waits_for_trust(tx: Tx) -> bool:
    return (
        tx.conn.execute(select(held.c.number).where(held.c.waits_for == TRUST)).first() is not None
    )
