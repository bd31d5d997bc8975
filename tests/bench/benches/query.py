"""An online query by key: one at a time, and 32 in flight, beside bare RPC."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Any

from tests.bench.benches.table import ITEMS, make_source, townships
from tests.bench.children import Child
from tests.bench.costs import Cost
from tests.bench.measuring import Row, against, in_turn, quantile
from tests.bench.rig import READER, SENDER, Rig

FEED, RESOURCE = f"{SENDER}.townships", "103000/000001"
PEER = "raw aio-pika RPC, the same row from memory"
DURABLE = "aio-pika RPC over quorum queues, persistent, with confirms; the same row from memory"
IN_FLIGHT = 32
TABLE_ROWS = 41_352
GRANT = {
    "provider": SENDER,
    "reader": READER,
    "feed": FEED,
    "number": 1,
    "resource": RESOURCE,
    "mode": "在线查询",
}
DECLARED: dict[str, Any] = {
    "code": "by-id",
    "name": "按序号查",
    "resource": RESOURCE,
    "source": "source",
    "sql": "SELECT id, code, name, area_code, province_code, city_code FROM townships "
    "WHERE id = :id",
    "parameters": [{"name": "id", "type": "I"}],
    "columns": [{"column": item["column"]} for item in ITEMS],
    "calls_a_minute": 1_000_000,
    "calls_a_day": 10_000_000,
}


async def run(rig: Rig) -> list[Row]:
    alone, together = rig.size(500, 10), rig.size(2_000, 40)
    rows = rig.size(TABLE_ROWS, 100)
    source = rig.folder / "townships.sqlite"
    make_source(source, rows)
    real = [list(row) for row in islice(townships(rows), 1_000)]
    async with (
        rig.plane("query") as plane,
        plane.station(SENDER, source=str(source)) as provider,
        plane.station(READER) as reader,
        rig.child("rpc-server", "rpc:RpcServer", broker=plane.login(), rows=real),
        rig.child("rpc-caller", "rpc:RpcCaller", broker=plane.login()) as caller,
        rig.child("durable-server", "rpc:DurableServer", broker=plane.login(), rows=real),
        rig.child("durable-caller", "rpc:DurableCaller", broker=plane.login()) as durable,
    ):
        await _declare(provider, reader)
        asked = {"number": 1, "query": "by-id", "rows": rows}
        ours, theirs, kept = Latency(reader, asked), Latency(caller, {}), Latency(durable, {})
        await in_turn(1, *(partial(each.p50, 10) for each in (ours, theirs, kept)))  # warm
        for each in (ours, theirs, kept):
            each.tails.clear()
        single, cost = Cost(rig, provider, reader), Cost(rig, provider, reader)
        mine, plain, slow = await in_turn(
            rig.rounds,
            lambda: single.of(lambda: ours.p50(alone), alone),
            lambda: theirs.p50(alone),
            lambda: kept.p50(alone),
        )
        rates, bare, steady = await in_turn(
            rig.rounds,
            lambda: cost.of(lambda: ours.rate(together), together),
            lambda: theirs.rate(together),
            lambda: kept.rate(together),
        )
        note = f"{alone} calls one at a time, one row each; {single}"
        return [
            against("query p50", "ms", mine, PEER, plain, bar=2.0, better="lower", note=note),
            against(
                "query p99", "ms", ours.tails, PEER, theirs.tails, bar=None, better="lower",
                note=note,
            ),
            against(
                f"query {IN_FLIGHT} in flight", "calls/s", rates, PEER, bare, bar=0.4,
                note=f"{together} calls; {cost}",
            ),
            against(
                "query p50, peer written down", "ms", mine, DURABLE, slow, bar=None,
                better="lower", note=note,
            ),
            against(
                f"query {IN_FLIGHT} in flight, peer written down", "calls/s", rates, DURABLE,
                steady, bar=None, note=f"{together} calls",
            ),
        ]  # fmt: skip


class Latency:
    """One asking process."""

    def __init__(self, asker: Child, more: dict[str, Any]) -> None:
        self._asker, self._more = asker, more
        self.tails: list[float] = []

    async def p50(self, count: int) -> float:
        done = await self._asker.do("ask", count=count, callers=1, **self._more)
        self.tails.append(quantile(done["each_s"], 0.99) * 1000)
        return quantile(done["each_s"], 0.5) * 1000

    async def rate(self, count: int) -> float:
        done = await self._asker.do("ask", count=count, callers=IN_FLIGHT, **self._more)
        return count / float(done["seconds"])


async def _declare(provider: Child, reader: Child) -> None:
    await provider.do("declare", resource=RESOURCE, feed=FEED, items=ITEMS)
    await provider.do("call", method="query.declare", params={"given": DECLARED})
    for side in (provider, reader):
        await side.do("keep", **GRANT)
