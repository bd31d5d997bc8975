"""Subscriptions told by people, or stopped by what only people can mend; others go on."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select, update

from ortoo_node import holding, reading, subscribing
from ortoo_node.interfaces import ReadingTable
from ortoo_protocol.core import feeds, topology
from ortoo_protocol.core.errors import (
    SubscriptionNothing,
    SubscriptionReread,
    SubscriptionState,
    SubscriptionUnknown,
)
from ortoo_protocol.core.feeds import DELETE, UPSERT, Column, RowChange
from ortoo_protocol.station import asks, feed_reader, feed_writer, rereading, table_feed
from ortoo_protocol.station.context import Tx, wait
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import (
    feed_applied,
    feed_in_items,
    feed_out_items,
    feed_out_unsent,
    feeds_out,
)
from ortoo_protocol.station.store.tables import shadow as shadow_table
from tests.node.kit import Node, open_node
from tests.support.stations import COLUMNS, Kit, give, receive, terms, until
from tests.support.trust import DEPARTMENTS

A, B = "s150700", "s150200"
FEED, OTHER = f"{A}.townships", f"{A}.other"
LOGGED = "CREATE TRIGGER kept AFTER INSERT ON towns BEGIN INSERT INTO log VALUES (new.code); END"
WIDER = (*COLUMNS, Column("count", "I", 0))


@dataclass
class Exchange:
    """A publishes, B's application reads."""

    kit: Kit
    provider: Station
    reader: Node

    async def publish(
        self, *rows: tuple[Any, ...], feed: str = FEED, columns: Any = COLUMNS
    ) -> None:
        """One item a row; a row of one value is a delete."""
        for row in rows:
            change = RowChange(DELETE if len(row) == 1 else UPSERT, row)
            await self.provider.write(lambda tx, c=change: _publish(tx, feed, columns, c))  # type: ignore[misc]

    async def subscribe(self, table: str, *, feed: str = FEED, number: int = 1) -> str:
        granted = terms(A, B, feed, number)
        self.kit.join(A, B, feed)
        await self.provider.write(lambda tx: give(tx, granted))
        station = self.reader.app.station

        def make(tx: Tx) -> str:
            receive(tx, granted)
            return subscribing.make(
                tx,
                resource="3/001",
                department=DEPARTMENTS[B][0],
                sink="shared",
                table=table,
                purpose=granted.purpose,
                terms=granted,
                case=None,
            )

        return await station.write(make)

    async def show(self, subscription: str) -> dict[str, Any]:
        answer = await self.reader.call("subscription.show", subscription=subscription)
        found: dict[str, Any] = answer["subscription"]
        return found

    async def until(self, subscription: str, condition: Callable[[dict[str, Any]], object]) -> Any:
        async with asyncio.timeout(20):
            while True:
                ticket = self.reader.app.station.parts.signals.apply.ticket()
                if condition(shown := await self.show(subscription)):
                    return shown
                await wait(ticket, 0.02)

    def rows(self, table: str = "towns") -> list[tuple[Any, ...]]:
        return self.reader.rows(table)

    def change(self, *statements: str) -> None:
        """What the department does to its own database."""
        with sqlite3.connect(self.reader.sink) as conn:
            for statement in statements:
                conn.execute(statement)


def _publish(tx: Tx, feed: str, columns: Any, change: RowChange) -> None:
    feed_writer.open_feed(tx, feed, sealed=True)
    schema = table_feed.declare(tx, feed, columns, ("code",))
    table_feed.publish_changes(tx, feed, schema, [change])


@asynccontextmanager
async def exchange(folder: Path, **more: Any) -> AsyncIterator[Exchange]:
    kit = Kit(folder)
    reader = open_node(kit, B)
    if more:
        settings = msgspec.structs.replace(reader.app.settings, **more)
        reader.app.settings = reader.app.reading.settings = settings
        reader.app.publisher.onward.settings = settings
    provider = kit.open(A)
    await reader.app.start()
    async with kit.running(provider, reader.app.station, also={B: reader.app.loops}):
        yield Exchange(kit, provider, reader)
        await reader.app.end()


def idle(shown: dict[str, Any]) -> bool:
    return bool(shown["applied"]) and shown["lag"] == 0


