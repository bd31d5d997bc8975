"""grant.show and what is done with a grant while it is used: suspension, rectification, endings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection

from ortoo_node import cases
from ortoo_node.app import NodeApp
from ortoo_node.catalog.mirror import resource_name
from ortoo_node.methods.grants import grant_of
from ortoo_node.use import announcing, suspending
from ortoo_protocol.core.errors import GrantUnknown
from ortoo_protocol.core.use.ending import END
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.use.shown import shown


@dataclass
class GrantUseMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "grant.show": self.show,
            "grant.suspend": self.suspend,
            "grant.reject": self.reject,
            "grant.rectified": self.rectified,
            "grant.resume": self.resume,
            "grant.terminate": self.terminate,
            "grant.announce": self.announce,
            "grant.answer": self.answer,
            "grant.keep": self.keep,
        }

    async def show(self, grant: str) -> dict[str, Any]:
        now_ms = self.app.station.parts.clock()

        def read(conn: Connection) -> dict[str, Any]:
            row = grants_held.find(conn, grant)
            if row is None:
                raise GrantUnknown(grant=grant)
            return {
                "grant": grant_of(row, resource_name(conn, row.resource), now_ms),
                **shown(conn, grant),
            }

        return await self.app.station.read(read)

    async def suspend(
        self, grant: str, reason: str, evidence: str, days: int, by: str
    ) -> dict[str, Any]:
        """Pause the feed to its reader, and refuse its queries and files, until it is resumed."""
        await self.app.station.write(
            lambda tx: suspending.suspend(tx, grant, reason, evidence, days, by)
        )
        return await self.show(grant)

    async def reject(self, grant: str, reason: str, days: int, by: str) -> dict[str, Any]:
        """What the reader reported is not enough."""
        await self.app.station.write(lambda tx: suspending.reject(tx, grant, reason, days, by))
        return await self.show(grant)

    async def rectified(self, grant: str, report: str, by: str) -> dict[str, Any]:
        """The reader's report to whoever suspended."""
        await self.app.station.write(lambda tx: suspending.report(tx, grant, report, by))
        return await self.show(grant)

    async def resume(self, grant: str, reason: str, by: str) -> dict[str, Any]:
        await self.app.station.write(lambda tx: suspending.resume(tx, grant, reason, by))
        return await self.show(grant)

    async def terminate(self, grant: str, reason: str, by: str) -> dict[str, Any]:
        """End what was not set right."""
        await self.app.station.write(partial(_terminate, grant=grant, reason=reason, by=by))
        return await self.show(grant)

    async def announce(
        self, grant: str, reason: str, at_ms: int, by: str, what: str = END
    ) -> dict[str, Any]:
        """Tell the reader beforehand, and file it."""
        await self.app.station.write(
            lambda tx: announcing.announce(tx, grant, what, reason, at_ms, by)
        )
        return await self.show(grant)

    async def answer(self, grant: str, agreed: bool, by: str, reason: str = "") -> dict[str, Any]:
        """The reader's word about what was announced."""
        await self.app.station.write(lambda tx: announcing.answer(tx, grant, agreed, reason, by))
        return await self.show(grant)

    async def keep(self, grant: str, reason: str, by: str) -> dict[str, Any]:
        """Take the announcement back."""
        await self.app.station.write(lambda tx: announcing.keep(tx, grant, reason, by))
        return await self.show(grant)


def _terminate(tx: Tx, grant: str, reason: str, by: str) -> None:
    suspending.terminate(tx, grant, reason, by)
    cases.ended(tx, grants_held.terms_of(grants_held.row(tx, grant)).case, reason)
