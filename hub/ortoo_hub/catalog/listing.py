"""Looking things up in the regional catalog."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from ortoo_hub.store.tables import catalog, catalog_refusals
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.errors import CatalogUnknown


def find(conn: Connection, code: str) -> Row[Any] | None:
    return conn.execute(select(catalog).where(catalog.c.code == code)).first()


def entry_of(row: Row[Any]) -> Entry:
    return decode(row.entry, Entry)


def known(conn: Connection, code: str) -> Row[Any]:
    row = find(conn, code)
    if row is None:
        raise CatalogUnknown(resource=code)
    return row


def related_of(conn: Connection, code: str) -> tuple[str, ...]:
    row = find(conn, code)
    return () if row is None else entry_of(row).related


def search(conn: Connection, text: str, limit: int) -> list[Row[Any]]:
    """Entries in which every word of `text` stands somewhere; the newest first."""
    holds = [catalog.c.words.contains(word, autoescape=True) for word in text.lower().split()]
    query = select(catalog).order_by(catalog.c.accepted_ms.desc(), catalog.c.code).limit(limit)
    return list(conn.execute(query.where(*holds)))


def refusals(conn: Connection, limit: int) -> list[Row[Any]]:
    query = select(catalog_refusals).order_by(catalog_refusals.c.number.desc()).limit(limit)
    return list(conn.execute(query))


def name_of(conn: Connection, code: str) -> str:
    row = find(conn, code)
    return "" if row is None else entry_of(row).name
