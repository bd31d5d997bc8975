"""Publishing a resource: one reading of its source through the gate, what differs as items.

The difference is taken against the feed's shadow, so rows at equal timestamps, deletes, an overlap
that is read twice, and a crash between reading and publishing lose nothing and double nothing: the
next reading finds what is still different.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import Row, select, update

from ortoo_node import catalog, views
from ortoo_node.files import contents
from ortoo_node.publishing import plans, rejects
from ortoo_node.publishing.events import Also, Door, Events
from ortoo_node.publishing.gate import Chunk, Gate, Reject
from ortoo_node.publishing.seen import SeenKeys
from ortoo_node.quality import store
from ortoo_node.quality.checking import Checking, Quality
from ortoo_node.settings import NodeSettings
from ortoo_node.sources import Source, open_source
from ortoo_node.sources.files import FilesSource, open_files_source
from ortoo_node.sources.port import Reading
from ortoo_node.store.tables import publications
from ortoo_node.use.onward import Onward
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.catalog.elements import STOPPED
from ortoo_protocol.core.codec import unpack
from ortoo_protocol.core.errors import (
    CatalogOwner,
    CatalogStopped,
    RowsValue,
    SettingsLacking,
)
from ortoo_protocol.core.feeds import DELETE, UPSERT, Column, RowChange, TableSchema
from ortoo_protocol.core.files import are_file_items
from ortoo_protocol.core.row_codec import key_bytes
from ortoo_protocol.station import anew, event_feed, feed_writer, shadow, table_feed
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.dialect import upsert

ROWS_AT_ONCE = 4_096
# Chunks of a fresh table that share a commit: each costs the event loop and SQLite as much as a
# thousand rows. Beyond COMMIT_BYTES of rows it would hold up whoever else writes.
CHUNKS_A_COMMIT = 4
COMMIT_BYTES = 512 << 10
KEYS_AT_ONCE = 5_000


@dataclass(frozen=True)
class Published:
    """`rows` read, `upserts` and `deletes` published, `rejected` set aside; how far the feed is."""

    feed: str
    rows: int
    upserts: int
    deletes: int
    rejected: int
    incarnation: int
    seq: int


@dataclass
class _Counts:
    rows: int = 0
    upserts: int = 0
    deletes: int = 0
    rejected: int = 0


@dataclass
class Publisher:
    """One publication of a resource at a time; different resources do not wait for each other.

    `quality`: what rows of an entry have to pass beside the types of its items.
    """

    station: Station
    settings: NodeSettings
    quality: Quality = field(init=False)
    onward: Onward = field(init=False)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.quality = Quality(self.station, self.settings)
        self.onward = Onward(self.station, self.settings)
        self._events = Events(self.station, self._event_door)

    async def publish(
        self, resource: str, source: str | None = None, table: str | None = None
    ) -> Published:
        """Publish `resource` from `table` of `source` (kept from the first time on).

        Raises CatalogUnknown, CatalogOwner, SettingsLacking, SourceError, RowsError; UseOnward:
        others' data lie there.
        """
        async with self._lock(resource):
            entry = await self._own(resource)
            place = await self.place(resource, source, table)
            opened = await self._open(entry, place)
            with closing(opened):
                await asyncio.to_thread(opened.check)
                reading = await asyncio.to_thread(opened.read, place.mark)
                published = await self._publish(entry, reading)
                await asyncio.to_thread(reading.done)
                if isinstance(opened, FilesSource):
                    learn = partial(_learn, place.source, list(opened.learned.items()))
                    await self.station.write(learn)
                return published

    async def _open(self, entry: Entry, place: Row[Any]) -> Source:
        if are_file_items(entry.items):
            known = await self.station.read(lambda conn: contents.known_in(conn, place.source))
            foreign = await self.station.read(
                lambda conn: self.onward.foreign_files(conn, entry.code)
            )
            return open_files_source(self.settings, place.source, place.table, known, foreign)
        plan = await self.station.read(lambda conn: plans.plan_of(conn, entry.code))
        taken = await self.station.read(
            lambda conn: plans.taken(conn, entry.code, place.source, place.table)
        )
        return await asyncio.to_thread(
            open_source,
            self.settings,
            place.source,
            place.table,
            _columns(entry),
            _key(entry),
            titles={item.column: item.name for item in entry.items},
            capture=plan.capture,
            taken=taken,
            now_ms=self.station.parts.clock(),
        )

    async def push(
        self,
        resource: str,
        upserts: Iterable[Sequence[object]],
        deletes: Iterable[Sequence[object]] = (),
    ) -> tuple[Published, Sequence[Reject]]:
        """Publish rows that are handed in: `upserts` in the order of the entry's items, `deletes`
        in the order of its key items. Returns when they are durable; rejects in their own words."""
        async with self._lock(resource):
            entry = await self._own(resource)
            gone = list(deletes)
            refused: list[Reject] = []
            reading = Reading(iter(upserts), whole=False, deletes=lambda: gone)
            return await self._publish(entry, reading, refused, keep_mark=True), refused

    async def events(
        self,
        resource: str,
        rows: Sequence[Sequence[object]],
        also: Also | None = None,
    ) -> tuple[int, Sequence[Reject]]:
        """Append `rows` (in the order of the entry's items) to the event feed of `resource`; how
        many were taken, when they are durable. They leave together with others, soon. `also` is
        done in the same transaction."""
        return await self._events.append(resource, rows, also)

    async def _event_door(self, resource: str) -> Door:
        entry = await self._own(resource)
        schema = await self.station.write(partial(_declare_events, entry))
        checking = await self.quality.checking(entry, schema, whole=False)
        gate = Gate(schema, checking.row_checks, checking.all_pass)
        return Door(entry, schema, gate, self.station.parts.clock())

    # --- one reading ---

    async def _publish(
        self,
        entry: Entry,
        reading: Reading,
        refused: list[Reject] | None = None,
        *,
        keep_mark: bool = False,
    ) -> Published:
        reshapes = await self.station.read(
            lambda conn: table_feed.changes_all(conn, entry.feed, _columns(entry), _key(entry))
        )
        schema = await self.station.write(partial(_declare, entry), alone=reshapes)
        checking = await self.quality.checking(entry, schema, whole=reading.whole)
        gate = Gate(schema, checking.row_checks, checking.all_pass)
        fresh = not reading.in_order and await self.station.read(
            lambda conn: shadow.is_empty(conn, entry.feed)
        )
        marks = await self.station.read(lambda conn: rejects.open_marks(conn, entry.code))
        aside = rejects.SetAside(frozenset() if reading.whole else marks)
        run = _Run(self.station, entry, schema, gate, fresh, refused, checking, aside)
        seen = SeenKeys() if reading.whole and not fresh else None
        try:
            await run.rows(reading, seen)
            await run.deletes(reading, seen)
        finally:
            if seen is not None:
                await asyncio.to_thread(seen.close)
        row = await self.station.write(
            partial(_end_run, entry, None if keep_mark else reading.mark(), reading.whole, run)
        )
        counts = run.counts
        return Published(
            entry.feed,
            counts.rows,
            counts.upserts,
            counts.deletes,
            counts.rejected,
            row.incarnation,
            row.seq,
        )

    def alone(self, resource: str) -> asyncio.Lock:
        """Held while `resource` is published, or compared with what was."""
        return self._lock(resource)

    def _lock(self, resource: str) -> asyncio.Lock:
        return self._locks.setdefault(resource, asyncio.Lock())

    async def _own(self, resource: str) -> Entry:
        """Raises CatalogUnknown, CatalogOwner, CatalogStopped."""
        entry = await self.station.read(lambda conn: catalog.entry(conn, resource))
        if entry.provider != self.station.party:
            raise CatalogOwner(resource=resource)
        if entry.status == STOPPED:
            raise CatalogStopped(resource=resource)
        return entry

    async def place(self, resource: str, source: str | None, table: str | None) -> Row[Any]:
        """Where the resource is read from, and where the next reading begins. Raises UseOnward."""
        query = select(publications).where(publications.c.resource == resource)
        known = await self.station.read(lambda conn: conn.execute(query).first())
        name = source or (known.source if known is not None else None)
        path = table or (known.table if known is not None else None)
        if name is None or path is None:
            raise SettingsLacking(place="publish", key="source, table")
        same = known is not None and (known.source, known.table) == (name, path)
        row = {
            "resource": resource,
            "source": name,
            "table": path,
            "mark": known.mark if same and known is not None else "",
        }
        async with self.onward.lock:
            await self.onward.check_source(resource, name, path)
            await self.station.write(lambda tx: upsert(tx.conn, publications, [row]))
        return await self.station.read(lambda conn: conn.execute(query).one())


@dataclass
class _Run:
    """One reading on its way to the feed."""

    station: Station
    entry: Entry
    schema: TableSchema
    gate: Gate
    fresh: bool
    refused: list[Reject] | None
    checking: Checking
    aside: rejects.SetAside
    counts: _Counts = field(default_factory=_Counts)

    async def rows(self, reading: Reading, seen: SeenKeys | None) -> None:
        while chunks := await asyncio.to_thread(self._some, reading, seen):
            if not self.fresh:
                for chunk in chunks:
                    await self._only_what_differs(chunk)
            written = [chunk for chunk in chunks if chunk.parts]
            if written:
                left_out = await self.station.write(partial(self._append, written))
                for chunk, twice in zip(written, left_out, strict=True):
                    self._set_aside(self._twice(chunk, twice, reading))
                    self.counts.upserts += len(chunk.parts) - len(twice)
            for chunk in chunks:
                self._set_aside(chunk.rejects)

    async def deletes(self, reading: Reading, seen: SeenKeys | None) -> None:
        """Taken only when all rows were read."""
        if reading.whole:
            if seen is not None:
                await self._delete_unseen(seen)
            return
        gone = self._keys(await asyncio.to_thread(reading.deletes))
        self._passed(gone)
        held = await self.station.read(lambda conn: shadow.look(conn, self.entry.feed, gone))
        await self._delete([key for key in dict.fromkeys(gone) if key in held])

    def _keys(self, given: Iterable[Sequence[object]]) -> list[bytes]:
        """A key that can be none (empty, too long, of another type) was never published."""
        keys = []
        for key in given:
            with suppress(RowsValue):
                keys.append(key_bytes(self.gate.key(key)))
        return keys

    def _some(self, reading: Reading, seen: SeenKeys | None) -> list[Chunk]:
        """The chunks of the next commit. What is compared with the shadow comes one by one: the
        next one may hold a key of this one again."""
        chunks: list[Chunk] = []
        size_bytes, most = 0, CHUNKS_A_COMMIT if self.fresh else 1
        while len(chunks) < most and size_bytes < COMMIT_BYTES:
            chunk = self._next(reading, seen)
            if chunk is None:
                break
            chunks.append(chunk)
            size_bytes += sum(map(len, chunk.parts))
        return chunks

    def _next(self, reading: Reading, seen: SeenKeys | None) -> Chunk | None:
        given = list(islice(reading.rows, ROWS_AT_ONCE))
        if not given:
            return None
        chunk = self.gate.take(given, self.counts.rows + 1, in_order=reading.in_order)
        chunk.rejects = [_placed(reject, reading) for reject in chunk.rejects]
        self.counts.rows += len(given)
        self._passed(chunk.keys)
        if seen is not None:
            seen.refuse([key_bytes(each.key) for each in chunk.rejects if each.key is not None])
            twice = seen.add(chunk.keys)
            if twice:
                chunk.rejects += self._twice(chunk, twice, reading)
                chunk.without(twice)
        return chunk

    def _twice(self, chunk: Chunk, places: set[int], reading: Reading) -> list[Reject]:
        found = (self.gate.twice(chunk.rows[at], chunk.numbers[at]) for at in sorted(places))
        return [_placed(reject, reading) for reject in found]

    async def _only_what_differs(self, chunk: Chunk) -> None:
        held = await self.station.read(lambda c: shadow.look(c, self.entry.feed, chunk.keys))
        pairs = zip(chunk.keys, chunk.parts, strict=True)
        same = {place for place, (key, part) in enumerate(pairs) if _is(held, key, part)}
        if same:
            chunk.without(same)

    def _append(self, chunks: Sequence[Chunk], tx: Tx) -> list[set[int]]:
        """The resource's feed and all its views, in one transaction. Returns, of each chunk, the
        rows left out."""
        followers = views.of_resource(tx.conn, self.entry.code)
        left_out = []
        for chunk in chunks:
            twice = self._append_one(chunk, tx)
            left_out.append(twice)
            if followers:
                rows = [row for place, row in enumerate(chunk.rows) if place not in twice]
                changes = [RowChange(UPSERT, row) for row in rows]
                for view in followers:
                    views.follow(tx, view, self.schema, changes)
        return left_out

    def _append_one(self, chunk: Chunk, tx: Tx) -> set[int]:
        feed = self.entry.feed
        if self.fresh:
            return table_feed.append_new(tx, feed, self.schema, chunk.keys, chunk.parts)
        table_feed.append_rows(tx, feed, self.schema, chunk.keys, chunk.parts)
        return set()

    async def _delete_unseen(self, seen: SeenKeys) -> None:
        after = b""
        while True:
            look = partial(shadow.keys_after, feed=self.entry.feed, after=after, most=KEYS_AT_ONCE)
            keys = await self.station.read(look)
            if not keys:
                return
            after = keys[-1]
            await self._delete(await asyncio.to_thread(seen.lacking, keys))

    async def _delete(self, keys: Sequence[bytes]) -> None:
        if keys:
            await self.station.write(partial(self._append_deletes, keys))
            self.counts.deletes += len(keys)

    def _append_deletes(self, keys: Sequence[bytes], tx: Tx) -> None:
        table_feed.append_deletes(tx, self.entry.feed, self.schema, keys)
        changes = [RowChange(DELETE, tuple(unpack(key))) for key in keys]
        for view in views.of_resource(tx.conn, self.entry.code):
            views.follow(tx, view, self.schema, changes)

    def _set_aside(self, found: Sequence[Reject]) -> None:
        self.counts.rejected += len(found)
        self.aside.take(found)
        if self.refused is not None:
            self.refused.extend(found)

    def _passed(self, keys: Sequence[bytes]) -> None:
        self.aside.passed(self.station.parts.identity, self.entry.code, keys)


def _placed(reject: Reject, reading: Reading) -> Reject:
    """With the place where it stands; a row that could not be read says so itself."""
    where = "" if reject.code.startswith("source.") else reading.where(reject.number)
    return replace(reject, detail=f"{where}: {reject.detail}") if where else reject


def _is(held: Mapping[bytes, tuple[bytes, int]], key: bytes, part: bytes) -> bool:
    stands = held.get(key)
    return stands is not None and stands[0] == part


def _columns(entry: Entry) -> list[Column]:
    return [Column(item.column, item.type, item.length) for item in entry.items]


def _key(entry: Entry) -> list[str]:
    return [item.column for item in entry.items if item.key]


def _declare(entry: Entry, tx: Tx) -> TableSchema:
    feed_writer.open_feed(tx, entry.feed, sealed=True)
    schema = table_feed.declare(tx, entry.feed, _columns(entry), _key(entry))
    for view in views.of_resource(tx.conn, entry.code):
        views.declare(tx, view, schema)
    return schema


def _declare_events(entry: Entry, tx: Tx) -> TableSchema:
    feed_writer.open_feed(tx, entry.feed, sealed=True)
    return event_feed.declare(tx, entry.feed, _columns(entry))


def _learn(folder: str, found: Sequence[tuple[str, contents.Known]], tx: Tx) -> None:
    contents.learn(tx.conn, folder, found)


def read_from_the_beginning(tx: Tx) -> None:
    """After a restore: what a database told since the backup, it does not tell again."""
    tx.conn.execute(update(publications).values(mark=""))


def _end_run(entry: Entry, mark: str | None, whole: bool, run: _Run, tx: Tx) -> feed_writer.OutFeed:
    """Where the next reading begins, and what was set aside: of a whole reading all there is."""
    if mark is not None:
        here = publications.c.resource == entry.code
        tx.conn.execute(update(publications).where(here).values(mark=mark))
    rules, counts = run.checking.rules, run.counts
    keys = run.schema.key
    rejects.keep(tx, entry.code, run.aside, whole=whole, hides=rules.hides, key_columns=keys)
    store.note_run(tx, entry.code, counts.rows, counts.rejected, run.checking.warned)
    feeds = (entry.feed, *(view.feed for view in views.of_resource(tx.conn, entry.code)))
    anew.was_read(tx, feeds)
    return feed_writer.feed_row(tx, entry.feed)
