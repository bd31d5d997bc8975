"""A file of 1 GiB from one station to another, beside bare chunks over the same broker."""

from __future__ import annotations

import time
from itertools import count as counting
from pathlib import Path

from tests.bench.children import Child, together
from tests.bench.costs import Cost
from tests.bench.measuring import Row, against, alone, in_turn
from tests.bench.rig import READER, SENDER, Rig
from tests.bench.roles.raw import CHUNK_BYTES
from tests.bench.words import content

FEED, RESOURCE, NAME, QUEUE = f"{SENDER}.files", "309000/000001", "big.bin", "peer.file"
PEER = "raw aio-pika, 256 KiB chunks to disk, plain, unchecked"
MOST_MIB = 150.0
GRANT = {"provider": SENDER, "reader": READER, "feed": FEED, "number": 1, "resource": RESOURCE}
BLOCK_BYTES = 8 << 20


def make_file(path: Path, size: int) -> None:
    """`size` bytes that do not compress, no block of them twice."""
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        for number, at in enumerate(range(0, size, BLOCK_BYTES)):
            file.write(content(min(BLOCK_BYTES, size - at), number))


async def run(rig: Rig) -> list[Row]:
    size = rig.size(1 << 30, 4 << 20)
    mib, chunks = size / 2**20, -(-size // CHUNK_BYTES)
    front = rig.folder / "front"
    original = front / "in" / NAME
    make_file(original, size)
    numbers = counting()
    async with (
        rig.plane("file", feeds=[(FEED, READER)]) as plane,
        plane.station(SENDER, front=str(front)) as sender,
        plane.station(READER) as reader,
        rig.child("raw-publisher", "raw:Publisher", broker=plane.login()) as publisher,
        rig.child("raw-consumer", "raw:Consumer", broker=plane.login()) as consumer,
    ):
        await _grant(sender, reader)
        await consumer.do("start", queue=QUEUE)
        cost = Cost(rig, sender, reader)

        async def fetch() -> float:
            target = rig.folder / f"came-{next(numbers)}.bin"
            seconds = await reader.do("fetch", resource=RESOURCE, name=NAME, to=str(target))
            assert target.stat().st_size == size
            target.unlink()
            return float(mib / seconds)

        async def chunked() -> float:
            target = rig.folder / "raw.bin"
            await consumer.do("expect", count=chunks, path=str(target))
            begun = time.monotonic()
            _, ended = await together(
                publisher.do("publish_file", queue=QUEUE, path=str(original)),
                consumer.do("finished"),
            )
            target.unlink()
            return mib / float(ended - begun)

        mine, plain = await in_turn(
            min(rig.rounds, 3), lambda: cost.of(fetch, max(1, round(mib))), chunked
        )
        peaks = {"provider": sender.peak_mib, "reader": reader.peak_mib}
        note = f"{mib:.0f} MiB; {str(cost).replace('an item', 'a MiB')}"
        memory = ", ".join(f"{name} {peak:.0f} MiB" for name, peak in peaks.items())
        return [
            against("file rate", "MiB/s", mine, PEER, plain, bar=0.8, note=note),
            alone(
                "file memory", "MiB RSS", [max(peaks.values())], bar=MOST_MIB, better="lower",
                note=f"most that a process held over all repetitions: {memory}",
            ),
        ]  # fmt: skip


async def _grant(sender: Child, reader: Child) -> None:
    await sender.do("declare", resource=RESOURCE, feed=FEED, items=[], files=True)
    given = {"resource": RESOURCE, "source": "front", "table": "**/*"}
    await sender.do("call", method="publish", params=given)
    await sender.do("offer", **GRANT)
    await reader.do("learn", entry=await sender.do("entry", resource=RESOURCE))
    await reader.do("keep", **GRANT)
