"""需求清单, 责任清单, 负面清单 at a station: its own rows, published; everybody's, mirrored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from ortoo_node.catalog import numbers, own
from ortoo_node.store.tables import catalog, catalog_lists
from ortoo_protocol.core.catalog.elements import NOT_SHARED, STOPPED
from ortoo_protocol.core.catalog.lists import (
    CLOSED,
    DEMAND,
    DUTY,
    LISTS,
    NEGATIVE,
    OPEN,
    ListEntry,
    check_list_entry,
    check_list_procedure,
)
from ortoo_protocol.core.codec import decode, encode
from ortoo_protocol.core.errors import CatalogField, CatalogListUnknown
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.station import feed_writer
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import upsert

_PREFIX = {DEMAND: "XQ", DUTY: "ZR", NEGATIVE: "FM"}  # 需求, 责任, 负面
_TEXTS = ("content", "basis", "resource")


def put(tx: Tx, fields: Mapping[str, Any]) -> ListEntry:
    """Publish a row, or the next version of one (`number` says which), from the fields of a form.

    Raises CatalogField, CatalogBasis, CatalogSecrecy, CatalogRatification, CatalogListUnknown,
    TrustDepartment.
    """
    given = dict(fields)
    list_, number = str(given.get("list", "")), str(given.get("number", ""))
    if list_ not in LISTS:
        raise CatalogField(field="list", detail=repr(list_[:64]))
    held = find(tx.conn, tx.party, list_, number) if number else None
    if number and held is None:
        raise CatalogListUnknown(list=list_, number=number)
    department = str(given.get("department", ""))
    made: dict[str, Any] = {
        **dict.fromkeys(_TEXTS, ""),
        **{"items": [], "status": OPEN, "title": "", "compiled_by": "", "approved_by": ""},
        **given,
        "number": number or _number(tx, list_),
        "version": 1 if held is None else held.version + 1,
        "provider": tx.party,
        "department_name": tx.trust.departments(tx.party).get(department, ""),
        "published_ms": tx.now_ms,
    }
    try:
        row = msgspec.convert(made, ListEntry, strict=True)
    except msgspec.ValidationError as error:
        raise CatalogField(field="list", detail=str(error)) from None
    return publish(tx, row)


def settle(
    tx: Tx,
    list_: str,
    number: str,
    *,
    status: str,
    answer: str,
    resource: str,
    compiled_by: str,
    secrecy_checked_by: str,
    approved_by: str,
) -> ListEntry:
    """Say how a row of ours ended: a demand that `resource` answers, or one that is closed."""
    held = known(tx.conn, tx.party, list_, number)
    row = msgspec.structs.replace(
        decode(held.row, ListEntry),
        version=held.version + 1,
        status=status,
        answer=answer,
        resource=resource or held.resource,
        compiled_by=compiled_by,
        secrecy_checked_by=secrecy_checked_by,
        approved_by=approved_by,
        published_ms=tx.now_ms,
    )
    return publish(tx, row)


def publish(tx: Tx, row: ListEntry) -> ListEntry:
    profile = profile_named(tx.trust.profile)
    check_list_procedure(check_list_entry(row, profile), profile)
    tx.trust.check_department(tx.party, row.department)
    feed_writer.open_feed(tx, own.own_feed(tx.party), sealed=False)
    feed_writer.publish(tx, own.own_feed(tx.party), row)
    store(tx.conn, row, None)
    return row


def store(conn: Connection, row: ListEntry, accepted_ms: int | None) -> None:
    """Keep a row; an older version than the one that is held changes nothing."""
    held = find(conn, row.provider, row.list, row.number)
    if held is not None and held.version > row.version:
        return
    values = {
        "provider": row.provider,
        "list": row.list,
        "number": row.number,
        "version": row.version,
        "department": row.department,
        "title": row.title,
        "resource": row.resource,
        "status": row.status,
        "row": encode(row),
        "accepted_ms": accepted_ms,
    }
    upsert(conn, catalog_lists, [values])


def _number(tx: Tx, list_: str) -> str:
    return f"{_PREFIX[list_]}-{tx.party[1:]}-{numbers.following(tx, f'list/{list_}'):06d}"


# --- reading ------------------------------------------------------------------------------------


def find(conn: Connection, provider: str, list_: str, number: str) -> Row[Any] | None:
    table = catalog_lists.c
    query = select(catalog_lists).where(
        table.provider == provider, table.list == list_, table.number == number
    )
    return conn.execute(query).first()


def known(conn: Connection, provider: str, list_: str, number: str) -> Row[Any]:
    row = find(conn, provider, list_, number)
    if row is None:
        raise CatalogListUnknown(list=list_, number=number)
    return row


def listed(
    conn: Connection,
    list_: str,
    *,
    provider: str = "",
    status: str = "",
    word: str = "",
    limit: int = 500,
    offset: int = 0,
) -> list[tuple[ListEntry, int | None]]:
    """Rows of a list with when the hub took them, by number."""
    query = select(catalog_lists).where(catalog_lists.c.list == list_)
    if provider:
        query = query.where(catalog_lists.c.provider == provider)
    if status:
        query = query.where(catalog_lists.c.status == status)
    if word:
        query = query.where(catalog_lists.c.title.contains(word, autoescape=True))
    rows = conn.execute(query.order_by(catalog_lists.c.number).limit(limit).offset(offset))
    return [(decode(row.row, ListEntry), row.accepted_ms) for row in rows]


def uncovered(conn: Connection, provider: str) -> list[str]:
    """Codes of a provider's resources that are not shared and on no negative list of its."""
    named = select(catalog_lists.c.resource).where(
        catalog_lists.c.list == NEGATIVE,
        catalog_lists.c.provider == provider,
        catalog_lists.c.status != CLOSED,
    )
    query = select(catalog.c.code).where(
        catalog.c.provider == provider,
        catalog.c.share_type == NOT_SHARED,
        catalog.c.status != STOPPED,
        catalog.c.code.not_in(named),
    )
    return list(conn.execute(query.order_by(catalog.c.code)).scalars())
