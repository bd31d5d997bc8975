"""Rows that did not leave, and why: what a department has to mend (剔除记录)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from ortoo_node.publishing.gate import Reject
from ortoo_node.store.tables import rejects
from ortoo_protocol.station.context import Tx

MOST_KEPT = 10_000


def keep(tx: Tx, resource: str, found: Sequence[Reject], *, whole: bool) -> None:
    """Note what a reading set aside. A `whole` one says all there is: earlier rejects that it did
    not find again were mended."""
    mine = rejects.c.resource == resource
    if whole:
        tx.conn.execute(delete(rejects).where(mine))
    if found:
        rows = [_row(tx, resource, reject) for reject in found[-MOST_KEPT:]]
        tx.conn.execute(insert(rejects), rows)
        newest = select(rejects.c.number).where(mine).order_by(rejects.c.number.desc())
        first = tx.conn.execute(newest.offset(MOST_KEPT).limit(1)).scalar()
        if first is not None:
            tx.conn.execute(delete(rejects).where(mine, rejects.c.number <= first))


def _row(tx: Tx, resource: str, reject: Reject) -> dict[str, Any]:
    key = "" if reject.key is None else " ".join(map(str, reject.key))
    return {
        "resource": resource,
        "row": reject.number,
        "key": key[:200],
        "column": reject.column,
        "error": reject.code,
        "detail": reject.detail[:500],
        "time_ms": tx.now_ms,
    }


def counts(conn: Connection) -> dict[str, int]:
    """Open rejects of each resource."""
    query = select(rejects.c.resource, func.count()).group_by(rejects.c.resource)
    return {resource: number for resource, number in conn.execute(query)}


def listed(conn: Connection, resource: str, most: int = 100) -> Sequence[Row[Any]]:
    query = select(rejects).where(rejects.c.resource == resource)
    return conn.execute(query.order_by(rejects.c.number.desc()).limit(most)).all()
