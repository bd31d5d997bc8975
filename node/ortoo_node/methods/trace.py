"""trace.…: where a row comes from, and what stands behind a grant, a query, a download (溯源)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ortoo_node.app import NodeApp
from ortoo_node.tracing.rows import Tracer
from ortoo_node.tracing.uses import Uses
from ortoo_protocol.station.common_methods import Method


@dataclass(frozen=True)
class TraceMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "trace.row": self.row,
            "trace.grant": self.grant,
            "trace.call": self.call,
            "trace.download": self.download,
            "trace.newest": self.newest,
        }

    async def row(self, resource: str, key: dict[str, str]) -> dict[str, Any]:
        """`key`: by column, as people write values. Its contents are not shown, only what brought
        it, to whom it went and what cannot be known. Raises CatalogUnknown, CorrectionKey."""
        parts = self.app.station.parts

        def read(conn: Connection) -> dict[str, Any]:
            return Tracer(conn, parts, parts.clock()).row(resource, key)

        return await self.app.station.read_long(read)

    async def grant(self, grant: str) -> dict[str, Any]:
        """Raises GrantUnknown."""
        return await self._of(lambda uses: uses.grant(grant))

    async def call(self, ask: str) -> dict[str, Any]:
        """Of a query, by the number of its ask. Raises QueryUnknown."""
        return await self._of(lambda uses: uses.call(ask))

    async def download(self, transfer: str) -> dict[str, Any]:
        """Raises FileTransferUnknown."""
        return await self._of(lambda uses: uses.download(transfer))

    async def newest(self) -> dict[str, Any]:
        """The newest queries and downloads, to begin with."""
        return await self._of(lambda uses: uses.newest())

    async def _of(self, job: Callable[[Uses], dict[str, Any]]) -> dict[str, Any]:
        parts = self.app.station.parts
        return await self.app.station.read(lambda conn: job(Uses(conn, parts, parts.clock())))
