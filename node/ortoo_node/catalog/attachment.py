"""挂接: which table, view, files or query a resource's data come from, and whether both agree.

What is published from a source is attached to it by that. Others are attached by hand. All are
looked at once a day; what differs shows in ``catalog drift`` and ``doctor`` until it is mended.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select

from ortoo_node.catalog import mirror
from ortoo_node.catalog.drift import Drift, compare, proposed
from ortoo_node.queries import offers
from ortoo_node.queries.declared import Declaration
from ortoo_node.settings import NodeSettings
from ortoo_node.sources.describe import SourceColumn, describe
from ortoo_node.store.tables import catalog_attachments, publications
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.catalog.elements import STOPPED
from ortoo_protocol.core.errors import (
    CatalogAttachment,
    CatalogOwner,
    OrtooError,
    QueryUnknown,
    SourceMissing,
    SourceSettling,
    SourceUndescribed,
)
from ortoo_protocol.core.files import are_file_items
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.control_client import error_to
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.dialect import upsert

TABLE, QUERY = "table", "query"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where a resource's data come from. `source` and `table`; of a query, its code as `table`."""

    resource: str
    kind: str
    source: str
    table: str


@dataclass(frozen=True)
class Looked:
    """What a look at a source found: what differs, or why nobody could look."""

    place: Place
    drift: tuple[Drift, ...]
    error: dict[str, Any] | None
    time_ms: int

    def view(self) -> dict[str, Any]:
        return {
            "resource": self.place.resource,
            "kind": self.place.kind,
            "source": self.place.source,
            "table": self.place.table,
            "drift": [each.view() for each in self.drift],
            "error": self.error,
            "time_ms": self.time_ms,
        }


# --- the store ----------------------------------------------------------------------------------


def attach(tx: Tx, place: Place, by: str) -> None:
    """Keep where a resource's data come from. Raises CatalogUnknown, CatalogOwner, QueryUnknown."""
    entry = mirror.entry(tx.conn, place.resource)
    if entry.provider != tx.party:
        raise CatalogOwner(resource=place.resource)
    if place.kind == QUERY:
        declared = offers.row(tx.conn, place.table)
        if declared is None or declared.resource != place.resource:
            raise QueryUnknown(detail=place.table)
    row = {
        "resource": place.resource,
        "kind": place.kind,
        "source": place.source,
        "table": place.table,
        "by": by,
        "attached_ms": tx.now_ms,
        "checked_ms": 0,
        "drift": msgspec.json.encode([]),
        "error": msgspec.json.encode(None),
    }
    upsert(tx.conn, catalog_attachments, [row])


def detach(tx: Tx, resource: str) -> None:
    """Raises CatalogAttachment."""
    of = catalog_attachments.c.resource == resource
    if not tx.conn.execute(delete(catalog_attachments).where(of)).rowcount:
        raise CatalogAttachment(resource=resource)


def places(conn: Connection) -> dict[str, Place]:
    """By resource; what was attached by hand counts before what is published from."""
    found = {
        row.resource: Place(row.resource, TABLE, row.source, row.table)
        for row in conn.execute(select(publications))
    }
    found |= {
        row.resource: Place(row.resource, row.kind, row.source, row.table)
        for row in conn.execute(select(catalog_attachments).where(_by_hand()))
    }
    return found


def _by_hand() -> Any:
    return catalog_attachments.c.by != ""


def looked(conn: Connection, resource: str = "") -> list[Looked]:
    """What the last looks found; what was never looked at has no time."""
    query = select(catalog_attachments)
    if resource:
        query = query.where(catalog_attachments.c.resource == resource)
    kept = {row.resource: row for row in conn.execute(query)}
    answers = []
    for place in places(conn).values():
        if resource not in ("", place.resource):
            continue
        row = kept.get(place.resource)
        same = row is not None and (row.source, row.table) == (place.source, place.table)
        if row is not None and same:
            drift = msgspec.json.decode(row.drift, type=list[Drift])
            error = msgspec.json.decode(row.error)
            answers.append(Looked(place, tuple(drift), error, row.checked_ms))
        else:
            answers.append(Looked(place, (), None, 0))
    return sorted(answers, key=lambda each: each.place.resource)


