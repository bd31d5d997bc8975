"""onward.*: consent to passing on what was received (提供给第三方)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ortoo_node.app import NodeApp
from ortoo_node.use import consenting
from ortoo_protocol.station import paging
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.control_client import error_to
from ortoo_protocol.station.use import shown


@dataclass
class OnwardMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "onward.ask": self.ask,
            "onward.answer": self.answer,
            "onward.revoke": self.revoke,
            "onward.list": self.listed,
        }

    async def findings(self) -> list[dict[str, Any]]:
        """For doctor: sources that look like copies of what was received."""
        return [
            {
                "check": "use",
                "subject": error.facts["place"],
                "level": "warning",
                "error": error_to(error),
            }
            for error in await self.app.publisher.onward.alike()
        ]

    async def ask(
        self,
        grant: str,
        resource: str,
        third: str,
        third_department: str,
        basis: str,
        purpose: str,
        form: str,
        until_ms: int,
        handler: str,
        approver: str,
    ) -> dict[str, Any]:
        """Ask the provider of a grant that is read here."""
        onward = await self.app.station.write(
            lambda tx: consenting.ask(
                tx,
                grant,
                resource=resource,
                third=third,
                third_department=third_department,
                basis=basis,
                purpose=purpose,
                form=form,
                until_ms=until_ms,
                handler=handler,
                approver=approver,
            )
        )
        return await self._one(onward)

    async def answer(
        self,
        onward: str,
        consented: bool,
        handler: str,
        approver: str,
        reason: str = "",
        conditions: str = "",
        until_ms: int = 0,
    ) -> dict[str, Any]:
        """The word of the grant's provider."""
        await self.app.station.write(
            lambda tx: consenting.answer(
                tx,
                onward,
                consented,
                reason=reason,
                conditions=conditions,
                until_ms=until_ms,
                handler=handler,
                approver=approver,
            )
        )
        return await self._one(onward)

    async def revoke(self, onward: str, reason: str, by: str) -> dict[str, Any]:
        """Take a consent back; its reader's station ends what is passed on under it."""
        await self.app.station.write(lambda tx: consenting.revoke(tx, onward, reason, by))
        return await self._one(onward)

    async def listed(
        self, grant: str = "", limit: int = paging.MOST, offset: int = 0
    ) -> dict[str, Any]:
        """The newest first, from `offset` on; `total`: how many there are."""
        found, total = await self.app.station.read(
            lambda conn: shown.onward(conn, grant, limit, offset)
        )
        return {"onward": found, "total": total}

    async def _one(self, onward: str) -> dict[str, Any]:
        return await self.app.station.read(lambda conn: shown.one_onward(conn, onward))
