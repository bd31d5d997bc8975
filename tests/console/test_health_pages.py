"""Health in the browser: what is well, what stops exchange and its cure, live."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from sqlalchemy import insert

from ortoo_node.store.tables import subscriptions
from ortoo_protocol.core.accounts.roles import Role
from ortoo_protocol.station.context import Tx
from tests.console.kit import Visitor, front
from tests.node.kit import open_node, running
from tests.support.stations import Kit

EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


async def test_an_administrator_sees_what_stops_exchange_as_it_happens(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_node(kit, "s150700")
    async with running(kit, node), front(node) as at:
        await at.known("bao", "宝音", Role.SYSTEM_ADMIN)
        await at.known("li", "李静", Role.AUDITOR)
        await at.known("wang", "王芳", Role.SUBSCRIBER)
        async with at.visitor("wang") as reads:
            await reads.get("/health", 403)
            assert (await reads.client.get("/live/health")).status_code == 403
        async with at.visitor("li") as audits:
            await audits.get("/health")
        async with at.visitor("bao") as visitor:
            page = await visitor.get("/health")
            assert 'class="said good"' in page
            assert 'class="nothing"' in page  # nothing is read
            station, well = node.app.station, node.app.station.parts.trust.current
            await until_live(visitor, 'class="said good"')
            station.parts.trust.current = replace(well, _announced={})
            await until_live(visitor, "keys.wrap-missing")
            bad = await visitor.get("/health")
            assert 'class="said bad"' in bad
            assert "交换中断" in bad
            station.parts.trust.current = well

            await node.app.station.write(fill)
            many = await visitor.get("/health")
            assert EVIL not in many
            assert many.count('href="/subscriptions/') == 200
            assert "1,000" in many


async def until_live(visitor: Visitor, text: str) -> None:
    """What the page gets without being asked for again says `text`."""
    async with asyncio.timeout(30), visitor.client.stream("GET", "/live/health") as stream:
        async for line in stream.aiter_lines():
            if text in line:
                return
    raise AssertionError("the stream ended")


def fill(tx: Tx) -> None:
    rows = [
        {
            "subscription": f"{number:032x}", "resource": EVIL[:64], "department": "d",
            "sink": EVIL[:64], "table": EVIL, "feed": "s150200.x", "grant": None, "case": None,
            "state": "active", "changed_ms": 1, "hold": "paused",
        }
        for number in range(1_000)
    ]  # fmt: skip
    tx.conn.execute(insert(subscriptions), rows)
