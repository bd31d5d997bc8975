"""A hub, a provider with a resource, a reader with a grant: real stations and stores, the broker in
memory. What is asked and answered between them passes the notary."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ortoo_hub import membership
from ortoo_node.settings import Database
from ortoo_protocol.station.context import Tx
from tests.node.kit import FORM, PEOPLE, Node, entry, fill, open_node, running
from tests.support.hubs import PASSWORD, HubKit, Running, until_true
from tests.support.stations import until
from tests.support.trust import DEPARTMENTS, Region

PROVIDER, READER, THIRD = "s150700", "s150200", "s152900"
CODE = "3070101/0001"
DEPARTMENT = DEPARTMENTS[READER][0]
PURPOSE = FORM["purpose"]


@dataclass
class Exchange:
    """`grant`: of the reader's department, over the whole resource unless said otherwise. The
    reader's source `back` is the database that its sink `shared` writes."""

    kit: HubKit
    hub: Running
    provider: Node
    reader: Node
    third: Node
    grant: str = ""

    async def granted(self, items: list[str] | None = None, **form: Any) -> str:
        """Application and answer."""
        asked = await self.reader.call(
            "request.apply", resource=CODE, department=DEPARTMENT, **{**FORM, **form}
        )
        case = asked["case"]

        async def arrived() -> bool:
            found = (await self.provider.call("request.list", state="submitted"))["cases"]
            return any(one["case"] == case for one in found)

        await until_true(arrived)
        given = await self.provider.call("request.grant", case=case, items=items or [], **PEOPLE)
        await self.state_of(self.reader, given["grant"], "active")
        return str(given["grant"])

    async def state_of(self, side: Node | Running, grant: str, state: str) -> None:
        """Wait until this side holds the grant in this state."""

        async def so() -> bool:
            found = await _list(side)
            return any(one["grant"] == grant and one["state"] == state for one in found)

        await until_true(so)

    async def everywhere(self, state: str, grant: str = "") -> None:
        for side in (self.provider, self.reader, self.hub):
            await self.state_of(side, grant or self.grant, state)

    async def subscribe(self, table: str = "people", **more: Any) -> None:
        await self.reader.call(
            "subscribe", resource=CODE, department=DEPARTMENT, sink="shared", table=table,
            purpose=PURPOSE, **more,
        )  # fmt: skip

    async def publish(self) -> Any:
        return await self.provider.call("publish", resource=CODE)

    def change(self, *statements: str) -> None:
        with sqlite3.connect(self.provider.source) as conn:
            for statement in statements:
                conn.execute(statement)

    def source(self) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.provider.source) as conn:
            return conn.execute("SELECT id, name, income FROM people ORDER BY id").fetchall()

    async def equal(self, table: str = "people") -> None:
        await until(lambda: self.reader.rows(table) == self.source())


async def _list(side: Node | Running) -> list[dict[str, Any]]:
    if isinstance(side, Node):
        return list((await side.call("grant.list", active=False))["grants"])
    return list((await side.call["grant.list"](active=False))["grants"])


@asynccontextmanager
async def exchange(
    folder: Path,
    rows: int = 10,
    *,
    profile: str = "NM2018",
    share_type: int = 2,
    granted: bool = True,
    **form: Any,
) -> AsyncIterator[Exchange]:
    kit = HubKit(folder, Region(profile=profile))
    back = Database(name="back", url=f"sqlite:///{folder / READER / 'sink.sqlite'}")
    provider, third = open_node(kit, PROVIDER), open_node(kit, THIRD)
    reader = open_node(kit, READER, sources=(back,))
    fill(provider.source, rows)

    def users(tx: Tx) -> None:
        for party in (PROVIDER, READER, THIRD):
            membership.keep_user(tx, party, PASSWORD)

    hub = kit.hub()
    await hub.prepare(PASSWORD)
    await hub.station.write(users)
    more = lawful(profile)
    async with kit.hub_running(hub) as running_hub, running(kit, provider, reader, third):
        await provider.call("catalog.add", entry=entry(PROVIDER, CODE, share_type, **more))
        await provider.call("publish", resource=CODE, source="business", table="people")
        made = Exchange(kit, running_hub, provider, reader, third)

        async def known() -> bool:
            return bool((await reader.call("catalog.search", text="低保"))["entries"])

        await until_true(known)
        if granted:
            made.grant = await made.granted(**form)
        yield made


def lawful(profile: str) -> dict[str, Any]:
    """What Decree 809 asks of an entry besides."""
    if profile == "NM2018":
        return {}
    return {
        "share_condition": "用于社会救助资格核对",
        "purposes": ["工作参考"],
        "grade": "一般",
        "personal": True,
        "impact_checked_by": "丁",
    }