async def test_paused_and_resumed(tmp_path: Path) -> None:
    async with exchange(tmp_path) as both:
        await both.publish(("1", "a"), ("2", "b"))
        one = await both.subscribe("towns")
        await both.until(one, idle)
        assert both.rows() == [("1", "a"), ("2", "b")]
        paused = await both.reader.call("subscription.pause", subscription=one[:8])
        assert paused["subscription"]["state"] == "paused"
        await until(lambda: one not in both.reader.app.station.workers)
        await both.publish(("3", "c"))
        both.kit.offset_ms += 100_000
        await both.publish(("1",))
        shown = await both.until(one, lambda s: s["received"] == s["applied"] + 2)
        assert (shown["state"], shown["lag"]) == ("paused", 2)
        assert 100 <= shown["lag_s"] < 200, "as old as the first that waits"
        assert both.rows() == [("1", "a"), ("2", "b")]
        at_once = (await both.reader.call("subscription.resume", subscription=one))["subscription"]
        assert at_once["state"] == ("behind" if at_once["lag"] else "current")
        await both.until(one, idle)
        assert both.rows() == [("2", "b"), ("3", "c")]
        shown = await both.until(one, lambda s: s["rows"] == 4)
        assert (shown["lag_s"], shown["rejects"], shown["error"]) == (0.0, 0, None)
        with pytest.raises(SubscriptionUnknown):
            await both.reader.call("subscription.pause", subscription="ffff")


async def test_read_again_from_a_number(tmp_path: Path) -> None:
    async with exchange(tmp_path) as both:
        await both.publish(("0", "z"))
        one = await both.subscribe("towns")
        two = await both.subscribe("other", number=2)
        begun = (await both.until(one, idle))["applied"]
        await both.publish(("1", "a"), ("2", "b"), ("1", "A"), ("2",), ("3", "c"))
        await both.until(one, lambda s: s["applied"] == begun + 5)
        await both.until(two, idle)
        both.change("DELETE FROM towns WHERE code IN ('1', '3')", "DELETE FROM other")
        answer = await both.reader.call("subscription.reread", subscription=one, first=begun + 3)
        assert (answer["first"], answer["last"]) == (begun + 3, begun + 5)
        await until(lambda: both.rows() == [("0", "z"), ("1", "A"), ("3", "c")])
        shown = await both.until(one, lambda s: s["state"] == "current")
        assert shown["error"] is None
        assert both.rows("other") == []  # the other one was left alone
        await both.publish(("4", "d"))
        await until(lambda: ("4", "d") in both.rows() and ("4", "d") in both.rows("other"))

        with pytest.raises(SubscriptionReread) as caught:
            await both.reader.call("subscription.reread", subscription=one, first=begun)
        assert caught.value.facts["first"] == begun + 1


async def test_one_reads_again_at_a_time_and_what_it_needs_is_kept(tmp_path: Path) -> None:
    async with exchange(tmp_path) as both:
        await both.publish(("0", "z"))
        one = await both.subscribe("towns")
        two = await both.subscribe("other", number=2)
        begun = (await both.until(one, idle))["applied"]
        await both.publish(("1", "a"), ("2", "b"))
        for each in (one, two):
            await both.until(each, lambda s: s["applied"] == begun + 2)
        stands = select(feed_applied.c.seq).where(feed_applied.c.subscription == one)

        def again(tx: Tx) -> None:
            holding.reread(tx, one, begun + 1)
            asked = rereading.find(tx.conn, FEED)
            assert asked is not None
            rereading.begin_applying(tx, asked)
            assert tx.conn.execute(stands).scalar() == begun  # or the other's passing erases them
            holding.reread(tx, one, begun + 1)
            holding.reread(tx, two, begun + 1)

        with pytest.raises(SubscriptionState):  # and nothing of this stays
            await both.reader.app.station.write(again)


async def test_a_failed_one_is_tried_at_once_when_it_is_resumed(tmp_path: Path) -> None:
    """Whoever has mended something need not wait for the next try by the clock."""
    async with exchange(tmp_path) as both:
        await both.publish(("1", "a"))
        one = await both.subscribe("towns")
        await both.until(one, idle)
        waits = both.reader.app.station.parts.signals.apply.ticket()
        await both.reader.call("subscription.resume", subscription=one)
        await asyncio.wait_for(waits.wait(), 15)


async def test_read_again_what_is_not_kept(tmp_path: Path) -> None:
    async with exchange(tmp_path) as both:
        await both.publish(("0", "z"))
        one = await both.subscribe("towns")
        begun = (await both.until(one, idle))["applied"]
        with pytest.raises(SubscriptionNothing):
            await both.reader.call("subscription.reread", subscription=one, first=1)
        await both.publish(("1", "a"), ("2", "b"))
        await both.until(one, lambda s: s["applied"] == begun + 2)
        gone = (feed_out_items.c.feed == FEED) & (feed_out_items.c.seq == begun + 1)
        await both.provider.write(
            lambda tx: tx.conn.execute(update(feed_out_items).where(gone).values(raw=None))
        )
        both.change("DELETE FROM towns")
        await both.reader.call("subscription.reread", subscription=one, first=begun + 1)
        shown = await both.until(one, lambda s: s["error"])
        assert shown["error"]["code"] == "subscription.retention"
        assert "resync" in shown["error"]["cure"]
        await both.publish(("3", "c"))
        await until(lambda: both.rows() == [("3", "c")])  # reading went on
        await both.reader.call("subscription.resync", subscription=one)
        await until(lambda: len(both.rows()) == 4)


