"""Entries on their way out: to files, to the national platform, to other catalogs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from ortoo_node.catalog import dcat
from ortoo_node.store.tables import catalog
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.catalog.elements import STOPPED
from ortoo_protocol.core.catalog.intake import fields_of
from ortoo_protocol.station.catalog.stored import unpack

MOST_BYTES = 4 << 20  # of entries in one answer, as JSON
_ROWS = 500


@dataclass(frozen=True)
class Wanted:
    """Entries that are not stopped. `provider`: of this party alone; `open_only`: those open to
    society; `codes`: these alone, stopped or not."""

    provider: str = ""
    open_only: bool = False
    codes: tuple[str, ...] = ()


def part(conn: Connection, wanted: Wanted, after: str) -> tuple[list[dict[str, Any]], str]:
    """Fields of the next entries behind code `after`, and the code to go on behind, "" at the
    end."""
    entries: list[dict[str, Any]] = []
    size = 0
    for entry in _entries(conn, wanted, after):
        fields = fields_of(entry)
        size += len(msgspec.json.encode(fields))
        if entries and size > MOST_BYTES:
            return entries, str(entries[-1]["code"])
        entries.append(fields)
    return entries, ""


def harvested(
    conn: Connection, wanted: Wanted, about: dcat.About, after: str, size: int
) -> dict[str, Any]:
    """A page in DCAT: `size` entries behind code `after`."""
    entries = list(islice(_entries(conn, wanted, after), size + 1))
    following = entries[size - 1].code if len(entries) > size else ""
    return dcat.page(entries[:size], about, size, after, following)


def _entries(conn: Connection, wanted: Wanted, after: str) -> Iterator[Entry]:
    """By code."""
    query = select(catalog.c.code, catalog.c.entry).order_by(catalog.c.code).limit(_ROWS)
    if wanted.codes:
        query = query.where(catalog.c.code.in_(wanted.codes))
    else:
        query = query.where(catalog.c.status != STOPPED)
    if wanted.provider:
        query = query.where(catalog.c.provider == wanted.provider)
    while True:
        rows = conn.execute(query.where(catalog.c.code > after)).all()
        for row in rows:
            entry = unpack(row.entry)
            if not wanted.open_only or entry.open_to_society:
                yield entry
        if len(rows) < _ROWS:
            return
        after = rows[-1].code
