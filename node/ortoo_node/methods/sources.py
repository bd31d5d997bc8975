"""source.*: which there are, whether each answers, first rows; how changes can be found."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from ortoo_node import endpoints, trying
from ortoo_node.app import NodeApp
from ortoo_node.databases import open_writer
from ortoo_node.methods.sinks import shown
from ortoo_node.sources.preview import preview
from ortoo_node.sources.tables import Capture, How, Place
from ortoo_node.sources.tables.choice import READY, possibilities, primary_key
from ortoo_node.sources.tables.prepare import apply, removal, statements
from ortoo_node.sources.tables.reader import TableReader
from ortoo_protocol.core.errors import PublicationOption
from ortoo_protocol.core.feeds import Column
from ortoo_protocol.station.common_methods import Method


@dataclass
class SourceMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "source.list": self.listed,
            "source.test": self.test,
            "source.preview": self.preview,
            "source.check": self.check,
            "source.prepare": self.prepare,
        }

    async def listed(self) -> dict[str, Any]:
        """Those of the settings: `kind`, and where each is, without secrets."""
        found = await asyncio.to_thread(endpoints.sources, self.app.settings)
        return {"sources": [shown(each) for each in found]}

    async def test(self, name: str) -> dict[str, Any]:
        """Whether it can be read, now. Raises SettingsLacking, DatabaseUrl, SourceError."""
        await asyncio.to_thread(trying.source, self.app.settings, name)
        return {"name": name}

    async def preview(self, name: str, table: str) -> dict[str, Any]:
        """Twenty rows at most; raises as `sources.preview`."""
        found = await asyncio.to_thread(preview, self.app.settings, name, table)
        return {"name": name, "table": table, "columns": found.columns, "rows": found.rows}

    async def check(
        self, name: str, table: str, key: Sequence[str] = (), watermark: str = ""
    ) -> dict[str, Any]:
        """In which ways changes of `table` can be found. Without `key`: told apart by its own."""

        def look() -> dict[str, Any]:
            place = self._place(name, table, key)
            found = possibilities(place, Capture(watermark=watermark))
            best = next(each.how.value for each in found if each.state == READY)
            return {
                "name": name,
                "table": table,
                "key": list(place.key),
                "captures": [
                    {"how": each.how.value, "state": each.state, "why": each.why} for each in found
                ],
                "best": best,
            }

        return await asyncio.to_thread(look)

    async def prepare(
        self,
        name: str,
        table: str,
        key: Sequence[str] = (),
        capture: str = How.LOG.value,
        apply: bool = False,
        remove: bool = False,
    ) -> dict[str, Any]:
        """The SQL that makes `capture` possible, or with `remove` takes it away; run if asked."""
        if capture not in (How.LOG, How.SLOT):
            raise PublicationOption(option="capture", detail="only log and slot are prepared")

        def make() -> list[str]:
            place = self._place(name, table, key)
            reader = TableReader(place.url, place.table, place.columns, place.key)
            with closing(reader), reader.connect() as connection:
                reader.check_columns(connection)
                of = removal if remove else statements
                sql = of(reader, How(capture), place.party)
            if apply:
                self._apply(reader, sql)
            return sql

        sql = await asyncio.to_thread(make)
        return {"name": name, "table": table, "capture": capture, "sql": sql, "applied": apply}

    def _apply(self, reader: TableReader, sql: list[str]) -> None:
        engine = open_writer(reader.url)
        try:
            with reader.named():
                apply(engine, sql)
        finally:
            engine.dispose()

    def _place(self, name: str, table: str, key: Sequence[str]) -> Place:
        url = self.app.settings.source(name).read_url()
        found = tuple(key) or primary_key(url, table)
        station = self.app.station
        columns = tuple(Column(each, "C", 0) for each in found)
        return Place(url, table, columns, found, station.party, station.parts.clock())