def keep(tx: Tx, found: Looked) -> None:
    """What a look found; a publication that was attached by nobody gets a row of its own."""
    table = catalog_attachments.c
    query = select(table.by, table.attached_ms).where(table.resource == found.place.resource)
    known = tx.conn.execute(query).first()
    row = {
        "resource": found.place.resource,
        "kind": found.place.kind,
        "source": found.place.source,
        "table": found.place.table,
        "by": "" if known is None else known.by,
        "attached_ms": tx.now_ms if known is None else known.attached_ms,
        "checked_ms": tx.now_ms,
        "drift": msgspec.json.encode([each.view() for each in found.drift]),
        "error": msgspec.json.encode(found.error),
    }
    upsert(tx.conn, catalog_attachments, [row])


def _due(conn: Connection, before_ms: int) -> list[Place]:
    checked = {
        row.resource: (row.checked_ms, row.source, row.table)
        for row in conn.execute(select(catalog_attachments))
    }
    due = []
    for place in places(conn).values():
        at, source, table = checked.get(place.resource, (0, place.source, place.table))
        if at <= before_ms or (source, table) != (place.source, place.table):
            due.append(place)
    return due


# --- looking ------------------------------------------------------------------------------------


@dataclass
class Attachments:
    """Looks at sources, in threads; `loop` does it by itself."""

    station: Station
    settings: NodeSettings
    every_s: float

    async def propose(self, source: str, table: str) -> list[dict[str, Any]]:
        """Items for an entry over `table`. Raises what `describe` raises."""
        shape = await asyncio.to_thread(describe, self.settings, source, table)
        return proposed(shape.columns)

    async def attach(self, place: Place, by: str) -> Looked:
        """Tie a resource to its source, once that could be looked at."""
        entry = await self.station.read(lambda conn: mirror.entry(conn, place.resource))
        found = Looked(place, await self._compare(place, entry), None, self.station.parts.clock())

        def job(tx: Tx) -> None:
            attach(tx, place, by)
            keep(tx, found)

        await self.station.write(job)
        return found

    async def check(self, resource: str) -> Looked:
        """Look at one resource's source now. Raises CatalogAttachment."""
        known = await self.station.read(places)
        if resource not in known:
            raise CatalogAttachment(resource=resource)
        found = await self._look(known[resource])
        await self.station.write(partial(keep, found=found))
        return found

    async def check_all(self) -> None:
        for place in (await self.station.read(places)).values():
            await self.station.write(partial(keep, found=await self._look(place)))

    async def loop(self, pause_s: float = 60.0) -> None:
        while True:
            await self.check_due()
            await asyncio.sleep(pause_s)

    async def check_due(self) -> None:
        now_ms = self.station.parts.clock()
        before_ms = now_ms - int(self.every_s * 1000)
        for place in await self.station.read(lambda conn: _due(conn, before_ms)):
            found = await self._look(place)
            if found.drift or found.error:
                _log.warning("catalog and source of %s differ", place.resource)
            await self.station.write(partial(keep, found=found))

    async def _look(self, place: Place) -> Looked:
        drift: tuple[Drift, ...] = ()
        error = None
        try:
            entry = await self.station.read(lambda conn: mirror.entry(conn, place.resource))
            if entry.status != STOPPED:
                drift = await self._compare(place, entry)
        except OrtooError as trouble:
            if not self._comes_again(place, trouble):
                error = error_to(trouble)
        return Looked(place, drift, error, self.station.parts.clock())

    def _comes_again(self, place: Place, trouble: OrtooError) -> bool:
        """A folder's files are still written, or were read and went to where it keeps those."""
        folder = self.settings.folder_named(place.source)
        went = folder is not None and bool(folder.done) and isinstance(trouble, SourceMissing)
        return went or isinstance(trouble, SourceSettling)

    async def _compare(self, place: Place, entry: Entry) -> tuple[Drift, ...]:
        """Nothing, where the source does not say what it has, or what it has are files."""
        if place.kind == QUERY:
            columns = await self.station.read(lambda conn: _asked(conn, place))
            return tuple(compare(entry.items, columns))
        if are_file_items(entry.items):
            return ()
        try:
            shape = await asyncio.to_thread(describe, self.settings, place.source, place.table)
        except SourceUndescribed:
            return ()
        return tuple(compare(entry.items, shape.columns))


def _asked(conn: Connection, place: Place) -> list[SourceColumn]:
    """The columns that a declared query answers with: named, and typed by the catalog."""
    row = offers.row(conn, place.table)
    if row is None:
        raise QueryUnknown(detail=place.table)
    declared = msgspec.msgpack.decode(row.declaration, type=Declaration)
    return [SourceColumn(each.named) for each in declared.columns]