def begin_anew(tx: Tx) -> None:
    """As a publisher does whose store was lost: a new incarnation of its feed, and what was
    published before is not there."""
    for table in (feed_out_items, feed_out_unsent, shadow_table):
        tx.conn.execute(delete(table).where(table.c.feed == FEED))
    start = feeds.genesis(tx.suite, tx.plane, FEED, 2)
    here = feeds_out.c.feed == FEED
    tx.conn.execute(update(feeds_out).where(here).values(incarnation=2, seq=0, hash=start))


async def test_a_publisher_that_begins_anew(tmp_path: Path) -> None:
    """By a snapshot, without anybody's act; numbers of before are numbers of nothing."""
    async with exchange(tmp_path) as both:
        await both.publish(("0", "z"))
        one = await both.subscribe("towns")
        begun = (await both.until(one, idle))["applied"]
        await both.publish(("1", "a"), ("2", "b"), ("3", "c"))
        await both.until(one, lambda s: s["applied"] == begun + 3)
        await both.provider.write(begin_anew)
        await both.publish(("2", "B"), ("4", "d"))
        await until(lambda: both.rows() == [("2", "B"), ("4", "d")])
        await both.publish(("5", "e"), ("4",))
        await until(lambda: both.rows() == [("2", "B"), ("5", "e")])
        shown = await both.until(one, idle)
        assert (shown["state"], shown["error"]) == ("current", None)
        with pytest.raises(SubscriptionReread) as caught:
            await both.reader.call("subscription.reread", subscription=one, first=begun + 9)
        assert caught.value.facts["last"] == shown["applied"]
        both.change("DELETE FROM towns")
        await both.reader.call("subscription.resync", subscription=one)
        await until(lambda: both.rows() == [("2", "B"), ("5", "e")])


