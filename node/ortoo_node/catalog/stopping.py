"""To stop supplying: the entry says so, and its grants end, each with a filing first (art. 18)."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from ortoo_node import cases, granting
from ortoo_node.catalog import changes, mirror, numbers, own
from ortoo_node.publishing import plans
from ortoo_protocol.core.errors import CatalogOwner, StopReason
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import grants


def stop(tx: Tx, code: str, reason: str, by: str) -> dict[str, Any]:
    """End the grants of a resource with one reason; publish its entry as stopped."""
    if not reason.strip() or not by.strip():
        raise StopReason()
    entry = mirror.entry(tx.conn, code)
    if entry.provider != tx.party:
        raise CatalogOwner(resource=code)
    live = select(grants).where(
        grants.c.resource == code, grants.c.provider == tx.party, grants_held.live(tx.now_ms)
    )
    filings = []
    for row in tx.conn.execute(live).all():
        ended = granting.end(tx, row.grant, reason, by, settled=True)
        cases.ended(tx, grants_held.terms_of(row).case, reason)
        filings.append(ended.filing)
    cases.stopped(tx, code, reason, by)
    stopped = msgspec.structs.replace(entry, version=entry.version + 1, status="stopped")
    own.publish(tx, stopped)
    changes.followed(tx, code, stopped.version)
    plans.rest(tx, code)
    return {
        "code": code,
        "version": stopped.version,
        "filing": filings[0] if filings else numbers.filing(tx),
        "ended": len(filings),
    }
