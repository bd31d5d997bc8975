"""Two resources that claim to be the source of the same data (一数一源): kept, told, resolved.

An entry is taken all the same: which of two departments is the source, software cannot know. Both
compilers learn of it by letter; a person of the region's authority decides, and both learn that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, delete, insert, or_, select, update

from ortoo_hub.catalog.listing import entry_of, find
from ortoo_hub.store.tables import catalog_claims, catalog_conflicts
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.catalog.claims import (
    LAPSED,
    OPEN,
    RESOLVED,
    Conflict,
    claimed,
    collide,
    datum,
    shared,
)
from ortoo_protocol.core.errors import CatalogConflictUnknown, CatalogResolution, StopReason
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send

MOST_TOLD = 50  # further entries that one entry collides with wait for its next version


def settle(tx: Tx, entry: Entry) -> None:
    """Compare what `entry`, just taken, claims with what all others do."""
    mine = claimed(entry)
    _keep_claims(tx, entry, mine)
    others = _others(tx.conn, entry, mine)
    known = _of(tx.conn, entry.code)
    for code, row in known.items():
        if code not in others and row.state == OPEN:
            _change(tx, row, state=LAPSED, items=_items(row))
    told = 0
    for code, names in others.items():
        held = known.get(code)
        if held is not None and _says(held, names):
            continue
        if told == MOST_TOLD:
            break
        told += 1
        if held is None:
            _open(tx, entry.code, code, names)
        else:
            _change(tx, held, state=OPEN, items=names)


def _says(row: Row[Any], names: Sequence[str]) -> bool:
    """Whether a conflict that is known covers these items: just these while it is open; these and
    perhaps more once a person has decided."""
    held, found = {datum(each) for each in _items(row)}, {datum(each) for each in names}
    return (row.state == OPEN and held == found) or (row.state == RESOLVED and found <= held)


def resolve(tx: Tx, conflict: str, source: str, reason: str, by: str) -> Row[Any]:
    """A person decides whose data they are; `source` empty: both keep their claims.

    Raises CatalogConflictUnknown, CatalogResolution, StopReason (who and why are needed).
    """
    row = _row(tx.conn, conflict)
    if row is None or row.state != OPEN:
        raise CatalogConflictUnknown(conflict=conflict)
    if source not in ("", row.first, row.second):
        raise CatalogResolution(source=source, first=row.first, second=row.second)
    if not reason.strip() or not by.strip():
        raise StopReason()
    return _change(tx, row, state=RESOLVED, items=_items(row), source=source, reason=reason, by=by)


def in_order(state: str) -> Select[Any]:
    """The newest first; of one state, or all."""
    order = (catalog_conflicts.c.opened_ms.desc(), catalog_conflicts.c.conflict)
    query = select(catalog_conflicts).order_by(*order)
    return query.where(catalog_conflicts.c.state == state) if state else query


def listed(conn: Connection, state: str, limit: int) -> list[Row[Any]]:
    return list(conn.execute(in_order(state).limit(limit)))


def items_of(row: Row[Any]) -> list[str]:
    return list(_items(row))


# --- store and letters --------------------------------------------------------------------------


def _keep_claims(tx: Tx, entry: Entry, mine: Mapping[str, str]) -> None:
    tx.conn.execute(delete(catalog_claims).where(catalog_claims.c.code == entry.code))
    if mine:
        rows = [
            {"code": entry.code, "datum": key, "name": name, "provider": entry.provider}
            for key, name in mine.items()
        ]
        tx.conn.execute(insert(catalog_claims), rows)


def _others(conn: Connection, entry: Entry, mine: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """By code, what other entries of the same place claim too."""
    if not mine:
        return {}
    query = select(catalog_claims.c.code, catalog_claims.c.datum, catalog_claims.c.provider).where(
        catalog_claims.c.datum.in_(list(mine)), catalog_claims.c.code != entry.code
    )
    theirs: dict[str, set[str]] = {}
    for code, key, provider in conn.execute(query.order_by(catalog_claims.c.code)):
        if collide(entry.provider, provider):
            theirs.setdefault(code, set()).add(key)
    return {code: shared(mine, data) for code, data in theirs.items()}


def _of(conn: Connection, code: str) -> dict[str, Row[Any]]:
    """The conflicts of an entry, by the code of the other side."""
    table = catalog_conflicts.c
    query = select(catalog_conflicts).where(or_(table.first == code, table.second == code))
    return {row.second if row.first == code else row.first: row for row in conn.execute(query)}


def _row(conn: Connection, conflict: str) -> Row[Any] | None:
    query = select(catalog_conflicts).where(catalog_conflicts.c.conflict == conflict)
    return conn.execute(query).first()


def _items(row: Row[Any]) -> Sequence[str]:
    return msgspec.json.decode(row.items, type=list[str])


def _open(tx: Tx, one: str, other: str, names: tuple[str, ...]) -> None:
    first, second = sorted((one, other))
    row = {
        "conflict": tx.new_id().hex(),
        "first": first,
        "second": second,
        "items": msgspec.json.encode(names),
        "state": OPEN,
        "source": "",
        "reason": "",
        "by": "",
        "opened_ms": tx.now_ms,
        "changed_ms": tx.now_ms,
    }
    tx.conn.execute(insert(catalog_conflicts).values(row))
    _tell(tx, str(row["conflict"]))


def _change(
    tx: Tx,
    row: Row[Any],
    *,
    state: str,
    items: Sequence[str],
    source: str = "",
    reason: str = "",
    by: str = "",
) -> Row[Any]:
    values = {"state": state, "source": source, "reason": reason, "by": by}
    of = catalog_conflicts.c.conflict == row.conflict
    packed = msgspec.json.encode(list(items))
    changed = update(catalog_conflicts).where(of)
    tx.conn.execute(changed.values(**values, items=packed, changed_ms=tx.now_ms))
    return _tell(tx, row.conflict)


def _tell(tx: Tx, conflict: str) -> Row[Any]:
    """Both compilers."""
    row = _row(tx.conn, conflict)
    if row is None:
        raise CatalogConflictUnknown(conflict=conflict)
    for mine, theirs in ((row.first, row.second), (row.second, row.first)):
        here, there = find(tx.conn, mine), find(tx.conn, theirs)
        if here is None or there is None:
            continue
        letter = Conflict(
            conflict=row.conflict,
            resource=mine,
            other=theirs,
            other_name=entry_of(there).name,
            other_provider=there.provider,
            items=tuple(_items(row)),
            state=row.state,
            source=row.source,
            reason=row.reason,
            by=row.by,
            time_ms=row.changed_ms,
        )
        send(tx, here.provider, letter)
    return row
