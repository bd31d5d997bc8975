"""The station's own entries, published on its catalog feed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ortoo_node.catalog.mirror import find, store
from ortoo_protocol.core import files
from ortoo_protocol.core.catalog import Entry, check_entry
from ortoo_protocol.core.catalog.intake import as_entry
from ortoo_protocol.core.errors import CatalogOwner
from ortoo_protocol.core.ids import feed_id
from ortoo_protocol.station import feed_writer
from ortoo_protocol.station.context import Tx

CATALOG = "catalog"
FILE_ITEMS: tuple[Mapping[str, Any], ...] = tuple(
    {
        "name": title,
        "column": column.name,
        "type": column.type,
        "length": column.length,
        "key": column.name in files.KEY,
    }
    for title, column in zip(files.TITLES, files.COLUMNS, strict=True)
)


def own_feed(party: str) -> str:
    return feed_id(party, CATALOG)


def add(tx: Tx, given: Mapping[str, Any]) -> tuple[Entry, int]:
    """Publish a new entry, or a new version of one, from the fields of an entry file.

    Returns the entry and its number on the catalog feed. Raises CatalogField, CatalogBasis,
    CatalogOwner, TrustDepartment.
    """
    entry = _complete(tx, given)
    return entry, publish(tx, entry)


def publish(tx: Tx, entry: Entry) -> int:
    check_entry(entry)
    tx.trust.check_department(tx.party, entry.department)
    known = find(tx.conn, entry.code)
    if known is not None and known.provider != tx.party:
        raise CatalogOwner(resource=entry.code)
    feed_writer.open_feed(tx, own_feed(tx.party), sealed=False)
    number = feed_writer.publish(tx, own_feed(tx.party), entry)
    store(tx.conn, entry, number, None)
    return number


def _complete(tx: Tx, given: Mapping[str, Any]) -> Entry:
    """The entry that `given` describes, with what the station knows filled in."""
    fields = dict(given)
    code = str(fields.get("code", ""))
    known = find(tx.conn, code)
    name = re.sub(r"[^a-z0-9]+", "-", code.lower()).strip("-") or "resource"
    department = str(fields.get("department", ""))
    defaults: dict[str, Any] = {
        "provider": tx.party,
        "version": known.version + 1 if known is not None else 1,
        "department_name": tx.trust.departments(tx.party).get(department, ""),
        "feed": known.feed if known is not None else feed_id(tx.party, name),
        "published_ms": tx.now_ms,
    }
    if fields.pop("files", False):  # the items of a file feed are always the same
        fields["items"] = list(FILE_ITEMS)
        defaults["format_class"] = 1
    return as_entry({**defaults, **fields})
