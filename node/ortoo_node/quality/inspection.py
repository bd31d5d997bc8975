"""Checking a resource as a whole: its source, what is published, and one against the other.

Everything is read in pages, and keys that were read lie in a temporary file: a table may have more
rows than memory. No publication of the resource runs meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, select

from ortoo_node import catalog
from ortoo_node.publishing import Publisher
from ortoo_node.publishing.gate import Chunk, Gate, Reject
from ortoo_node.publishing.rejects import mark
from ortoo_node.publishing.seen import SeenKeys
from ortoo_node.quality import store, tasks
from ortoo_node.quality.checking import ROWS_AT_ONCE, Checking, each_published
from ortoo_node.quality.report import Comparison, Report, RuleResult, freshness, judged
from ortoo_node.quality.settings import QualityTable
from ortoo_node.sources import open_source
from ortoo_node.sources.port import Reading
from ortoo_node.store.tables import publications
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.errors import (
    CatalogOwner,
    OrtooError,
    QualityLacking,
    SourceMissing,
    SourceSettling,
)
from ortoo_protocol.core.feeds import Column, TableSchema
from ortoo_protocol.core.row_codec import key_bytes
from ortoo_protocol.core.rows import schema_of
from ortoo_protocol.station import shadow, table_feed
from ortoo_protocol.station.context import Tx

MOST_EXAMPLES = 10
_log = logging.getLogger(__name__)


@dataclass
class Inspector:
    publisher: Publisher
    settings: QualityTable

    async def check(self, resource: str) -> Report:
        """Check `resource`, keep the report, open and settle its tasks.

        Raises CatalogUnknown, CatalogOwner, QualityLacking (nothing to check), SourceError.
        """
        async with self.publisher.alone(resource):
            report = judged(await self._look(resource))
        await self.publisher.station.write(partial(_keep, report, self.settings))
        return report

    async def check_due(self) -> None:
        """Check, one after the other, the resources whose turn it is by their schedules."""
        station = self.publisher.station
        now_ms = station.parts.clock()
        for resource in await station.read(lambda conn: store.due(conn, now_ms)):
            error = ""
            try:
                await self.check(resource)
            except OrtooError as trouble:
                _log.warning("%s", trouble)
                error = trouble.code
            await station.write(partial(_ran, resource, error))

    async def _look(self, resource: str) -> Report:
        station = self.publisher.station
        entry, place, published, run, version = await station.read(partial(_subject, resource))
        if entry.provider != station.party:
            raise CatalogOwner(resource=resource)
        if place is None and published is None:
            raise QualityLacking(thing="publication", resource=resource)
        tally = _Tally(self.publisher, entry)
        if published is not None:
            await self._published(tally, published)
        comparison = None
        if place is not None:
            comparison = await self._compare(tally, place)
        now_ms = station.parts.clock()
        return Report(
            resource=resource,
            name=entry.name,
            department=entry.department,
            department_name=entry.department_name,
            rules_version=version,
            time_ms=now_ms,
            rows=tally.rows if comparison is not None else tally.published_rows,
            failed_rows=tally.failed_rows if comparison is not None else tally.published_bad,
            rules=tally.results(),
            comparison=comparison,
            freshness=freshness(entry.cycle, 0 if run is None else run.time_ms, now_ms),
        )

    async def _published(self, tally: _Tally, schema: TableSchema) -> None:
        checking = await self.publisher.quality.checking(tally.entry, schema, whole=True)
        take = partial(tally.published, checking, schema)
        await each_published(self.publisher.station, tally.entry.feed, schema, take)

    async def _compare(self, tally: _Tally, place: Row[Any]) -> Comparison | None:
        """None where the source does not show a whole table: files of changes, or a file that was
        moved away when it was read."""
        entry = tally.entry
        schema = schema_of(entry.items, 1)
        checking = await self.publisher.quality.checking(entry, schema, whole=True)
        source = await asyncio.to_thread(
            open_source,
            self.publisher.settings,
            place.source,
            place.table,
            [Column(item.column, item.type, item.length) for item in entry.items],
            list(schema.key),
            titles={item.column: item.name for item in entry.items},
        )
        with closing(source):
            await asyncio.to_thread(source.check)
            try:
                reading = await asyncio.to_thread(source.read, "")
            except (SourceMissing, SourceSettling):
                if self.publisher.settings.folder_named(place.source) is None:
                    raise
                return None
            if not reading.whole:
                return None
            seen = SeenKeys()
            try:
                return await self._read(tally, checking, Gate(schema), reading, seen)
            finally:
                await asyncio.to_thread(seen.close)

    async def _read(
        self, tally: _Tally, checking: Checking, gate: Gate, reading: Reading, seen: SeenKeys
    ) -> Comparison:
        station, feed = self.publisher.station, tally.entry.feed
        missing, differing, surplus = _Found(), _Found(), _Found()
        while True:
            chunk = await asyncio.to_thread(tally.source, checking, gate, reading, seen)
            if chunk is None:
                break
            held = await station.read(partial(shadow.look, feed=feed, keys=chunk.keys))
            for key, part in zip(chunk.keys, chunk.parts, strict=True):
                stands = held.get(key)
                if stands is None:
                    missing.add(tally.mark(key))
                elif stands[0] != part:
                    differing.add(tally.mark(key))
        if reading.whole:
            await self._surplus(tally, seen, surplus)
        count = await station.read(partial(shadow.count, feed=feed))
        off = missing.count + differing.count + surplus.count
        most = max(tally.rows, count, 1)
        return Comparison(
            source_rows=tally.rows,
            published_rows=count,
            rejected=tally.kept_back,
            missing=missing.count,
            surplus=surplus.count,
            differing=differing.count,
            passed=100 * off <= self.settings.difference_percent * most,
            examples=(*missing.marks, *differing.marks, *surplus.marks)[:MOST_EXAMPLES],
        )

    async def _surplus(self, tally: _Tally, seen: SeenKeys, surplus: _Found) -> None:
        station, feed, after = self.publisher.station, tally.entry.feed, b""
        while True:
            look = partial(shadow.keys_after, feed=feed, after=after, most=ROWS_AT_ONCE)
            keys = await station.read(look)
            if not keys:
                return
            after = keys[-1]
            for key in await asyncio.to_thread(seen.lacking, keys):
                surplus.add(tally.mark(key))


@dataclass
class _Found:
    """How many, and the first of them by the marks of their keys."""

    count: int = 0
    marks: list[str] = field(default_factory=list)

    def add(self, marked: str) -> None:
        self.count += 1
        if len(self.marks) < MOST_EXAMPLES:
            self.marks.append(marked)


@dataclass
class _Tally:
    """What rows of the source and of what is published fail."""

    publisher: Publisher
    entry: Entry
    rows: int = 0
    failed_rows: int = 0
    kept_back: int = 0
    published_rows: int = 0
    published_bad: int = 0
    _source: dict[str, _Found] = field(default_factory=dict)
    _published: Counter[str] = field(default_factory=Counter)
    _rules: dict[str, tuple[str, str, str, float]] = field(default_factory=dict)

    def mark(self, key: bytes) -> str:
        return mark(self.publisher.station.parts.identity, self.entry.code, key)

    def published(
        self, checking: Checking, schema: TableSchema, rows: Sequence[tuple[Any, ...]]
    ) -> None:
        self.published_rows += len(rows)
        if checking.compiled is None:
            return
        self._know(checking)
        for row in rows:
            failing = checking.compiled.failing(row)
            self.published_bad += bool(failing)
            self._published.update(rule.name for rule in failing)

    def source(
        self, checking: Checking, gate: Gate, reading: Reading, seen: SeenKeys
    ) -> Chunk | None:
        """The next rows of the source that may leave; what is wrong with all of them is noted."""
        given = list(islice(reading.rows, ROWS_AT_ONCE))
        if not given:
            return None
        self._know(checking)
        chunk = gate.take(given, self.rows + 1, in_order=reading.in_order)
        self.rows += len(given)
        refused = [key_bytes(each.key) for each in chunk.rejects if each.key is not None]
        self._reject(chunk.rejects)
        refused += self._judge(checking, chunk, gate)
        seen.refuse(refused)
        twice = seen.add(chunk.keys)
        self._reject([gate.twice(chunk.rows[at], chunk.numbers[at]) for at in sorted(twice)])
        chunk.without(twice)
        return chunk

    def _reject(self, found: Sequence[Reject]) -> None:
        """Rows that are not of their items' types, or whose key stood before."""
        for reject in found:
            name = f"{reject.code}:{reject.column}"
            self._rules.setdefault(name, (reject.code, reject.column, "reject", 0.0))
            key = "" if reject.key is None else self.mark(key_bytes(reject.key))
            self._source.setdefault(name, _Found()).add(key)
        self.failed_rows += len(found)
        self.kept_back += len(found)

    def _judge(self, checking: Checking, chunk: Chunk, gate: Gate) -> list[bytes]:
        if checking.compiled is None:
            return []
        kept_back = set()
        for place, row in enumerate(chunk.rows):
            failing = checking.compiled.failing(row)
            if not failing:
                continue
            self.failed_rows += 1
            marked = self.mark(chunk.keys[place])
            for rule in failing:
                self._source.setdefault(rule.name, _Found()).add(marked)
            if any(rule.severity == "reject" for rule in failing):
                kept_back.add(place)
        self.kept_back += len(kept_back)
        refused = [chunk.keys[place] for place in kept_back]
        chunk.without(kept_back)
        return refused

    def _know(self, checking: Checking) -> None:
        for rule in () if checking.compiled is None else checking.compiled.rules:
            about = (rule.code, rule.column, rule.severity, rule.tolerance_percent)
            self._rules.setdefault(rule.name, about)

    def results(self) -> tuple[RuleResult, ...]:
        titles = {item.column: item.name for item in self.entry.items}
        return tuple(
            self._result(name, *about, titles.get(about[1], about[1]))
            for name, about in self._rules.items()
        )

    def _result(
        self, name: str, code: str, column: str, severity: str, tolerance: float, title: str
    ) -> RuleResult:
        found = self._source.get(name, _Found())
        shares = [
            100 * found.count / max(self.rows, 1),
            100 * self._published[name] / max(self.published_rows, 1),
        ]
        return RuleResult(
            rule=name,
            code=code,
            column=column,
            title=title,
            severity=severity,
            source_failed=found.count,
            published_failed=self._published[name],
            tolerance_percent=tolerance,
            passed=max(shares) <= tolerance,
            examples=tuple(found.marks),
        )


def _subject(
    resource: str, conn: Connection
) -> tuple[Entry, Row[Any] | None, TableSchema | None, Row[Any] | None, int]:
    """Entry, where it is read from, the schema it is published under, the last publication, the
    version of its rules."""
    entry = catalog.entry(conn, resource)
    query = select(publications).where(publications.c.resource == resource)
    rules = store.newest(conn, resource)
    return (
        entry,
        conn.execute(query).first(),
        table_feed.schema_of(conn, entry.feed),
        store.last_run(conn, resource),
        0 if rules is None else int(rules.version),
    )


def _ran(resource: str, error: str, tx: Tx) -> None:
    store.ran(tx, resource, error)


def _keep(report: Report, settings: QualityTable, tx: Tx) -> None:
    store.keep_report(tx, report, settings.reports_kept)
    tasks.settle(tx, report, settings.due_days)
