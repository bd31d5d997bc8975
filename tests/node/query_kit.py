"""A provider with a declared query and a reader with a grant, as the tests of queries want them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from ortoo_node.queries.question import Page, Question
from ortoo_node.services import Service
from ortoo_protocol.core.codec import Scalar, encode
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.station import grants_held
from tests.node.kit import Node, entry, fill, open_node, running
from tests.support.stations import Kit, terms

PROVIDER, READER = "s150700", "s150200"
CODE = "3070101/0001"
PURPOSE = "工作参考"
DECLARED: dict[str, Any] = {
    "code": "by-income",
    "name": "按收入查",
    "resource": CODE,
    "source": "business",
    "sql": "SELECT id, name, income FROM people WHERE income >= :least ORDER BY id",
    "parameters": [{"name": "least", "type": "I"}],
    "columns": [{"column": "id"}, {"column": "name"}, {"column": "income"}],
}


@dataclass
class Pair:
    """`reader` is the provider itself where one station does both."""

    kit: Kit
    provider: Node
    reader: Node
    grants: int = field(default=0)

    async def grant(self, **changes: Any) -> GrantTerms:
        """What application and answer come to, at both ends."""
        self.grants += 1
        party = self.reader.app.station.party
        given = msgspec.structs.replace(
            terms(PROVIDER, party, f"{PROVIDER}.dibao", self.grants),
            **{"resource": CODE, "mode": "在线查询", "purpose": PURPOSE, **changes},
        )
        for node in {PROVIDER: self.provider, party: self.reader}.values():
            await node.app.station.write(lambda tx: grants_held.keep(tx, given, encode(given)))
        return given

    async def declare(self, **changes: Any) -> None:
        await self.provider.call("query.declare", given={**DECLARED, **changes})

    async def ask(self, grant: GrantTerms, query: str = "by-income", **more: Any) -> list[Page]:
        return [
            page
            async for page in self.reader.app.queries.reader.ask(question(grant, query, **more))
        ]

    async def rows(self, grant: GrantTerms, query: str = "by-income", **more: Any) -> list[Any]:
        return [row for page in await self.ask(grant, query, **more) for row in page.rows]


def question(
    grant: GrantTerms,
    query: str = "by-income",
    parameters: dict[str, Scalar] | None = None,
    **more: Any,
) -> Question:
    given = {"least": 0} if parameters is None else parameters
    return Question(
        grant.grant, query, **{"purpose": PURPOSE, "handler": "查询人", **more}, parameters=given
    )


@asynccontextmanager
async def pair(
    folder: Path,
    rows: int = 100,
    *,
    alone: bool = False,
    services: tuple[Service, ...] = (),
) -> AsyncIterator[Pair]:
    kit = Kit(folder)
    provider = open_node(kit, PROVIDER, online=not alone, services=services)
    reader = provider if alone else open_node(kit, READER)
    fill(provider.source, rows)
    kit.join(PROVIDER, READER, f"{PROVIDER}.dibao")
    async with running(kit, *([provider] if alone else [provider, reader])):
        await provider.call("catalog.add", entry=entry(PROVIDER, CODE, share_type=2))
        made = Pair(kit, provider, reader)
        await made.declare()
        yield made
