"""use.*: records of use and disposal of what was received (使用记录, 处置)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, exc

from ortoo_node.app import NodeApp
from ortoo_node.databases import judge
from ortoo_node.use import disposing, recording
from ortoo_protocol.core.errors import SinkError
from ortoo_protocol.station.common_methods import Method


@dataclass
class UseMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "use.record": self.record,
            "use.list": self.listed,
            "use.ask": self.ask,
            "use.dispose": self.dispose,
            "use.require": self.require,
            "use.destroyed": self.destroyed,
        }

    async def record(
        self,
        grant: str,
        by: str,
        scenario: str = "",
        process: str = "",
        effect: str = "",
        storage: str = "",
        destruction: str = "",
    ) -> dict[str, Any]:
        said = {
            "scenario": scenario,
            "process": process,
            "effect": effect,
            "storage": storage,
            "destruction": destruction,
        }
        await self.app.station.write(lambda tx: recording.enter(tx, grant, by, **said))
        return await self.listed(grant)

    async def listed(self, grant: str) -> dict[str, Any]:
        """What people entered and what the station counted, of a grant that is read here."""
        await self.app.station.write(recording.tally)

        def read(conn: Connection) -> dict[str, Any]:
            found: dict[str, Any] = msgspec.to_builtins(recording.whole(conn, grant, ""))
            return found

        return await self.app.station.read(read)

    async def ask(self, grant: str, reason: str, by: str) -> dict[str, Any]:
        """Of a grant of ours; its reader's station answers by itself (grant show has it)."""
        ask = await self.app.station.write(lambda tx: recording.ask(tx, grant, reason, by))
        return {"ask": ask, "grant": grant}

    async def dispose(self, grant: str, why: str, by: str, detail: str = "") -> dict[str, Any]:
        """Declare that what came under a grant is needed no longer."""
        await self.app.station.write(lambda tx: disposing.declare(tx, grant, why, detail, by))
        return {"grant": grant, "state": "declared"}

    async def require(self, grant: str, requirements: str, days: int, by: str) -> dict[str, Any]:
        """Ask the reader of a grant of ours to dispose of what it received."""
        await self.app.station.write(lambda tx: disposing.ask(tx, grant, requirements, days, by))
        return {"grant": grant, "state": "asked"}

    async def destroyed(
        self, grant: str, by: str, what: str = "", how: str = "", evidence: str = "",
        drop: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """Record a destruction. `drop`: the tables that were filled are dropped by the station,
        which says how they stood."""
        if drop:
            rows = await self.app.station.write(lambda tx: disposing.may_drop(tx, grant, by))
            said = []
            for row in rows:
                await self.app.station.stop_applying(row.subscription)
                said.append(await asyncio.to_thread(self._drop, row.sink, row.table))
            evidence = "；".join(filter(None, (*said, evidence)))
            what = what or "；".join(f"{row.sink}: {row.table}" for row in rows)
            how = how or "DROP TABLE"
        await self.app.station.write(lambda tx: disposing.done(tx, grant, what, how, evidence, by))
        return {"grant": grant, "state": "done", "evidence": evidence}

    def _drop(self, sink: str, table: str) -> str:
        try:
            return disposing.drop_table(self.app.settings, sink, table)
        except exc.SQLAlchemyError as error:
            _trouble, detail = judge(error)
            raise SinkError(name=sink, table=table, detail=detail) from error
