"""Looking things up in the regional catalog."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from ortoo_hub.store.tables import catalog, catalog_refusals
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.errors import CatalogUnknown
from ortoo_protocol.station.catalog.stored import unpack


def find(conn: Connection, code: str) -> Row[Any] | None:
    return conn.execute(select(catalog).where(catalog.c.code == code)).first()


def entry_of(row: Row[Any]) -> Entry:
    return unpack(row.entry)


def known(conn: Connection, code: str) -> Row[Any]:
    row = find(conn, code)
    if row is None:
        raise CatalogUnknown(resource=code)
    return row


def related_of(conn: Connection, code: str) -> tuple[str, ...]:
    row = find(conn, code)
    return () if row is None else entry_of(row).related


def refusals() -> Select[Any]:
    """The newest first."""
    return select(catalog_refusals).order_by(catalog_refusals.c.number.desc())


def name_of(conn: Connection, code: str) -> str:
    return names_of(conn, (code,)).get(code, "")


def names_of(conn: Connection, codes: Iterable[str]) -> dict[str, str]:
    """Of those that the catalog has."""
    query = select(catalog.c.code, catalog.c.entry).where(catalog.c.code.in_(list(codes)))
    return {code: unpack(entry).name for code, entry in conn.execute(query)}
