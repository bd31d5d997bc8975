"""folder.files: what is in the folder of a publication, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, select

from ortoo_node import catalog
from ortoo_node.app import NodeApp
from ortoo_node.sources import open_source
from ortoo_node.sources.folder import FolderSource
from ortoo_node.store.tables import publications
from ortoo_protocol.core.errors import SettingsLacking
from ortoo_protocol.core.feeds import Column
from ortoo_protocol.station.common_methods import Method


@dataclass
class FolderMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {"folder.files": self.files}

    async def files(self, resource: str) -> dict[str, Any]:
        """Raises CatalogUnknown, SourceError, SettingsLacking where it is no folder."""

        def read(conn: Connection) -> tuple[Any, Any]:
            entry = catalog.entry(conn, resource)
            query = select(publications).where(publications.c.resource == resource)
            return entry, conn.execute(query).first()

        entry, place = await self.app.station.read(read)
        if place is None:
            raise SettingsLacking(place="publish", key="source, table")
        source = open_source(
            self.app.settings,
            place.source,
            place.table,
            [Column(item.column, item.type, item.length) for item in entry.items],
            [item.column for item in entry.items if item.key],
            titles={item.column: item.name for item in entry.items},
        )
        if not isinstance(source, FolderSource):
            raise SettingsLacking(place="folders", key=f"name = {place.source!r}")
        files = await asyncio.to_thread(source.files, place.mark)
        return {
            "folder": str(source.folder.read_path),
            "pattern": place.table,
            "files": [asdict(each) for each in files],
        }
