"""The region's catalog as this station holds it: its own entries and all that the hub passed on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select

from ortoo_node.store.tables import carried_stated, catalog, catalog_refusals
from ortoo_protocol.core.catalog import Entry, Refusal, check_entry
from ortoo_protocol.core.catalog.freshness import Carried, check_carried
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import (
    CatalogOwner,
    CatalogUnknown,
    TrustDepartment,
)
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station.catalog import index
from ortoo_protocol.station.catalog.looking import INDEXED
from ortoo_protocol.station.catalog.stored import pack, unpack
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import upsert_of
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import catalog_index

_COLUMNS = tuple(catalog.c.keys())
_KNOWN = Prepared(
    select(catalog.c.provider, catalog.c.version).where(catalog.c.code == bindparam("of")), ("of",)
)
_STORED = Prepared(select(catalog.c.entry).where(catalog.c.code == bindparam("of")), ("of",))

_INDEXED = select(catalog.c.code, catalog.c.entry, *INDEXED).outerjoin_from(
    catalog, catalog_index, catalog_index.c.code == catalog.c.code
)


@lru_cache
def _store(dialect: str) -> Prepared:
    return Prepared(upsert_of(catalog, dialect), _COLUMNS)


def take(tx: Tx, entry: Entry, number: int, accepted_ms: int) -> None:
    """An entry that the hub passed on, of this number on its provider's feed.

    The hub's word is not taken for it: neither for another's code nor for another's department.
    """
    check_entry(entry, profile_named(tx.trust.profile))
    check_foreign(tx, entry.provider, entry.department)
    for provider, version in _KNOWN.rows(tx.conn, entry.code):
        if provider != entry.provider:
            raise CatalogOwner(resource=entry.code)
        if version > entry.version:
            return
    store(tx, entry, number, accepted_ms)


def take_carried(tx: Tx, provider: str, body: Carried) -> None:
    """A provider's word on its feeds; on entries that are not its own it has no say."""
    check_carried(body)
    index.check_owner(tx, provider, body.resources)
    index.said(tx, provider, body.resources)


def check_foreign(tx: Tx, provider: str, department: str) -> None:
    """Nobody speaks for a department that another active party announced. One that nobody did is
    let pass: announcements come by another way, perhaps later."""
    if department in tx.trust.departments(provider):
        return
    for party in tx.trust.parties:
        if party.status == "active" and department in tx.trust.departments(party.party):
            raise TrustDepartment(department=department, party=provider)


def refused(tx: Tx, opened: Opened[Shape]) -> None:
    """The hub did not take an entry: its compiler sees why."""
    body = as_body(opened, Refusal).body
    values = {
        "code": body.code,
        "version": body.version,
        "error": body.error,
        "reason": body.reason,
        "time_ms": tx.now_ms,
    }
    tx.conn.execute(insert(catalog_refusals).values(values))
    # What was said of its feed counted for nothing there: it is news once the entry is taken.
    tx.conn.execute(delete(carried_stated).where(carried_stated.c.code == body.code))


def store(tx: Tx, entry: Entry, number: int, accepted_ms: int | None) -> None:
    """Keep it, and have it indexed with this transaction."""
    old = [unpack(raw) for (raw,) in _STORED.rows(tx.conn, entry.code)]
    row = {
        "code": entry.code,
        "version": entry.version,
        "name": entry.name,
        "provider": entry.provider,
        "department": entry.department,
        "share_type": entry.share_type,
        "status": entry.status,
        "feed": entry.feed,
        "entry": pack(entry),
        "accepted_ms": accepted_ms,
        "number": number,
    }
    _store(tx.conn.dialect.name).one(tx.conn, *(row[name] for name in _COLUMNS))
    since_ms = tx.now_ms if accepted_ms is None else accepted_ms
    index.changed(tx, index.Change(old[0] if old else None, entry, since_ms))


def find(conn: Connection, code: str) -> Row[Any] | None:
    return conn.execute(select(catalog).where(catalog.c.code == code)).first()


def entry(conn: Connection, code: str) -> Entry:
    """The entry of `code`. Raises CatalogUnknown."""
    found = find(conn, code)
    if found is None:
        raise CatalogUnknown(resource=code)
    return unpack(found.entry)


def listed(
    conn: Connection, provider: str | None, limit: int, offset: int = 0
) -> Sequence[Row[Any]]:
    """By code; with what the index knows of each."""
    query = _INDEXED
    if provider is not None:
        query = query.where(catalog.c.provider == provider)
    return conn.execute(query.order_by(catalog.c.code).limit(limit).offset(offset)).all()


def indexed(conn: Connection, code: str) -> Row[Any]:
    """An entry that is here, with what the index knows of it."""
    return conn.execute(_INDEXED.where(catalog.c.code == code)).one()


def how_many(conn: Connection, provider: str | None) -> int:
    query = select(func.count()).select_from(catalog)
    if provider is not None:
        query = query.where(catalog.c.provider == provider)
    return int(conn.execute(query).scalar() or 0)


def refusals_of(conn: Connection, code: str) -> Sequence[Row[Any]]:
    """Why the hub did not take versions of one entry, the newest first."""
    query = select(catalog_refusals).where(catalog_refusals.c.code == code)
    return conn.execute(query.order_by(catalog_refusals.c.number.desc()).limit(20)).all()


def refusals(conn: Connection, limit: int, offset: int = 0) -> Sequence[Row[Any]]:
    """The newest first."""
    query = select(catalog_refusals).order_by(catalog_refusals.c.number.desc())
    return conn.execute(query.limit(limit).offset(offset)).all()


def resource_name(conn: Connection, code: str) -> str:
    """As people know it; the code where the catalog does not have it."""
    return resource_names(conn, (code,))[code]


def resource_names(conn: Connection, codes: Iterable[str]) -> dict[str, str]:
    """Of each of these, likewise."""
    named = list(codes)
    query = select(catalog.c.code, catalog.c.name).where(catalog.c.code.in_(named))
    return {code: code for code in named} | {code: name for code, name in conn.execute(query)}
