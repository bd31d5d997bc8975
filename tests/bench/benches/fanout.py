"""One publisher, 1, 10 and 100 granted readers: a queue for each, or one stream for the feed.

Each way runs twice a round. Free: as fast as the broker takes it, which tells rates, disk, and
what the broker spends. Paced: every way at one and the same pace, which the slowest can hold; that
tells what a reader costs the publisher. Free running cannot tell it: at 800 items a second many
share a commit, a wakeup, a TLS record and a confirm, at the 35 a second that a broker with 100
queues takes few do.

One reader and many are then compared in many short turns at that pace, side by side: the machine is
the same for two neighbours, and a turn that was disturbed is one of many.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace

from ortoo_protocol.core import topology
from tests.bench.children import Child, together
from tests.bench.measuring import Row, alone, median, quantile, spread
from tests.bench.region import readers
from tests.bench.rig import SENDER, Rig

ITEM_BYTES = 8 << 10
PACE = 0.6  # of the slowest way's rate
MOST_PACE = 200.0
TURN_ITEMS = 12
SETTLE_S = 0.15  # until what follows the last item (pumps.NOTE_S) has followed
QUEUES, STREAM = "queues", "stream"


@dataclass
class Way:
    """`count` readers by queues or by a stream, and what each round found."""

    kind: str
    count: int
    cpu_us: list[float] = field(default_factory=list)
    paced_us: list[float] = field(default_factory=list)
    turns_us: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    disk_kib: list[float] = field(default_factory=list)
    broker_us: list[float] = field(default_factory=list)

    @property
    def feed(self) -> str:
        return f"{SENDER}.{self.kind}-{self.count}"


async def run(rig: Rig) -> list[Row]:
    counts = (1, 3) if rig.short else (1, 10, 100)
    items = rig.size(300, 20)
    ways = [Way(kind, count) for count in counts for kind in (QUEUES, STREAM)]
    everybody = readers(counts[-1])
    feeds = [
        (way.feed, reader)
        for way in ways
        if way.kind == QUEUES
        for reader in everybody[: way.count]
    ]
    async with (
        rig.plane("fanout", feeds=feeds, parties=(SENDER, *everybody)) as plane,
        plane.station(SENDER) as sender,
        rig.child("readers", "fan:FanReaders", broker=plane.login()) as crowd,
    ):
        for way in ways:
            await _grant(sender, way, everybody)
            await _read(crowd, way, everybody)
        await sender.do("told")
        idle = await _idle(sender, rig.size(4, 1))
        for _ in range(min(rig.rounds, 3)):
            for way in ways:
                await _free(rig, sender, crowd, way, items, idle)
            pace = min(MOST_PACE, PACE * min(min(way.rate) for way in ways))
            for way in ways:
                await _paced(sender, crowd, way, max(items // 3, 2), pace, idle)
        by_queues = [way for way in ways if way.kind == QUEUES]
        few, many = by_queues[0], by_queues[-1]
        for turn in range(rig.size(40, 2)):
            for way in (few, many) if turn % 2 else (many, few):
                way.turns_us.append(await _turn(sender, crowd, way, TURN_ITEMS, pace, idle))
    return _rows(ways, few, many, items, idle, pace)


async def _grant(sender: Child, way: Way, everybody: tuple[str, ...]) -> None:
    for number, reader in enumerate(everybody[: way.count]):
        grant = way.count * 2_000 + number + (1_000 if way.kind == STREAM else 0)
        await sender.do("offer", provider=SENDER, reader=reader, feed=way.feed, number=grant)


async def _read(crowd: Child, way: Way, everybody: tuple[str, ...]) -> None:
    if way.kind == STREAM:
        await crowd.do("read_stream", group=way.feed, feed=way.feed, readers=way.count)
        return
    queues = [topology.feed_queue(reader, way.feed) for reader in everybody[: way.count]]
    await crowd.do("read_queues", group=way.feed, queues=queues)


async def _idle(sender: Child, wait_s: float) -> float:
    """CPU seconds a second of a station that has nothing to do: they are no item's."""
    await sender.do("look")
    before = sender.cpu_s
    await asyncio.sleep(wait_s)
    await sender.do("look")
    return (sender.cpu_s - before) / wait_s


