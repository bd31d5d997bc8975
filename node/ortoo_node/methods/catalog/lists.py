"""catalog.lists.*, catalog.conflicts: lists beside the catalog, claims that collide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from ortoo_node.app import NodeApp
from ortoo_node.catalog import conflicts, lists
from ortoo_node.methods.catalog.entries import party_name
from ortoo_protocol.core.catalog.claims import OPEN
from ortoo_protocol.core.catalog.lists import LISTS, ListEntry
from ortoo_protocol.core.errors import CatalogConflicted, CatalogField
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.control_client import error_to

MOST = 500  # rows of one answer


def _within(limit: int, offset: int) -> tuple[int, int]:
    return max(1, min(limit, MOST)), max(0, offset)


@dataclass
class ListMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "catalog.lists.show": self.show,
            "catalog.lists.put": self.put,
            "catalog.lists.settle": self.settle,
            "catalog.lists.uncovered": self.uncovered,
            "catalog.conflicts": self.conflicts,
        }

    async def show(
        self,
        list: str,
        mine: bool = False,
        status: str = "",
        text: str = "",
        limit: int = MOST,
        offset: int = 0,
    ) -> dict[str, Any]:
        if list not in LISTS:
            raise CatalogField(field="list", detail=repr(list[:64]))
        provider = self.app.station.party if mine else ""
        limit, offset = _within(limit, offset)

        def read(conn: Connection) -> Any:
            return lists.listed(
                conn,
                list,
                provider=provider,
                status=status,
                word=text,
                limit=limit,
                offset=offset,
            )

        found = await self.app.station.read(read)
        return {"rows": [self._view(row, accepted_ms) for row, accepted_ms in found]}

    async def put(self, row: dict[str, Any]) -> dict[str, Any]:
        """Publish a row, or with its `number` the next version of one."""
        return self._view(await self.app.station.write(lambda tx: lists.put(tx, row)), None)

    async def settle(
        self,
        list: str,
        number: str,
        status: str,
        answer: str = "",
        resource: str = "",
        by: str = "",
        checker: str = "",
        approver: str = "",
    ) -> dict[str, Any]:
        def job(tx: Tx) -> ListEntry:
            return lists.settle(
                tx,
                list,
                number,
                status=status,
                answer=answer,
                resource=resource,
                compiled_by=by,
                secrecy_checked_by=checker,
                approved_by=approver,
            )

        return self._view(await self.app.station.write(job), None)

    async def uncovered(self) -> dict[str, Any]:
        """Resources of ours that are not shared and stand on no negative list."""
        party = self.app.station.party
        codes = await self.app.station.read(lambda conn: lists.uncovered(conn, party))
        return {"codes": codes}

    async def conflicts(
        self, state: str = "", limit: int = MOST, offset: int = 0
    ) -> dict[str, Any]:
        limit, offset = _within(limit, offset)
        found = await self.app.station.read(
            lambda conn: conflicts.listed(conn, state, limit, offset)
        )
        return {"conflicts": [msgspec.to_builtins(each) for each in found]}

    async def findings(self) -> list[dict[str, Any]]:
        """For doctor: conflicts that are open."""
        found = await self.app.station.read(lambda conn: conflicts.listed(conn, OPEN))
        if not found:
            return []
        error = error_to(CatalogConflicted(count=len(found)))
        return [{"check": "catalog", "subject": "", "level": "warning", "error": error}]

    def _view(self, row: ListEntry, accepted_ms: int | None) -> dict[str, Any]:
        name = party_name(self.app.station.parts.trust.current, row.provider)
        made: dict[str, Any] = msgspec.to_builtins(row)
        return {**made, "provider_name": name, "accepted_ms": accepted_ms}
