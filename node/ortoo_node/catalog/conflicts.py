"""What the hub says of data that two resources claim to be the source of (一数一源)."""

from __future__ import annotations

from sqlalchemy import Connection, select

from ortoo_node.store.tables import catalog_conflicts
from ortoo_protocol.core.catalog.claims import Conflict, check_conflict
from ortoo_protocol.core.codec import Shape, decode, encode
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import upsert


def take(tx: Tx, opened: Opened[Shape]) -> None:
    """A letter of the hub; an older one that comes late changes nothing."""
    body = check_conflict(as_body(opened, Conflict).body)
    table = catalog_conflicts.c
    of = (table.conflict == body.conflict, table.resource == body.resource)
    held = tx.conn.execute(select(table.time_ms).where(*of)).scalar()
    if held is not None and held > body.time_ms:
        return
    row = {
        "conflict": body.conflict,
        "resource": body.resource,
        "letter": encode(body),
        "state": body.state,
        "time_ms": body.time_ms,
    }
    upsert(tx.conn, catalog_conflicts, [row])


def listed(conn: Connection, state: str = "", limit: int = 500, offset: int = 0) -> list[Conflict]:
    """The newest first."""
    query = select(catalog_conflicts.c.letter).order_by(catalog_conflicts.c.time_ms.desc())
    if state:
        query = query.where(catalog_conflicts.c.state == state)
    return [
        decode(raw, Conflict) for raw in conn.execute(query.limit(limit).offset(offset)).scalars()
    ]
