"""file.bring, file.saved: files that people save through their browser."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from ortoo_node.app import NodeApp
from ortoo_node.files import saving
from ortoo_node.files.saving import PEOPLE, Saved, Saver
from ortoo_node.files.spool import Spool
from ortoo_node.methods.file_orders import FileOrderMethods
from ortoo_node.methods.files import FileMethods
from ortoo_node.use import purpose as purposes
from ortoo_protocol.core.errors import GrantUnknown
from ortoo_protocol.core.law.profiles import Sharing, profile_named
from ortoo_protocol.station.common_methods import Method


@dataclass
class FileSavingMethods:
    app: NodeApp
    saver: Saver = field(default_factory=Saver)

    def as_mapping(self) -> Mapping[str, Method]:
        return {"file.bring": self.bring, "file.saved": self.saved}

    async def bring(
        self,
        resource: str,
        purpose: str,
        grant: str,
        name: str = "",
        form: str = "",
        handler: str = "",
        department: str = "",
    ) -> dict[str, Any]:
        """Fetch a file (`name`), or order a table as one (`form`), to where people save it from;
        what is there is removed after three days. `department`: whose people ask, "" for the
        platform's own. Raises what file.get and file.order do."""
        await self._check_department(resource, purpose, grant, department)
        spool = Spool(self.app.settings.folder, PEOPLE)
        await asyncio.to_thread(spool.remove_old)
        number = self.app.station.parts.rand(16).hex()
        target = str(await asyncio.to_thread(spool.make, number))
        terms = {"resource": resource, "to": target, "purpose": purpose, "grant": grant}
        try:
            if form:
                orders = FileOrderMethods(self.app)
                return await orders.order(form=form, handler=handler, **terms)
            return await FileMethods(self.app).get(name=name, **terms)
        except BaseException:
            spool.remove(target)
            raise

    async def saved(self, transfer: str, department: str = "") -> dict[str, Any]:
        """Where what came lies, once it was looked at. Raises FileTransferUnknown, FileNotHere,
        GrantEnded, GrantUnknown, GrantIsSuspended."""
        parts = self.app.station.parts

        def read(conn: Connection) -> Saved:
            return saving.find(
                conn,
                transfer,
                party=self.app.station.party,
                department=department,
                now_ms=parts.clock(),
                rules=self._rules,
            )

        found = await self.app.station.read(read)
        await asyncio.to_thread(self.saver.check, found)
        return {
            "path": str(found.path),
            "name": found.name,
            "size_bytes": found.size_bytes,
            "sha256": found.sha256,
            "grant": found.grant,
            "resource": found.resource,
        }

    async def _check_department(
        self, resource: str, purpose: str, grant: str, department: str
    ) -> None:
        """Raises GrantUnknown, UsePurpose, GrantIsSuspended."""
        parts = self.app.station.parts
        found = await self.app.station.read(
            lambda conn: purposes.find(
                conn,
                party=self.app.station.party,
                resource=resource,
                purpose=purpose,
                grant=grant,
                department=department or None,
                now_ms=parts.clock(),
                rules=self._rules,
            )
        )
        if found is None:
            raise GrantUnknown(grant=grant)

    @property
    def _rules(self) -> Sharing:
        return profile_named(self.app.station.parts.trust.current.profile).sharing
