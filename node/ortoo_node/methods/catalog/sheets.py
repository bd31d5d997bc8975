"""catalog.import.*, catalog.export, catalog.harvest: the catalog in and out as files.

Files are read and written by whoever has them, in a process of their own; what crosses the socket
are the fields of resources, in parts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ortoo_node.app import NodeApp
from ortoo_node.catalog import outgoing
from ortoo_node.catalog.dcat import PAGE_ENTRIES, About
from ortoo_node.catalog.national import TITLE
from ortoo_node.catalog.sheets.staging import Drafts, Found, Imports, Refused
from ortoo_node.catalog.sheets.taking import Published, ToDrafts
from ortoo_protocol.core.catalog.intake import problems
from ortoo_protocol.core.errors import CatalogField
from ortoo_protocol.core.law.profiles import Profile, profile_named
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.control_client import error_to

MOST_PAGE = 1_000


@dataclass
class SheetMethods:
    app: NodeApp
    imports: Imports = field(default_factory=Imports)

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "catalog.import.begin": self.begin,
            "catalog.import.add": self.add,
            "catalog.import.check": self.check,
            "catalog.import.save": self.save,
            "catalog.import.end": self.end,
            "catalog.export": self.export,
            "catalog.harvest": self.harvest,
        }

    # --- in ---

    async def begin(self) -> dict[str, Any]:
        """Begin an import; the profile of rules that is in force here."""
        number = self.imports.begin(self.app.now_ms())
        return {"number": number, "profile": self._profile.name}

    async def add(self, number: int, after: int, resources: list[dict[str, Any]]) -> dict[str, Any]:
        """Hand over resources, as fields of entry files, behind the `after` that are there."""
        rules = partial(problems, profile=self._profile)
        now_ms = self.app.now_ms()
        count = await asyncio.to_thread(self.imports.add, number, after, resources, rules, now_ms)
        return {"count": count}

    async def check(self, number: int) -> dict[str, Any]:
        """What stands against the import as a whole."""
        drafts = ToDrafts(self.app.rules)
        found = await self.app.station.write(lambda tx: self.imports.check(tx, number, drafts))
        return {"problems": _crossing(found)}

    async def save(
        self, number: int, by: str, why: str = "", publish: bool = False
    ) -> dict[str, Any]:
        """Save everything as drafts, or nothing; the import is over if it was saved. `publish`: put
        each through its steps at once, by the names that the file has (its code, not a draft's
        number, is answered then)."""
        if not by.strip():
            raise CatalogField(field="compiled_by", detail="it is empty")
        into = Published if publish else ToDrafts
        drafts: Drafts = into(self.app.rules)
        try:
            saved = await self.app.station.write(
                lambda tx: self.imports.save(tx, number, drafts, by, why)
            )
        except Refused as refused:
            return {"saved": [], "problems": _crossing(refused.found)}
        self.imports.end(number)
        return {"saved": saved, "problems": []}

    async def end(self, number: int) -> dict[str, Any]:
        """Give an import up."""
        self.imports.end(number)
        return {"number": number}

    # --- out ---

    async def export(
        self,
        after: str = "",
        mine: bool = False,
        open_only: bool = False,
        codes: list[str] | None = None,
    ) -> dict[str, Any]:
        """Entries behind the code `after`, in order, as many as one answer holds."""
        wanted = outgoing.Wanted(
            provider=self.app.station.party if mine else "",
            open_only=open_only,
            codes=tuple(codes or ()),
        )
        entries, rest = await self.app.station.read(lambda conn: outgoing.part(conn, wanted, after))
        return {"entries": entries, "after": rest}

    async def harvest(
        self, base: str, after: str = "", size: int = PAGE_ENTRIES, open_only: bool = False
    ) -> dict[str, Any]:
        """A page of the catalog in DCAT, as harvesters read it: the entries behind the code
        `after`. `base`: where addresses begin, of pages and of resources."""
        if not 1 <= size <= MOST_PAGE:
            raise CatalogField(field="size", detail=f"1 to {MOST_PAGE}")
        about = self._about(base)
        wanted = outgoing.Wanted(open_only=open_only)
        return await self.app.station.read(
            lambda conn: outgoing.harvested(conn, wanted, about, after, size)
        )

    def _about(self, base: str) -> About:
        trust = self.app.station.parts.trust.current
        names = {each.party: each.name for each in trust.parties}
        return About(base, TITLE, names.get(self.app.station.party, ""))

    @property
    def _profile(self) -> Profile:
        return profile_named(self.app.station.parts.trust.current.profile)


def _crossing(found: Sequence[Found]) -> list[dict[str, Any]]:
    return [
        {"number": one.number, "field": one.field, "item": one.item, "error": error_to(one.error)}
        for one in found
    ]