async def test_a_publisher_that_begins_anew_while_it_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked for once more will never come: it says so, and reading goes on."""
    async with exchange(tmp_path) as both:
        await both.publish(("0", "z"))
        one = await both.subscribe("towns")
        begun = (await both.until(one, idle))["applied"]
        await both.publish(("1", "a"), ("2", "b"))
        await both.until(one, lambda s: s["applied"] == begun + 2)

        def again(tx: Tx) -> None:
            begin_anew(tx)
            _publish(tx, FEED, COLUMNS, RowChange(UPSERT, ("7", "anew")))

        monkeypatch.setattr(asks, "_send_items", lambda *_: None)
        await both.reader.call("subscription.reread", subscription=one, first=begun + 1)
        await both.provider.write(again)
        await until(lambda: both.rows() == [("7", "anew")])
        shown = await both.until(one, lambda s: s["error"])
        assert (shown["error"]["code"], shown["state"]) == ("subscription.retention", "current")
        assert "feed.incarnation" in shown["error"]["what"]


async def test_a_constraint_of_the_department_holds_itself_alone(tmp_path: Path) -> None:
    """Of an item that is refused in the middle nothing stands there; once the department has
    mended its table all comes by itself, each row once."""
    async with exchange(tmp_path) as both:
        await both.publish(("0", "z"))
        both.change(
            "CREATE TABLE towns (code TEXT PRIMARY KEY, name TEXT CHECK (name <> 'bad'))",
            "CREATE TABLE log (code TEXT)",
            LOGGED,
        )
        one = await both.subscribe("towns")
        two = await both.subscribe("others", number=2)
        for each in (one, two):
            await both.until(each, idle)

        def three(tx: Tx) -> None:
            schema = table_feed.declare(tx, FEED, COLUMNS, ("code",))
            rows = [("1", "a"), ("2", "bad"), ("3", "c")]
            table_feed.publish_changes(tx, FEED, schema, [RowChange(UPSERT, row) for row in rows])

        await both.provider.write(three)
        await both.publish(("4", "d"))
        shown = await both.until(one, lambda s: s["error"])
        assert shown["error"]["code"] == "sink.constraint"
        await until(lambda: len(both.rows("others")) == 5)
        await both.until(two, idle)
        assert both.rows("towns") == [("0", "z")]
        both.change(
            "ALTER TABLE towns RENAME TO old",
            "CREATE TABLE towns (code TEXT PRIMARY KEY, name TEXT)",
            "DROP TRIGGER kept",
            "INSERT INTO towns SELECT code, name FROM old",
            "DROP TABLE old",
            LOGGED,
        )
        await both.until(one, idle)
        assert both.rows("towns") == both.rows("others")
        assert sorted(both.rows("log")) == [(code,) for code in "01234"]


async def test_what_cannot_follow_holds_itself_alone(tmp_path: Path) -> None:
    async with exchange(tmp_path) as both:
        await both.publish(("1", "a"))
        await both.publish(("x", "y"), feed=OTHER)
        both.change(
            "CREATE TABLE narrow (code TEXT PRIMARY KEY, name TEXT, count TEXT)",
            "CREATE VIEW blocked AS SELECT 1",
        )
        narrow = await both.subscribe("narrow")
        towns = await both.subscribe("towns", number=2)
        other = await both.subscribe("others", feed=OTHER, number=3)
        for one in (narrow, towns, other):
            await both.until(one, idle)
        await both.publish(("2", "b", 5), columns=WIDER)
        shown = await both.until(narrow, lambda s: s["state"] == "schema")
        assert shown["error"]["code"] == "sink.mismatch"
        assert "count" in shown["error"]["what"]
        findings = (await both.reader.call("doctor"))["findings"]
        assert [f["subject"] for f in findings if f["check"] == "sinks"] == ["shared: narrow"]
        assert shown["lag"] > 0
        await until(lambda: both.rows("towns") == [("1", "a", None), ("2", "b", 5)])
        await until(lambda: narrow not in both.reader.app.station.workers)
        await both.publish(("z", "z"), feed=OTHER)
        await until(lambda: ("z", "z") in both.rows("others"))
        both.change("ALTER TABLE narrow DROP COLUMN count")
        await both.reader.call("subscription.resume", subscription=narrow)
        await both.until(narrow, idle)
        assert both.rows("narrow") == [("1", "a", None), ("2", "b", 5)]


async def test_more_than_is_kept_for_a_paused_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "HELD_LOOK_S", 0.0)
    async with exchange(tmp_path, reading=ReadingTable(held_mb=0)) as both:
        await both.publish(("1", "a"))
        one = await both.subscribe("towns")
        await both.until(one, idle)
        await both.reader.call("subscription.pause", subscription=one)
        await both.publish(("2", "b"), ("1",))
        shown = await both.until(one, lambda s: s["error"])
        assert shown["error"]["code"] == "subscription.let-go"
        held = select(feed_in_items.c.seq).where(feed_in_items.c.raw.is_not(None))
        station = both.reader.app.station
        assert not await station.read(lambda conn: conn.execute(held).first())
        await both.reader.call("subscription.resume", subscription=one)
        await until(lambda: both.rows() == [("2", "b")])
        await both.publish(("3", "c"))
        await until(lambda: both.rows() == [("2", "b"), ("3", "c")])


async def test_an_ended_one_leaves_its_queue(tmp_path: Path) -> None:
    async with exchange(tmp_path) as both:
        await both.publish(("1", "a"))
        one = await both.subscribe("towns")
        await both.until(one, idle)
        station, queue = both.reader.app.station, topology.feed_queue(B, FEED)
        assert queue in station.queues
        await both.reader.call("subscription.pause", subscription=one)
        await both.publish(("2", "b"))
        await both.until(one, lambda s: s["lag"] == 1)
        grant = terms(A, B, FEED).grant
        _, fence = await both.provider.write(lambda tx: feed_writer.end_reader(tx, FEED, grant))
        await both.reader.call("subscription.resume", subscription=one)

        def ended(tx: Tx) -> None:
            feed_reader.end(tx, FEED, fence, "grant.ended")
            subscribing.leave(tx, FEED)

        await station.write(ended)
        await until(lambda: queue not in station.queues)
        assert both.rows() == [("1", "a"), ("2", "b")]  # up to the fence
        await until(lambda: not station.workers)
        with pytest.raises(SubscriptionState):
            await both.reader.call("subscription.pause", subscription=one)
        assert (await both.show(one))["error"]["code"] == "grant.ended"


async def test_a_sink_that_is_not_in_the_settings_any_more(tmp_path: Path) -> None:
    async with exchange(tmp_path) as both:
        await both.publish(("1", "a"))
        app = both.reader.app
        sinks, app.reading.settings = (
            app.settings,
            msgspec.structs.replace(app.settings, sinks=()),
        )
        one = await both.subscribe("towns")
        shown = await both.until(one, lambda s: s["state"] == "failed")
        assert shown["error"]["code"] == "settings.lacking"
        app.reading.settings = sinks
        await both.until(one, idle)
