"""Messages that cannot be judged yet: a directory, a key, a grant or a case is on its way."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select, update

from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import held

MAX_HELD = 1_000
HOLD_MS = 7 * 86_400_000
TRUST = "trust"  # the key of its signature
STANDING = "standing"  # a living directory, a fresh timestamp
DOCUMENT = "document"  # the same; a document, not an envelope
_READY = "ready"
_UNTIL = "until:"


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


def until(time_ms: int) -> str:
    """What waits for `time_ms` on our clock: as text it sorts as it does as a number."""
    return f"{_UNTIL}{max(0, time_ms):016d}"


def of_grant(named: str) -> str:
    """`named`: the grant's number, or its hash, in hexadecimal."""
    return f"grant:{named}"


def of_case(case: str) -> str:
    return f"case:{case}"


def is_held(tx: Tx, raw: bytes, waits_for: str) -> bool:
    query = select(held.c.number).where(held.c.waits_for == waits_for, held.c.raw == raw)
    return tx.conn.execute(query).first() is not None


def mark_ready(tx: Tx, waits_for: str) -> None:
    """What was waited for has come: the recovery worker accepts these again."""
    names = (TRUST, STANDING) if waits_for == TRUST else (waits_for,)
    come = update(held).where(held.c.waits_for.in_(names)).values(waits_for=_READY)
    if tx.conn.execute(come).rowcount:
        tx.after_commit(tx.parts.signals.gaps.set)


def take_ready(tx: Tx) -> Sequence[bytes]:
    """Take out what can be tried again, oldest first; what waited too long is dropped, unless
    its time has just come because the clock was set."""
    come = held.c.waits_for.between(_UNTIL, until(tx.now_ms))
    tx.conn.execute(update(held).where(come).values(waits_for=_READY))
    old = (held.c.since_ms < tx.now_ms - HOLD_MS) & (held.c.waits_for != _READY)
    tx.conn.execute(delete(held).where(old))
    return _take(tx, _READY)


def take_documents(tx: Tx) -> Sequence[bytes]:
    return _take(tx, DOCUMENT)


def _take(tx: Tx, waits_for: str) -> Sequence[bytes]:
    query = select(held).where(held.c.waits_for == waits_for).order_by(held.c.number).limit(100)
    rows = tx.conn.execute(query).all()
    tx.conn.execute(delete(held).where(held.c.number.in_([row.number for row in rows])))
    return [row.raw for row in rows]


def waits_for_trust(tx: Tx) -> bool:
    query = select(held.c.number).where(held.c.waits_for.in_((TRUST, STANDING)))
    return tx.conn.execute(query).first() is not None
