"""Events of 1 KiB by 100 concurrent callers, applied at the reader, beside FastStream."""

from __future__ import annotations

import time

from tests.bench.children import Child, together
from tests.bench.costs import Cost
from tests.bench.measuring import Row, against, in_turn
from tests.bench.rig import READER, SENDER, Rig
from tests.bench.words import EVENT_ITEMS

FEED, RESOURCE, TABLE, QUEUE = f"{SENDER}.events", "209000/000001", "events", "peer.events"
CALLERS = 100
PEER = "FastStream, plain JSON, 100 callers, quorum queue, confirms"


async def run(rig: Rig) -> list[Row]:
    count = rig.size(15_000, 200)
    async with (
        rig.plane("events", feeds=[(FEED, READER)]) as plane,
        plane.station(SENDER) as sender,
        plane.station(READER) as reader,
        rig.child("fast-reader", "faststream_peer:FastReader", broker=plane.login(), queue=QUEUE)
        as fast_reader,
        rig.child("fast-publisher", "faststream_peer:FastPublisher", broker=plane.login())
        as fast,
    ):  # fmt: skip
        await sender.do("declare", resource=RESOURCE, feed=FEED, items=EVENT_ITEMS)
        await sender.do("declare_events", resource=RESOURCE)
        grant = {"provider": SENDER, "reader": READER, "feed": FEED, "number": 1}
        await sender.do("offer", **grant)
        await reader.do("subscribe", table=TABLE, **grant)
        cost, sent, fast_sent = Cost(rig, sender, reader), 0, 0

        async def carry() -> float:
            nonlocal sent
            sent += count
            return await _carry(sender, reader, sent, count)

        async def theirs() -> float:
            nonlocal fast_sent
            fast_sent += count
            return await _fast(fast, fast_reader, fast_sent, count)

        mine, plain = await in_turn(rig.rounds, lambda: cost.of(carry, count), theirs)
        note = f"{count} events, {CALLERS} callers who wait until theirs is durable; {cost}"
        return [against("events", "events/s", mine, PEER, plain, bar=5.0, note=note)]


async def _carry(sender: Child, reader: Child, upto: int, count: int) -> float:
    begun = time.monotonic()
    _, ended = await together(
        sender.do("events", resource=RESOURCE, first=upto - count, count=count, callers=CALLERS),
        reader.do("applied", table=TABLE, count=upto),
    )
    return count / float(ended - begun)


async def _fast(publisher: Child, reader: Child, upto: int, count: int) -> float:
    begun = time.monotonic()
    _, ended = await together(
        publisher.do("publish", queue=QUEUE, first=upto - count, count=count, callers=CALLERS),
        reader.do("read", count=upto),
    )
    return count / float(ended - begun)
