"""The region's catalog as this station holds it: its own entries and all that the hub passed on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text

from ortoo_node.catalog.search import bigrams, searchable
from ortoo_node.store.tables import catalog, catalog_refusals
from ortoo_protocol.core.catalog import Entry, Federated, Refusal, check_entry
from ortoo_protocol.core.catalog.profiles import profile_named
from ortoo_protocol.core.codec import Shape, decode, encode
from ortoo_protocol.core.errors import (
    CatalogOwner,
    CatalogUnknown,
    EnvelopeKind,
    TrustDepartment,
)
from ortoo_protocol.core.verify import Opened, as_body, open_content, verify
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import upsert


def federated(tx: Tx, opened: Opened[Shape]) -> None:
    """An item of the region's catalog: the provider's own signed entry inside the hub's."""
    body = as_body(opened, Federated).body
    inner = verify(
        body.envelope, suites=tx.parts.suites, plane=tx.plane, keys=tx.trust, now_ms=tx.now_ms
    )
    if inner.kind.name != "catalog.entry":
        raise EnvelopeKind(kind=inner.kind.name, detail="not a catalog entry")
    entry = as_body(open_content(inner, lambda _header: None), Entry).body
    if entry.provider != inner.header.sender:
        raise CatalogOwner(resource=entry.code)
    check_entry(entry, profile_named(tx.trust.profile))
    _check_department(tx, entry)
    position = inner.header.position
    number = 0 if position is None else position.seq
    known = find(tx.conn, entry.code)
    if known is not None and known.provider != entry.provider:
        raise CatalogOwner(resource=entry.code)
    if known is not None and known.version > entry.version:
        return
    store(tx.conn, entry, number, body.accepted_ms)


def _check_department(tx: Tx, entry: Entry) -> None:
    """Nobody speaks for a department that another active party announced. One that nobody did is
    let pass: announcements come by another way, perhaps later."""
    if entry.department in tx.trust.departments(entry.provider):
        return
    for party in tx.trust.parties:
        if party.status == "active" and entry.department in tx.trust.departments(party.party):
            raise TrustDepartment(department=entry.department, party=entry.provider)


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
