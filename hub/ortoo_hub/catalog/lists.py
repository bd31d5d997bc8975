"""需求清单, 责任清单, 负面清单 of all members: taken as entries are, and passed on as signed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Select, select

from ortoo_hub.catalog.federation import pass_on, refuse
from ortoo_hub.store.tables import catalog_lists
from ortoo_protocol.core.catalog.lists import ListEntry, check_list_entry, check_list_procedure
from ortoo_protocol.core.codec import Shape, decode
from ortoo_protocol.core.errors import CatalogField, OrtooError
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import upsert


def take(tx: Tx, opened: Opened[Shape]) -> None:
    """Take one row of a member's list into the region's, or refuse it by letter."""
    row, sender = as_body(opened, ListEntry).body, opened.header.sender
    try:
        _check(tx, row, sender)
    except OrtooError as error:
        refuse(tx, row.number, row.version, sender, error)
        return
    values = {
        "provider": row.provider,
        "list": row.list,
        "number": row.number,
        "version": row.version,
        "status": row.status,
        "row": opened.body_bytes,
        "accepted_ms": tx.now_ms,
    }
    upsert(tx.conn, catalog_lists, [values])
    pass_on(tx, opened)


def _check(tx: Tx, row: ListEntry, sender: str) -> None:
    profile = profile_named(tx.trust.profile)
    check_list_procedure(check_list_entry(row, profile), profile)
    if row.provider != sender:
        raise CatalogField(field="provider", detail=f"{sender} sent it")
    tx.trust.check_department(sender, row.department)
    held = find(tx.conn, row.provider, row.list, row.number)
    if held is not None and row.version <= held.version:
        raise CatalogField(field="version", detail=f"{held.version} was accepted already")


def find(conn: Connection, provider: str, list_: str, number: str) -> Row[Any] | None:
    table = catalog_lists.c
    query = select(catalog_lists).where(
        table.provider == provider, table.list == list_, table.number == number
    )
    return conn.execute(query).first()


def in_order(list_: str, status: str) -> Select[Any]:
    """The newest first; of one status, or all."""
    table = catalog_lists.c
    query = select(catalog_lists).where(table.list == list_)
    if status:
        query = query.where(table.status == status)
    return query.order_by(table.accepted_ms.desc(), table.number, table.provider)


def listed(conn: Connection, list_: str, status: str, limit: int) -> list[ListEntry]:
    rows = conn.execute(in_order(list_, status).limit(limit))
    return [decode(row.row, ListEntry) for row in rows]
