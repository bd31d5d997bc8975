"""What every publisher and reader must do with feeds, whatever broker and suite they run on.

No hub runs in these cases but where one is named: what was granted goes on without it.
"""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection, func, select

from ortoo_protocol.core import topology
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.errors import FeedEpoch, RowsValue, SinkConstraint, SinkUnreachable
from ortoo_protocol.core.feeds import Column, RowChange, TableRows
from ortoo_protocol.station import feed_reader, feed_writer, inbox
from ortoo_protocol.station.apply_work import Item, load
from ortoo_protocol.station.opening import Opening
from ortoo_protocol.station.ports import Cursor
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import (
    feed_applied,
    feed_out_items,
    feed_out_unsent,
    feeds_in,
    outbox,
)
from tests.contracts.engine_rig import (
    FEED,
    A,
    B,
    C,
    EngineRig,
    caught_up,
    deletes,
    publish,
    publish_each,
    quarantined,
    upserts,
)
from tests.support.faulty_bus import Faults
from tests.support.memory_sink import MemorySink, SeveralSink
from tests.support.stations import COLUMNS, give, receive, terms, until, until_read
from tests.support.trust import HUB

ROWS = [(f"{n:05}", f"乡镇{n}") for n in range(200)]
QUEUE = topology.feed_queue(B, FEED)


async def raw_items(provider: Station, first: int = 1) -> list[tuple[int, bytes, bytes]]:
    """Number, hash and bytes of what was published."""
    query = (
        select(feed_out_items.c.seq, feed_out_items.c.hash, feed_out_items.c.raw)
        .where(feed_out_items.c.feed == FEED, feed_out_items.c.seq >= first)
        .order_by(feed_out_items.c.seq)
    )
    return [tuple(row) for row in await provider.read(lambda conn: conn.execute(query).all())]


async def opens(station: Station, seq: int, digest: bytes, raw: bytes) -> bool:
    """Whether every key that `station` holds, and every step from them, opens these bytes."""

    def opening(conn: Connection) -> Opening:
        cursor = Cursor(FEED, 1, 1 << 40, b"")  # beyond all there is: keys alone are read
        return Opening(station.parts, FEED, 1, load(conn, station.parts, FEED, "-", cursor))

    try:
        (await station.read(opening)).step(Item(seq, digest, raw))
    except FeedEpoch:
        return False
    return True


async def key_letters(provider: Station, reader: str) -> int:
    query = select(func.count()).where(outbox.c.kind == "feed.key", outbox.c.recipient == reader)
    return await provider.read(lambda conn: int(conn.execute(query).scalar_one()))


async def end_grant(provider: Station, number: int) -> int:
    _, fence = await provider.write(lambda tx: feed_writer.end_reader(tx, FEED, f"{number:032x}"))
    return fence


