"""What a feed carried is known in the whole region: from the provider's run to hub and mirror."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ortoo_node.catalog import freshness
from ortoo_node.catalog.own import own_feed
from ortoo_node.store.tables import carried_stated
from ortoo_protocol.core.catalog.freshness import DAY_MS
from ortoo_protocol.core.ids import feed_id
from ortoo_protocol.core.topology import feed_queue
from ortoo_protocol.station import feed_reader, feed_writer
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import feeds_out
from tests.node.kit import Node, entry, fill, open_node
from tests.support.hubs import HubKit, until_true
from tests.support.trust import HUB

PROVIDER, READER, CODE = "s150700", "s150200", "307001/000001"


async def freshness_at(node: Node | None, call: object, code: str = CODE) -> str | None:
    """As a search there says; None: the entry has not come."""
    method = node.call if node is not None else call
    answer = await method("catalog.search", text=code) if node else await call(code)  # type: ignore[operator]
    found = {each["code"]: each["freshness"] for each in answer["entries"]}
    return found.get(code)


async def test_from_the_run_to_hub_and_mirror(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    provider, reader = open_node(kit, PROVIDER), open_node(kit, READER)
    fill(provider.source, 20)
    stations = (provider.app.station, reader.app.station)

    def join(tx: Tx) -> None:
        for name in ("directory", "catalog"):
            feed_reader.join(tx, feed_id(HUB, name), feed_reader.HISTORY)
        feed_writer.open_feed(tx, own_feed(tx.party), sealed=False)

    async with kit.hub_running(kit.hub(), *stations) as running:
        for station in stations:
            await station.write(join)
            for name in ("directory", "catalog"):
                station.read_queue(feed_queue(station.party, feed_id(HUB, name)))
        await provider.call("catalog.add", entry=entry(PROVIDER, CODE, cycle="每日"))
        at_hub = running.call["catalog.search"]

        async def everywhere(state: str) -> bool:
            return (
                await freshness_at(provider, None),
                await freshness_at(reader, None),
                await freshness_at(None, at_hub),
            ) == (state, state, state)

        await until_true(lambda: everywhere("unknown"))
        await freshness.once(provider.app.station)
        await until_true(lambda: everywhere("never"))
        await provider.call("publish", resource=CODE, source="business", table="people")
        await freshness.once(provider.app.station)
        await until_true(lambda: everywhere("fresh"))

        # Looking again says nothing new: nothing is published, however often.
        seq = await _seq(provider)
        await asyncio.gather(*(freshness.once(provider.app.station) for _ in range(3)))
        assert await _seq(provider) == seq
        (stated,) = await provider.app.station.read(
            lambda conn: conn.execute(carried_stated.select()).all()
        )
        assert (stated.code, stated.seq) == (CODE, 2)  # schema and rows

        # Time alone makes it late, then stale, at each by its own clock.
        kit.offset_ms += 2 * DAY_MS
        assert await everywhere("fresh")  # from a Friday to a Sunday
        kit.offset_ms += 2 * DAY_MS
        assert await everywhere("late")
        kit.offset_ms += DAY_MS
        assert await everywhere("stale")
        counted = await reader.call("catalog.statistics")
        assert counted["total"]["freshness"]["stale"] == 1
        (department,) = counted["department"]
        assert (department["freshness"]["stale"], department["league_name"]) == (1, "呼伦贝尔市")


async def _seq(node: Node) -> int:
    query = feeds_out.select().where(feeds_out.c.feed == own_feed(PROVIDER))
    row = await node.app.station.read(lambda conn: conn.execute(query).one())
    return int(row.seq)