async def _warm(sender: Child, crowd: Child, way: Way) -> None:
    await sender.do("append", feed=way.feed, count=1, item_bytes=ITEM_BYTES)  # schema and warmth
    await crowd.do("read", group=way.feed, count=way.count)
    await crowd.do("settle", group=way.feed)
    await sender.do("look")


async def _paced(
    sender: Child, crowd: Child, way: Way, items: int, pace: float, idle: float
) -> None:
    await _warm(sender, crowd, way)
    way.paced_us.append(await _turn(sender, crowd, way, items, pace, idle))


async def _turn(
    sender: Child, crowd: Child, way: Way, items: int, pace: float, idle: float
) -> float:
    """CPU of an item at `pace`, in µs."""
    await sender.do("look")
    cpu_s, begun = sender.cpu_s, time.monotonic()
    await together(
        sender.do("append", feed=way.feed, count=items, item_bytes=ITEM_BYTES, pace=pace),
        crowd.do("read", group=way.feed, count=items * way.count),
    )
    await asyncio.sleep(SETTLE_S)
    await sender.do("look")
    spent_s = sender.cpu_s - cpu_s - idle * (time.monotonic() - begun)
    await crowd.do("settle", group=way.feed)
    return spent_s / items * 1e6


async def _free(rig: Rig, sender: Child, crowd: Child, way: Way, items: int, idle: float) -> None:
    await _warm(sender, crowd, way)
    cpu_s, written, broker_s = sender.cpu_s, rig.broker_written(), rig.broker_cpu_s()
    begun = time.monotonic()
    _, ended = await together(
        sender.do("append", feed=way.feed, count=items, item_bytes=ITEM_BYTES),
        crowd.do("read", group=way.feed, count=items * way.count),
    )
    await sender.do("look")
    idle_s = idle * (time.monotonic() - begun)
    way.cpu_us.append((sender.cpu_s - cpu_s - idle_s) / items * 1e6)
    way.rate.append(items / float(ended - begun))
    way.disk_kib.append((rig.broker_written() - written) / items / 1024)
    way.broker_us.append((rig.broker_cpu_s() - broker_s) / items * 1e6)


def _rows(ways: list[Way], few: Way, many: Way, items: int, idle: float, pace: float) -> list[Row]:
    told = (
        f"publisher's process, items of {ITEM_BYTES >> 10} KiB; what it uses when idle "
        f"({idle:.1%} of a core) is taken off"
    )
    rows = [
        _turned(few, many, f"{told}; {pace:.0f} items/s whoever reads, each in its own commit"),
        _growth(
            few, many, few.cpu_us, many.cpu_us, "free",
            f"{told}; {items} items as fast as they go, which is not equally fast",
        ),
    ]  # fmt: skip
    for way in ways:
        name = f"{way.count} readers, {way.kind}"
        rows += [
            alone(f"fanout publisher CPU, {name}", "µs/item", way.paced_us, better="lower"),
            alone(f"fanout publisher CPU, free, {name}", "µs/item", way.cpu_us, better="lower"),
            alone(f"fanout rate, {name}", "items/s", way.rate),
            alone(f"fanout disk, {name}", "KiB/item", way.disk_kib, better="lower"),
            alone(f"fanout broker CPU, {name}", "µs/item", way.broker_us, better="lower"),
        ]
    return rows


def _growth(
    few: Way, many: Way, few_us: list[float], many_us: list[float], how: str, note: str
) -> Row:
    figure, other = median(many_us), median(few_us)
    return Row(
        f"fanout CPU {how}, from {few.count} to {many.count}", round(figure, 1), "µs/item",
        f"itself with {few.count} reader", round(other, 1), round(figure / other, 3), 1.1,
        "lower", len(many_us), round(spread(many_us), 3), note,
    )  # fmt: skip


def _turned(few: Way, many: Way, note: str) -> Row:
    """Of turns side by side; the spread is that of the middle half of their ratios."""
    row = _growth(few, many, few.turns_us, many.turns_us, "at one pace", note)
    ratios = [ours / theirs for ours, theirs in zip(many.turns_us, few.turns_us, strict=True)]
    low, high = quantile(ratios, 0.25), quantile(ratios, 0.75)
    told = f"{row.runs} turns of {TURN_ITEMS} items, one of each beside the other: half of their "
    said = f"{note}; {told}ratios lie between {low:.2f} and {high:.2f}"
    return replace(row, spread=round(high - low, 3), note=said)
