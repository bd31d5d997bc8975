"""Publishing a table: read the source once, publish what differs from what was published last.

The difference is taken against the feed's shadow, so rows at equal timestamps, deletes and a crash
between reading and publishing lose nothing: the next reading finds what is still different.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import select

from ortoo_node import catalog, views
from ortoo_node.settings import NodeSettings
from ortoo_node.sources import SourceTable
from ortoo_node.store.tables import publications
from ortoo_protocol.core import diff
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.codec import Scalar, encode, unpack
from ortoo_protocol.core.errors import CatalogOwner, SettingsLacking
from ortoo_protocol.core.feeds import DELETE, UPSERT, Column, RowChange, TableSchema, row_part
from ortoo_protocol.station import feed_writer, table_feed
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.dialect import upsert

CHANGES_A_JOB = 5_000


@dataclass(frozen=True)
class Published:
    feed: str
    rows: int
    upserts: int
    deletes: int
    incarnation: int
    seq: int


@dataclass
class Publisher:
    """One publication of a resource at a time; different resources do not wait for each other."""

    station: Station
    settings: NodeSettings
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def publish(self, resource: str, source: str | None, table: str | None) -> Published:
        """Publish `resource` from `table` of `source` (kept from the first time on).

        Raises CatalogUnknown, CatalogOwner, SettingsLacking, SourceError, RowsError.
        """
        async with self._locks.setdefault(resource, asyncio.Lock()):
            entry = await self.station.read(lambda conn: catalog.entry(conn, resource))
            if entry.provider != self.station.party:
                raise CatalogOwner(resource=resource)
            name, path = await self._place(resource, source, table)
            columns = [Column(item.column, item.type, item.length) for item in entry.items]
            key = [item.column for item in entry.items if item.key]
            url = self.settings.source(name).read_url()
            opened = await asyncio.to_thread(SourceTable, url, path, columns, key)
            try:
                return await self._publish(entry, opened)
            finally:
                opened.close()

    async def _place(self, resource: str, source: str | None, table: str | None) -> tuple[str, str]:
        query = select(publications).where(publications.c.resource == resource)
        known = await self.station.read(lambda conn: conn.execute(query).first())
        name = source or (known.source if known is not None else None)
        path = table or (known.table if known is not None else None)
        if name is None or path is None:
            raise SettingsLacking(place="publish", key="source, table")
        row = {"resource": resource, "source": name, "table": path}
        await self.station.write(lambda tx: upsert(tx.conn, publications, [row]))
        return name, path

    async def _publish(self, entry: Entry, source: SourceTable) -> Published:
        await asyncio.to_thread(source.schema)  # proves that the columns are there
        schema = await self.station.write(partial(_declare, entry))
        known = await self.station.write(lambda tx: table_feed.shadow_hashes(tx, entry.feed))
        suite = self.station.parts.identity.suite
        compare = partial(_compare, source, schema, known, suite.hash)
        changes, rows = await asyncio.to_thread(compare)
        for at in range(0, len(changes), CHANGES_A_JOB):
            part = changes[at : at + CHANGES_A_JOB]
            await self.station.write(partial(_append, entry, schema, part))
        row = await self.station.write(lambda tx: feed_writer.feed_row(tx, entry.feed))
        deletes = sum(change.op == DELETE for change in changes)
        return Published(
            entry.feed, rows, len(changes) - deletes, deletes, row.incarnation, row.seq
        )


def _declare(entry: Entry, tx: Tx) -> TableSchema:
    feed_writer.open_feed(tx, entry.feed, sealed=True)
    columns = [Column(item.column, item.type, item.length) for item in entry.items]
    key = [item.column for item in entry.items if item.key]
    schema = table_feed.declare(tx, entry.feed, columns, key)
    for view in views.of_resource(tx.conn, entry.code):
        views.declare(tx, view, schema)
    return schema


def _compare(
    source: SourceTable,
    schema: TableSchema,
    known: dict[bytes, bytes],
    digest: Callable[[bytes], bytes],
) -> tuple[list[RowChange], int]:
    """What differs, and how many rows were read."""
    places = [index for index, column in enumerate(schema.columns) if column.name in schema.key]
    read = 0

    def rows() -> Iterator[tuple[Scalar, ...]]:
        nonlocal read
        for row in source.rows():
            read += 1
            yield row

    def key_of(row: Sequence[Scalar]) -> bytes:
        return encode([row[place] for place in places])

    def hash_of(row: Sequence[Scalar]) -> bytes:
        part = row_part(RowChange(UPSERT, tuple(row)))
        return digest(part)[: table_feed.HASH_BYTES]

    upserts, deletes = diff.difference(known, rows(), key_of, hash_of)
    changes = [RowChange(UPSERT, tuple(row)) for row in upserts]
    changes += [RowChange(DELETE, tuple(unpack(key))) for key in deletes]
    return changes, read


def _append(entry: Entry, schema: TableSchema, changes: Sequence[RowChange], tx: Tx) -> None:
    """The resource's feed and all its views, in one transaction."""
    table_feed.publish_changes(tx, entry.feed, schema, changes)
    for view in views.of_resource(tx.conn, entry.code):
        views.follow(tx, view, schema, changes)
