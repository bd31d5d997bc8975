"""Snapshots of large tables: bounded memory, short jobs of the writer, one cut, and every end that
comes in between."""

from __future__ import annotations

import asyncio
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest

from ortoo_protocol.bus.port import Outcome
from ortoo_protocol.core.feeds import RowChange, TableSchema
from ortoo_protocol.station import feed_writer, snapshots
from ortoo_protocol.station.context import Post, Tx
from ortoo_protocol.station.ports import Cursor
from ortoo_protocol.station.snapshots import Cut, SnapshotPump
from ortoo_protocol.station.station import Station
from tests.contracts.engine_rig import (
    FEED,
    A,
    B,
    EngineRig,
    caught_up,
    deletes,
    publish,
    upserts,
)
from tests.contracts.memory_rig import MemoryRig
from tests.support.memory_sink import MemorySink, Row
from tests.support.stations import give, terms, until
from tests.support.trust import Region

MANY, SOME = 200_000, 20_000
MIB = 1 << 20
Part = Callable[[Cut, str, int, Sequence[bytes], Tx], Post | None]


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[EngineRig]:
    rig = EngineRig(tmp_path, Region(), MemoryRig())
    await rig.program()
    try:
        yield rig
    finally:
        await rig.end()


async def table(provider: Station, rows: int) -> None:
    for first in range(0, rows, 10_000):
        count = min(10_000, rows - first)
        await provider.write(publish(*upserts(count, first, "一个名字很长的乡镇" * 5)))


@contextmanager
def each_part(then: Callable[[int, Tx], None]) -> Iterator[None]:
    """`then` is called in the writer before each letter of a snapshot is made."""
    made: Part = snapshots.part

    def part(of: Cut, reader: str, number: int, rows: Sequence[bytes], tx: Tx) -> Post | None:
        then(number, tx)
        return made(of, reader, number, rows, tx)

    with mock.patch.object(snapshots, "part", part):
        yield


@dataclass
class Taking:
    """A link to a broker that takes everything, but what it is told to lose."""

    taken: int = 0
    outcome: Outcome = Outcome.CONFIRMED

    def blocked(self) -> bool:
        return False

    async def publish(self, *_way: object, **_how: object) -> Outcome:
        self.taken += 1
        return self.outcome


@asynccontextmanager
async def pumping(rig: EngineRig, rows: int) -> AsyncIterator[tuple[Station, Taking]]:
    """A publisher with a table and a reader, of which the snapshots alone run."""
    provider, link = rig.kit.open(A, online=False), Taking()
    await table(provider, rows)
    await provider.write(lambda tx: give(tx, terms(A, B, FEED, 1)))
    provider.wire.link = link  # type: ignore[assignment]  # as much of one as is needed
    pump = SnapshotPump(provider.database, provider.parts, provider.local, provider.wire)
    task = asyncio.create_task(pump.run())
    try:
        yield provider, link
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        provider.wire.link = None
        await provider.close()


async def answered(provider: Station) -> None:
    provider.parts.snapshots.put(FEED, B)
    await until(lambda: provider.parts.snapshots.peek() is None, 120)


async def test_a_large_table_in_little_memory_and_short_jobs(rig: EngineRig) -> None:
    """The table is 29 MiB of rows. A job is measured by what it computes: a busy machine makes
    none longer."""
    async with pumping(rig, MANY) as (provider, link):
        writer = provider.database._writer
        attempt, longest_s = writer._attempt, 0.0

        def timed(*given: object) -> object:
            nonlocal longest_s
            begun_s = time.thread_time()
            try:
                return attempt(*given)  # type: ignore[arg-type]  # passed on
            finally:
                longest_s = max(longest_s, time.thread_time() - begun_s)

        with mock.patch.object(writer, "_attempt", timed):
            tracemalloc.start()
            try:
                await answered(provider)
                peak_bytes = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
    assert link.taken > 100
    assert peak_bytes < 6 * MIB
    assert longest_s < 0.1


@dataclass
class Watched(MemorySink):
    """Keeps what the snapshot held, and after which item."""

    whole: list[Row] = field(default_factory=list)
    at: int = 0

    def replace(self, schema: TableSchema, rows: Iterable[Row], cursor: Cursor) -> None:
        self.whole, self.at = list(rows), cursor.seq
        super().replace(schema, self.whole, cursor)


