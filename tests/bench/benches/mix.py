"""X-Road's published load mix, as letters with receipts."""

from __future__ import annotations

import random

from tests.bench.costs import Cost
from tests.bench.measuring import Row, alone, quantile
from tests.bench.rig import READER, SENDER, Rig

# nordic-institute/X-Road, its own load test: size in bytes, share in a thousand.
MIX = ((2_000, 300), (10_000, 600), (100_000, 90), (2_000_000, 9), (10_000_000, 1))
CALLERS = 32
FEED = f"{SENDER}.bench"
PEER = "X-Road: no throughput published; a sizing guide gives under 50 requests a minute for 2 vCPU"


def sizes() -> list[int]:
    """A thousand letters in an order that is the same every time."""
    every = [size for size, share in MIX for _ in range(share)]
    random.Random(809).shuffle(every)  # noqa: S311  # no secret: the same every time
    return every


async def run(rig: Rig) -> list[Row]:
    letters = sizes()[:40] if rig.short else sizes()
    joined = [(SENDER, READER, FEED)]
    rates, tails = [], []
    async with (
        rig.plane("mix") as plane,
        plane.station(SENDER, joined=joined) as sender,
        plane.station(READER, joined=joined) as reader,
    ):
        cost = Cost(rig, sender, reader)

        async def once() -> float:
            done = await sender.do("letters", sizes=letters, callers=CALLERS)
            tails.append(quantile(done["each_s"], 0.99) * 1000)
            return float(len(letters) / done["seconds"])

        for _ in range(min(rig.rounds, 3)):
            rates.append(await cost.of(once, len(letters)))
    mib = sum(letters) / 2**20
    note = f"{len(letters)} letters of {mib:.0f} MiB in all, {CALLERS} callers; {cost}"
    return [
        alone("mix rate", "letters/s", rates, peer=PEER, note=note),
        alone("mix p99", "ms", tails, better="lower", note="from handing in to the receipt"),
    ]
