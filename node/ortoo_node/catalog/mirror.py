"""The region's catalog as this station holds it: its own entries and all that the hub passed on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text

from ortoo_node.catalog.search import bigrams, searchable
from ortoo_node.store.tables import catalog, catalog_refusals
from ortoo_protocol.core.catalog import Entry, Refusal, check_entry
from ortoo_protocol.core.catalog.profiles import profile_named
from ortoo_protocol.core.codec import Shape, decode, encode
from ortoo_protocol.core.errors import (
    CatalogOwner,
    CatalogUnknown,
    TrustDepartment,
)
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import upsert


def take(tx: Tx, entry: Entry, number: int, accepted_ms: int) -> None:
    """An entry that the hub passed on, of this number on its provider's feed.

    The hub's word is not taken for it: neither for another's code nor for another's department.
    """
    check_entry(entry, profile_named(tx.trust.profile))
    check_foreign(tx, entry.provider, entry.department)
    known = find(tx.conn, entry.code)
    if known is not None and known.provider != entry.provider:
        raise CatalogOwner(resource=entry.code)
    if known is not None and known.version > entry.version:
        return
    store(tx.conn, entry, number, accepted_ms)


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


def store(conn: Connection, entry: Entry, number: int, accepted_ms: int | None) -> None:
    words = searchable(entry)
    row = {
        "code": entry.code,
        "version": entry.version,
        "name": entry.name,
        "provider": entry.provider,
        "department": entry.department,
        "share_type": entry.share_type,
        "status": entry.status,
        "feed": entry.feed,
        "entry": encode(entry),
        "text": words,
        "accepted_ms": accepted_ms,
        "number": number,
    }
    upsert(conn, catalog, [row])
    if conn.dialect.name == "sqlite":
        conn.execute(text("DELETE FROM catalog_text WHERE code = :code"), {"code": entry.code})
        conn.execute(
            text("INSERT INTO catalog_text (code, grams) VALUES (:code, :grams)"),
            {"code": entry.code, "grams": " ".join(bigrams(words))},
        )


def find(conn: Connection, code: str) -> Row[Any] | None:
    return conn.execute(select(catalog).where(catalog.c.code == code)).first()


def entry(conn: Connection, code: str) -> Entry:
    """The entry of `code`. Raises CatalogUnknown."""
    found = find(conn, code)
    if found is None:
        raise CatalogUnknown(resource=code)
    return decode(found.entry, Entry)


def listed(conn: Connection, provider: str | None) -> Sequence[Row[Any]]:
    query = select(catalog).order_by(catalog.c.code)
    if provider is not None:
        query = query.where(catalog.c.provider == provider)
    return conn.execute(query).all()


def refusals(conn: Connection) -> Sequence[Row[Any]]:
    return conn.execute(select(catalog_refusals).order_by(catalog_refusals.c.number.desc())).all()