class FeedsContract:
    async def test_rows_arrive_in_order_and_follow(self, rig: EngineRig) -> None:
        provider, sinks = await rig.exchange(B, rows=30)
        sink, reader = sinks[B], rig.running[B][0]
        await publish_each(provider, [*upserts(20, 20, "改名"), *deletes(0, 1)])
        await caught_up(reader, provider)
        await until(lambda: len(sink.rows) == 38 and ("00029", "改名29") in sink.rows)
        assert sink.snapshots == 1
        assert_each_once(sink)
        assert await quarantined(reader) == []

    async def test_a_queue_purged_while_the_reader_was_off(self, rig: EngineRig) -> None:
        provider, sinks = await rig.exchange(B, rows=1)
        await rig.leave(B)
        await publish_each(provider, upserts(10))
        await _all_sent(provider)
        await rig.purge(QUEUE)
        reader = await rig.again(B, sinks[B])
        await caught_up(reader, provider)
        await until(lambda: sinks[B].rows == ROWS[:10])
        assert sinks[B].snapshots == 1

    async def test_a_queue_deleted_under_the_reader(self, rig: EngineRig) -> None:
        provider, sinks = await rig.exchange(B, rows=1)
        reader = rig.running[B][0]
        await rig.delete(QUEUE)
        await publish_each(provider, upserts(10))
        await _all_sent(provider)
        await rig.program()
        await publish_each(provider, upserts(10, 10))
        await caught_up(reader, provider)
        await until(lambda: sinks[B].rows == ROWS[:20])

    async def test_a_queue_that_dropped_its_head(self, rig: EngineRig) -> None:
        rig.bounds = topology.Bounds(feed_bytes=8_000)
        provider, sinks = await rig.exchange(B, rows=1)
        await rig.leave(B)
        await publish_each(provider, upserts(40))
        await _all_sent(provider)
        reader = await rig.again(B, sinks[B])
        await caught_up(reader, provider)
        await until(lambda: sinks[B].rows == ROWS[:40])
        assert sinks[B].snapshots == 1

    async def test_a_broker_that_lost_everything(self, rig: EngineRig) -> None:
        provider, sinks = await rig.exchange(B, rows=1)
        await rig.leave(B)
        await publish_each(provider, upserts(10))
        await _all_sent(provider)
        await rig.bus_rig.empty()
        await rig.program()
        reader = await rig.again(B, sinks[B])
        await publish_each(provider, upserts(10, 10))
        await caught_up(reader, provider)
        await until(lambda: sinks[B].rows == ROWS[:20])

    async def test_a_tail_that_the_broker_lost(self, rig: EngineRig) -> None:
        """Nothing comes behind it; the head shows it."""
        lost = Faults(loses=lambda exchange, _key, body: exchange == "feeds" and len(body) > 600)
        provider = await rig.start(A, faults=lost)
        await provider.write(publish())
        sink = MemorySink()
        reader = await rig.admit(provider, B, sink)
        await publish_each(provider, upserts(5))
        await caught_up(reader, provider)
        await until(lambda: sink.rows == ROWS[:5])

    async def test_snapshot_then_tail_without_a_seam(self, rig: EngineRig) -> None:
        """A reader comes while the publisher goes on."""
        provider, sinks = await rig.exchange(B, rows=50)
        publishing = asyncio.create_task(publish_each(provider, upserts(60, 50)))
        sink = MemorySink()
        reader = await rig.admit(provider, C, sink, 2)
        await publishing  # a quick publisher may have been done before the snapshot was made
        await publish_each(provider, upserts(10, 110))
        await caught_up(reader, provider)
        await until(lambda: sink.rows == ROWS[:120] and sinks[B].rows == ROWS[:120])
        assert sink.snapshots == 1
        assert_each_once(sink)

    async def test_a_second_subscription_of_one_station(self, rig: EngineRig) -> None:
        provider, sinks = await rig.exchange(B, rows=20)
        reader, second = rig.running[B][0], MemorySink()
        await publish_each(provider, upserts(5, 20))
        await until(lambda: sinks[B].rows == ROWS[:25])
        reader.apply_to(FEED, "two", second)
        await until(lambda: second.rows == ROWS[:25])
        await publish_each(provider, upserts(5, 25))
        await until(lambda: second.rows == ROWS[:30] and sinks[B].rows == ROWS[:30])

    async def test_a_sink_that_was_restored(self, rig: EngineRig) -> None:
        """Its cursor is where a snapshot had jumped over: those items were never here."""
        provider, sinks = await rig.exchange(B, rows=20)
        await publish_each(provider, upserts(5, 20))
        await until(lambda: sinks[B].rows == ROWS[:25])
        await rig.leave(B)
        sink = sinks[B]
        sink.cursor, sink.by_key = Cursor(FEED, 1, 1, b""), {}
        await rig.again(B, sink)
        await until(lambda: sink.rows == ROWS[:25])

    async def test_a_new_reader_cannot_read_back(self, rig: EngineRig) -> None:
        """The ratchet: the others go on without a letter."""
        provider, sinks = await rig.exchange(B, rows=5)
        await publish_each(provider, upserts(5, 5))
        await until(lambda: sinks[B].rows == ROWS[:10])
        before = await raw_items(provider)
        letters = await key_letters(provider, B)
        newcomer = await rig.admit(provider, C, MemorySink(), 2)
        await publish_each(provider, upserts(5, 10))
        await until(lambda: sinks[B].rows == ROWS[:15])
        after = await raw_items(provider, before[-1][0] + 1)
        assert [await opens(newcomer, *item) for item in before] == [False] * len(before)
        assert [await opens(newcomer, *item) for item in after] == [True] * 5
        assert await key_letters(provider, B) == letters

    async def test_a_removed_reader_is_fenced(self, rig: EngineRig) -> None:
        """It cannot open the canary although it gets the bytes; the others go on."""
        provider, sinks = await rig.exchange(B, C, rows=5)
        ended, stays = rig.running[B][0], rig.running[C][0]
        await publish_each(provider, upserts(5, 5))
        await until(lambda: sinks[B].rows == sinks[C].rows == ROWS[:10])
        fence = await end_grant(provider, 1)
        await rig.part(B)
        await provider.write(publish(RowChange(0, ("canary", "canary"))))
        await until(lambda: ("canary", "canary") in sinks[C].rows)
        (canary,) = await raw_items(provider, fence + 1)
        await ended.write(lambda tx: inbox.accept(tx, canary[2]))
        worker = ended.workers[f"{B} one"]
        await until(lambda: worker.progress.error == FeedEpoch.code)
        assert not await opens(ended, *canary)
        assert await opens(stays, *canary)
        noted = select(feeds_in.c.error).where(feeds_in.c.feed == FEED)  # it asked for the key
        await until_read(ended, lambda conn: conn.execute(noted).scalar() == "grant.ended")
        assert not await opens(ended, *canary)
        assert sinks[B].rows == ROWS[:10]

    async def test_up_to_its_fence_an_ended_reader_may_read(self, rig: EngineRig) -> None:
        provider, sinks = await rig.exchange(B, rows=5)
        await rig.leave(B)
        await publish_each(provider, upserts(5, 5))
        await _all_sent(provider)
        await rig.purge(QUEUE)
        fence = await end_grant(provider, 1)
        await provider.write(publish(RowChange(0, ("canary", "canary"))))
        reader = await rig.again(B, sinks[B])
        await reader.write(lambda tx: feed_reader.end(tx, FEED, fence, "grant.ended"))
        await until(lambda: sinks[B].rows == ROWS[:10])

    async def test_the_schema_changes(self, rig: EngineRig) -> None:
        provider, sinks = await rig.exchange(B, rows=5)
        wider = (*COLUMNS, Column("people", "I", 0))
        row = ("00001", "乡镇1", 7)
        await provider.write(publish(RowChange(0, row), columns=wider))
        sink = sinks[B]
        await until(lambda: row in sink.rows)
        assert sink.schema is not None
        assert (sink.schema.number, sink.schema.columns) == (2, wider)
        late = MemorySink()
        await rig.admit(provider, C, late, 2)
        await until(lambda: row in late.rows)

    async def test_a_failing_sink_holds_only_itself(self, rig: EngineRig) -> None:
        provider, sinks = await rig.exchange(B, rows=5)
        reader, slow, broken = rig.running[B][0], MemorySink(), MemorySink()
        for name, sink in (("slow", slow), ("broken", broken)):
            reader.apply_to(FEED, name, sink)
        await until(lambda: slow.rows == broken.rows == ROWS[:5])
        slow.opened.clear()
        broken.failing = SinkUnreachable(name="-", table="-", detail="off")
        await publish_each(provider, upserts(10, 5))
        await until(lambda: sinks[B].rows == ROWS[:15])
        await caught_up(reader, provider)
        await until(lambda: reader.workers["broken"].progress.error == "sink.unreachable")
        assert broken.rows == ROWS[:5]
        broken.failing = None
        slow.opened.set()
        await publish_each(provider, upserts(1, 15))
        await until(lambda: slow.rows == broken.rows == ROWS[:16])
        assert broken.seqs == slow.seqs == sinks[B].seqs[-len(slow.seqs) :]

    async def test_several_items_in_one_transaction(self, rig: EngineRig) -> None:
        provider, _ = await rig.exchange(B, rows=5)
        reader, sink = rig.running[B][0], SeveralSink()
        reader.apply_to(FEED, "several", sink)
        await until(lambda: sink.rows == ROWS[:5])
        sink.opened.clear()
        await publish_each(provider, upserts(20, 5))
        await caught_up(reader, provider)
        sink.opened.set()
        await until(lambda: sink.rows == ROWS[:25])
        assert max(sink.groups) > 1
        assert sink.seqs == sorted(set(sink.seqs))
        await until(lambda: reader.workers["several"].progress.applied_seq == sink.seqs[-1])

    async def test_one_of_several_is_refused(self, rig: EngineRig) -> None:
        """What stands before it is applied, and it is named."""
        provider, _ = await rig.exchange(B, rows=5)
        reader, sink = rig.running[B][0], SeveralSink()
        reader.apply_to(FEED, "several", sink)
        await until(lambda: sink.rows == ROWS[:5])

        def refuse(change: RowChange) -> None:
            if change.values[0] == "00012":
                raise SinkConstraint(name="-", table="-", detail="a check")

        sink.check = refuse
        sink.opened.clear()
        await publish_each(provider, upserts(20, 5))
        await caught_up(reader, provider)
        sink.opened.set()
        worker = reader.workers["several"]
        await until(lambda: worker.progress.error == "sink.constraint")
        assert sink.rows == ROWS[:12]
        sink.check = lambda _change: None
        await until(lambda: sink.rows == ROWS[:25])
        assert sink.snapshots == 1
        assert sink.seqs == sorted(set(sink.seqs))

    async def test_poison_among_the_items(self, rig: EngineRig) -> None:
        """An item that nobody can apply: set aside, and what stands behind it goes on."""
        provider, sinks = await rig.exchange(B, rows=5)
        reader = rig.running[B][0]

        def bad(tx):  # type: ignore[no-untyped-def]
            feed_writer.publish(tx, FEED, TableRows(schema=1), rows=[encode([0, "one value"])])

        await provider.write(bad)
        await publish_each(provider, upserts(5, 5))
        await until(lambda: sinks[B].rows == ROWS[:10])
        assert await quarantined(reader) == ["codec.shape"]

    async def test_rows_of_a_poisoned_item_come_with_a_snapshot(self, rig: EngineRig) -> None:
        """Nothing comes behind it: the snapshot is at the very number of the item."""
        provider, sinks = await rig.exchange(B, rows=5)
        reader, sink = rig.running[B][0], sinks[B]

        def refuse_once(change: RowChange) -> None:
            if change.values[0] == "00005":
                sink.check = lambda _change: None
                raise RowsValue(column="code", type="C", detail="too long")

        sink.check = refuse_once
        await publish_each(provider, upserts(1, 5))
        await until(lambda: sink.rows == ROWS[:6])
        assert sink.snapshots == 2
        assert await quarantined(reader) == ["rows.value"]

    async def test_junk_in_a_feed_queue(self, rig: EngineRig) -> None:
        provider, sinks = await rig.exchange(B, rows=5)
        link = await rig.bus(A).connect()
        for junk in (b"", b"junk", bytes(5_000)):
            await link.publish("feeds", FEED, junk, mandatory=False, timeout_s=10)
        await publish_each(provider, upserts(5, 5))
        await until(lambda: sinks[B].rows == ROWS[:10])
        assert len(await quarantined(rig.running[B][0])) == 3
        await link.close()

    async def test_the_hub_is_away(self, rig: EngineRig) -> None:
        """Granted feeds and direct letters (here: the new reader's key) go on."""
        await rig.start(HUB)
        provider, sinks = await rig.exchange(B, rows=5)
        await rig.crash(HUB)
        await publish_each(provider, upserts(5, 5))
        await until(lambda: sinks[B].rows == ROWS[:10])
        late = MemorySink()
        await rig.admit(provider, C, late, 2)
        await until(lambda: late.rows == ROWS[:10])
        query = select(outbox.c.state).where(outbox.c.kind == "feed.key").distinct()
        await until_read(provider, lambda conn: list(conn.execute(query).scalars()) == ["accepted"])

    async def test_a_station_that_reads_itself(self, rig: EngineRig) -> None:
        """No broker; other feeds that wait for one are not in its way."""
        station = await rig.start(A, online=False)
        granted, other, away = terms(A, A, FEED), f"{A}.a-first", terms(A, B, f"{A}.a-first", 2)
        await station.write(publish(*upserts(5)))
        await station.write(publish(feed=other))
        await station.write(lambda tx: give(tx, granted))
        await station.write(lambda tx: give(tx, away))
        for change in upserts(201):
            await station.write(publish(change, feed=other))
        sink = MemorySink()
        await station.write(lambda tx: receive(tx, granted))
        station.apply_to(FEED, "one", sink)
        await until(lambda: sink.rows == ROWS[:5])
        await publish_each(station, upserts(5, 5))
        await until(lambda: sink.rows == ROWS[:10])

    async def test_a_reader_whose_name_begins_its_publishers(self, rig: EngineRig) -> None:
        """s150700 reads a feed of its banner s150700123: they are two stations."""
        station = await rig.start(A, online=False)
        own = station.parts.identity.party
        banner = f"{own}123"
        assert f"{banner}.roads".startswith(own)
        from ortoo_protocol.station.feed_pump import _readers
        from ortoo_protocol.station.store.tables import feed_readers

        values = {
            "feed": f"{banner}.roads", "grant": "g", "reader": own, "grant_hash": b"",
            "first_seq": 1, "fence": None,
        }  # fmt: skip
        await station.write(lambda tx: tx.conn.execute(feed_readers.insert().values(values)))
        found = await station.read(lambda conn: _readers(conn, party=banner))
        assert f"{banner}.roads" in found.remote

    # --- SIGKILL ---

    async def test_the_publisher_dies_before_it_published(self, rig: EngineRig) -> None:
        provider, sinks = await rig.exchange(B, rows=5)
        await rig.leave(A)
        provider = await rig.start(A, online=False)
        await publish_each(provider, upserts(5, 5))
        await rig.crash(A)
        provider = await rig.start(A)
        await until(lambda: sinks[B].rows == ROWS[:10])

    async def test_the_publisher_dies_before_it_noted_the_confirm(self, rig: EngineRig) -> None:
        provider, sinks = await rig.exchange(B, rows=5)
        await rig.leave(A)
        faults = Faults(keeps=lambda exchange, _key: exchange == "feeds")
        provider = await rig.start(A, faults=faults)
        await publish_each(provider, upserts(5, 5))
        await faults.stuck.wait()
        await rig.crash(A)
        provider = await rig.start(A)
        await caught_up(rig.running[B][0], provider)
        await until(lambda: sinks[B].rows == ROWS[:10])
        assert_each_once(sinks[B])

    async def test_the_reader_dies_between_accept_and_ack(self, rig: EngineRig) -> None:
        provider, sinks = await rig.exchange(B, rows=5)
        await rig.leave(B)
        faults = Faults(settles=False)
        await rig.again(B, sinks[B], faults)
        await publish_each(provider, upserts(5, 5))
        await faults.stuck.wait()
        await rig.crash(B)
        await rig.again(B, sinks[B])
        await until(lambda: sinks[B].rows == ROWS[:10])
        assert_each_once(sinks[B])

    async def test_the_reader_dies_between_ack_and_apply(self, rig: EngineRig) -> None:
        provider, sinks = await rig.exchange(B, rows=5)
        sink, reader = sinks[B], rig.running[B][0]
        tried = sink.tried
        sink.opened.clear()
        await publish_each(provider, upserts(5, 5))
        await caught_up(reader, provider)
        await until(lambda: sink.tried > tried)
        await rig.crash_with(B, lambda: _refuse_and_open(sink))
        assert sink.rows == ROWS[:5]
        sink.failing = None
        await rig.again(B, sink)
        await until(lambda: sink.rows == ROWS[:10])

    async def test_the_reader_dies_when_the_sink_has_the_rows(self, rig: EngineRig) -> None:
        """The sink's cursor is the truth: what it has is not applied again."""
        provider, sinks = await rig.exchange(B, rows=5)
        sink = sinks[B]
        sink.returns.clear()
        await publish_each(provider, upserts(5, 5))
        await until(lambda: sink.seqs)
        await rig.crash_with(B, sink.returns.set)
        await rig.again(B, sink)
        await until(lambda: sink.rows == ROWS[:10])
        assert_each_once(sink)

    async def test_the_reader_dies_when_the_sink_became_a_snapshot(self, rig: EngineRig) -> None:
        """Before that is noted: it is noted then, and not given to the sink once more."""
        provider, sink = await rig.start(A), MemorySink()
        await provider.write(publish(*upserts(5)))
        await rig.join(B)
        granted = terms(A, B, FEED, 1)
        await provider.write(lambda tx: give(tx, granted))
        sink.returns.clear()
        await rig.read_into(await rig.start(B), sink, granted)
        await until(lambda: sink.snapshots)
        await rig.crash_with(B, sink.returns.set)
        reader = await rig.again(B, sink)
        noted = select(feed_applied.c.rows).where(feed_applied.c.incarnation > 0)
        await until_read(reader, lambda conn: conn.execute(noted).scalar() == 5)
        assert sink.snapshots == 1
        await publish_each(provider, upserts(5, 5))
        await caught_up(reader, provider)
        await until(lambda: sink.rows == ROWS[:10])
        assert_each_once(sink)


def _refuse_and_open(sink: MemorySink) -> None:
    """The write that was held back never happens."""
    sink.failing = SinkUnreachable(name="-", table="-", detail="the process is gone")
    sink.opened.set()


async def _all_sent(provider: Station) -> None:
    query = select(func.count()).select_from(feed_out_unsent)
    await until_read(provider, lambda conn: conn.execute(query).scalar() == 0)


def assert_each_once(sink: MemorySink) -> None:
    """Item after item, none left out and none twice."""
    assert sink.seqs, "no item came by itself"
    assert sink.seqs == list(range(sink.seqs[0], sink.seqs[0] + len(sink.seqs)))
