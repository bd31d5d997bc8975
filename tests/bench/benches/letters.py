"""Letters with a signed receipt, 1 KiB and 64 KiB, beside AS2 and beside bare AMQP."""

from __future__ import annotations

import time
from functools import partial

from tests.bench.children import Child, together
from tests.bench.costs import Cost
from tests.bench.measuring import Row, against, in_turn
from tests.bench.rig import READER, SENDER, Rig

FEED = f"{SENDER}.bench"
CALLERS = 512
AS2 = "pyas2lib in-process (no network, no disk)"
RAW = "raw aio-pika publish → consume → ack (plain, no database)"


async def run(rig: Rig) -> list[Row]:
    rows: list[Row] = []
    sizes = (("1 KiB", 1 << 10, rig.size(4_000, 60)), ("64 KiB", 64 << 10, rig.size(800, 20)))
    joined = [(SENDER, READER, FEED)]
    async with (
        rig.plane("letters") as plane,
        plane.station(SENDER, joined=joined) as sender,
        plane.station(READER, joined=joined) as reader,
        rig.child("raw-publisher", "raw:Publisher", broker=plane.login()) as publisher,
        rig.child("raw-consumer", "raw:Consumer", broker=plane.login()) as consumer,
        rig.child("pyas2lib", "as2:As2Role") as as2,
    ):
        await consumer.do("start", queue="peer.letters")
        for label, size, count in sizes:
            cost = Cost(rig, sender, reader)
            await _letters(sender, size, rig.size(200, 10))  # warm
            await _as2(as2, size, 2)
            ours, theirs, raw = await in_turn(
                rig.rounds,
                partial(cost.of, partial(_letters, sender, size, count), count),
                partial(_as2, as2, size, max(2, count // 40)),
                partial(raw_messages, publisher, consumer, "peer.letters", size, count),
            )
            note = f"{count} letters, {CALLERS} callers who wait for the receipt; {cost}"
            as2_bar = 20.0 if size == 1 << 10 else None
            rate = "letters/s"
            rows += [
                against(f"letters {label} / AS2", rate, ours, AS2, theirs, bar=as2_bar, note=note),
                against(f"letters {label} / AMQP", rate, ours, RAW, raw, bar=0.5, note=note),
            ]
    return rows


async def _letters(sender: Child, size: int, count: int) -> float:
    done = await sender.do("letters", sizes=[size] * count, callers=CALLERS)
    return float(count / done["seconds"])


async def _as2(as2: Child, size: int, count: int) -> float:
    return float(count / await as2.do("exchange", count=count, size=size))


async def raw_messages(
    publisher: Child, consumer: Child, queue: str, size: int, count: int
) -> float:
    """Messages a second from the first publish to the last acknowledgement."""
    await consumer.do("expect", count=count)
    begun = time.monotonic()
    _, ended = await together(
        publisher.do("publish", queue=queue, sizes=[size] * count), consumer.do("finished")
    )
    return count / float(ended - begun)
