"""The rules of a resource made ready for one publication or one report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from ortoo_node import catalog
from ortoo_node.quality import store
from ortoo_node.quality.checks import Row, RowRules, Wrong
from ortoo_node.quality.rules import Rule, RuleSet
from ortoo_node.quality.sets import Values, owner_of
from ortoo_node.settings import NodeSettings
from ortoo_node.sources import open_source
from ortoo_node.sources.values import canonical
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.feeds import Column, TableSchema
from ortoo_protocol.core.row_codec import RowCodec, key_picker
from ortoo_protocol.core.rows import CIVIL_ZONE
from ortoo_protocol.station import shadow, table_feed
from ortoo_protocol.station.station import Station

ROWS_AT_ONCE = 4_096
REFERENCE_KEPT_MS = 60_000  # small pushes do not read a whole table each


@dataclass
class Checking:
    """`rules` as they stand; `row_checks` are what the gate calls, none where there are none."""

    rules: RuleSet
    compiled: RowRules | None = None

    @property
    def row_checks(self) -> Sequence[Callable[[Row], Wrong | None]]:
        return () if self.compiled is None else (self.compiled.check,)

    @property
    def all_pass(self) -> Callable[[Sequence[tuple[Scalar, ...]]], bool] | None:
        """Says it of many rows at once: the gate's short way."""
        return None if self.compiled is None else self.compiled.all_pass

    @property
    def warned(self) -> Mapping[str, int]:
        return {} if self.compiled is None else self.compiled.warned


@dataclass
class Quality:
    """Remembers rules and the tables they refer to, between publications of one process."""

    station: Station
    settings: NodeSettings
    _known: dict[str, RuleSet] = field(default_factory=dict)
    _changes: int = 0
    _references: dict[tuple[str, ...], tuple[int, Values]] = field(default_factory=dict)

    def forget(self, resource: str) -> None:
        """The rules of `resource` have changed."""
        self._changes += 1
        self._known.pop(resource, None)

    def rest(self) -> None:
        """Let go of what was read for references and is old: nothing may be published for long."""
        now_ms = self.station.parts.clock()
        for where, (read_ms, _) in list(self._references.items()):
            if now_ms - read_ms >= REFERENCE_KEPT_MS:
                del self._references[where]

    async def rules(self, resource: str) -> RuleSet:
        known = self._known.get(resource)
        if known is None:
            before = self._changes
            known = await self.station.read(lambda conn: store.in_force(conn, resource))
            if before == self._changes:  # else newer ones were put in force while these were read
                self._known[resource] = known
        return known

    async def checking(self, entry: Entry, schema: TableSchema, *, whole: bool) -> Checking:
        """`whole`: all rows of the table come, so `unique` begins with none; else with those that
        are published already. A `reference` to a large table is read anew after a minute.

        Raises SettingsLacking, SourceError, CatalogUnknown.
        """
        rules = await self.rules(entry.code)
        if not rules.rules:
            return Checking(rules)
        sets: dict[str, Values] = {}
        for rule in rules.rules:
            if rule.check == "unique":
                sets[rule.name] = Values()
                if not whole:
                    await self._seed(entry.feed, schema, rule.column, sets[rule.name])
            elif rule.check == "reference":
                sets[rule.name] = await self._reference(rule)
        today = datetime.fromtimestamp(self.station.parts.clock() / 1000, CIVIL_ZONE).date()
        return Checking(rules, RowRules(rules, schema, sets, today.isoformat()))

    async def _seed(self, feed: str, schema: TableSchema, column: str, values: Values) -> None:
        names = [each.name for each in schema.columns]
        if column not in names:
            return
        place, key_of = names.index(column), key_picker(schema)

        def take(rows: Sequence[tuple[object, ...]]) -> None:
            for row in rows:
                if row[place] is not None:
                    values.add(row[place], owner_of(key_of(row)))  # type: ignore[arg-type]

        await each_published(self.station, feed, schema, take)

    async def _reference(self, rule: Rule) -> Values:
        where = tuple(str(each) for each in (rule.resource, rule.source, rule.table, rule.item))
        now_ms = self.station.parts.clock()
        kept = self._references.get(where)
        if kept is not None and now_ms - kept[0] < REFERENCE_KEPT_MS:
            return kept[1]
        values = Values()
        if isinstance(rule.resource, str):
            await self._read_resource(rule.resource, str(rule.item), values)
        else:
            await asyncio.to_thread(self._read_source, rule, values)
        self._references[where] = now_ms, values
        return values

    async def _read_resource(self, resource: str, item: str, values: Values) -> None:
        def look(conn: Connection) -> tuple[str, TableSchema | None]:
            feed = catalog.entry(conn, resource).feed
            return feed, table_feed.schema_of(conn, feed)

        feed, schema = await self.station.read(look)
        names = [] if schema is None else [column.name for column in schema.columns]
        if schema is None or item not in names:
            return
        place = names.index(item)

        def take(rows: Sequence[tuple[object, ...]]) -> None:
            for row in rows:
                if row[place] is not None:
                    values.add(str(row[place]))

        await each_published(self.station, feed, schema, take)

    def _read_source(self, rule: Rule, values: Values) -> None:
        column = Column(str(rule.item), "C", 0)
        schema = TableSchema(number=1, columns=(column,), key=(column.name,))
        (text,) = canonical(schema)
        opened = open_source(
            self.settings,
            str(rule.source),
            str(rule.table),
            [column],
            [column.name],
            titles={column.name: column.name},
        )
        with closing(opened):
            opened.check()
            for row in opened.read("").rows:
                if len(row) == 1 and row[0] is not None:
                    values.add(text(row[0]))


async def each_published(
    station: Station,
    feed: str,
    schema: TableSchema,
    take: Callable[[Sequence[tuple[object, ...]]], None],
) -> None:
    """Hand every row that is published on `feed` to `take`, in pages, each in a thread."""
    codec, after = RowCodec(schema), b""

    def page(conn: Connection) -> tuple[bytes, list[bytes]]:
        keys = shadow.keys_after(conn, feed, after, ROWS_AT_ONCE)
        held = shadow.look(conn, feed, keys)
        return (keys[-1] if keys else b""), [held[key][0] for key in keys]

    while True:
        after, parts = await station.read(page)
        if not parts:
            return
        await asyncio.to_thread(lambda parts=parts: take(codec.read_rows(parts)))  # type: ignore[misc]