async def test_a_table_that_changes_while_it_is_sent(rig: EngineRig) -> None:
    """Rows before and behind the place under way are changed, added and deleted: the snapshot is
    the table as it was, the tail brings the rest."""
    provider = await rig.start(A)
    await table(provider, SOME)
    model = {f"{n:05}": f"{'一个名字很长的乡镇' * 5}{n}" for n in range(SOME)}
    before = sorted(model.items())
    stood = int(await provider.write(lambda tx: feed_writer.feed_row(tx, FEED).seq))

    def change(number: int, tx: Tx) -> None:
        changed: list[RowChange] = []
        for place in (number, SOME - 1 - number):
            changed += upserts(1, place, f"改于{number}")
            changed += upserts(1, SOME + place, "新")
            changed += deletes(SOME // 2 + place % 1000)
        publish(*changed)(tx)
        for each in changed:
            if each.op:
                model.pop(str(each.values[0]), None)
            else:
                model[str(each.values[0])] = str(each.values[1])

    sink = Watched()
    with each_part(change):
        reader = await rig.admit(provider, B, sink)
        await caught_up(reader, provider)
        await until(lambda: len(sink.by_key) == len(model), 60)  # the looks at all rows are few
        await until(lambda: sink.rows == sorted(model.items()), 60)
    assert sink.snapshots == 1
    assert sink.at == stood
    assert sorted(sink.whole) == before
    assert sink.seqs == list(range(stood + 1, stood + 1 + len(sink.seqs)))
    assert sink.seqs


@dataclass
class Held:
    """Holds the writer before letter 3 of the first snapshot."""

    reached: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def __call__(self, number: int, _tx: Tx) -> None:
        if number == 3 and not self.reached.is_set():
            self.reached.set()
            self.go.wait(30)


@pytest.mark.parametrize("ends", [A, B])
async def test_one_side_dies_in_the_middle(rig: EngineRig, ends: str) -> None:
    """Sent on, or asked for and sent again: applied once."""
    provider = await rig.start(A)
    await table(provider, SOME)
    sink, held = Watched(), Held()
    with each_part(held):
        joining = asyncio.create_task(rig.admit(provider, B, sink))
        await until(held.reached.is_set, 30)
        if ends == A:
            await rig.crash_with(A, held.go.set)
            provider = await rig.again(A)
            await joining
        else:
            joining.cancel()
            with suppress(asyncio.CancelledError):
                await joining
            await rig.crash(B)
            held.go.set()
            await rig.again(B, sink)
        await provider.write(publish(*upserts(10, SOME)))
        await until(lambda: len(sink.rows) == SOME + 10, 60)
    assert sink.snapshots == 1
    assert len(sink.whole) == SOME
    assert len(sink.seqs) == len(set(sink.seqs)) == 1


async def test_a_reader_that_asks_again_while_it_is_sent(rig: EngineRig) -> None:
    """It gets one: two at a time would keep each other from coming whole."""
    begun: list[int] = []
    async with pumping(rig, SOME) as (provider, link):

        def ask_again(number: int, tx: Tx) -> None:
            begun.append(number)
            tx.after_commit(lambda: provider.parts.snapshots.put(FEED, B))

        with each_part(ask_again):
            await answered(provider)
    assert begun == list(range(link.taken))


async def test_a_grant_that_ends_while_it_is_sent(rig: EngineRig) -> None:
    def end(number: int, tx: Tx) -> None:
        if number == 3:
            feed_writer.end_reader(tx, FEED, f"{1:032x}")

    async with pumping(rig, SOME) as (provider, link):
        refusals = provider.posts.queue
        with each_part(end):
            await answered(provider)
        assert link.taken == 3
        assert refusals.get_nowait().routing_key.endswith("feed.refusal")


async def test_a_reader_whose_queue_is_not_there(rig: EngineRig) -> None:
    """The rest is not sent to nobody."""
    async with pumping(rig, SOME) as (provider, link):
        link.outcome = Outcome.UNROUTABLE
        await answered(provider)
    assert link.taken == 1
