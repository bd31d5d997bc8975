"""Events from many callers: durable on return, in order, once in each sink, views included."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update

from ortoo_protocol.core.batches import MOST_PART_BYTES
from ortoo_protocol.core.errors import FeedMixed
from ortoo_protocol.station import event_feed, feed_reader, feed_writer
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import feed_out_items, feed_out_pending, feeds_in
from tests.node.kit import FORM, PEOPLE, entry, fill, open_node, running
from tests.support.stations import Kit, until, until_read
from tests.support.trust import DEPARTMENTS

PARTY = "s150700"
CODE = "3070101/0001"
FEED = f"{PARTY}.dibao"
OWN = DEPARTMENTS[PARTY][0]


async def test_events_of_many_callers_arrive_once_and_narrowed(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_node(kit, PARTY, online=False)
    publisher = node.app.publisher
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE, share_type=2))
        assert await publisher.events(CODE, [("0", "早", 1)]) == (1, [])
        for items, table in (([], "whole"), (["id", "name"], "narrow")):
            case = await node.call("request.apply", resource=CODE, department=OWN, **FORM)
            granted = await node.call("request.grant", case=case["case"], items=items, **PEOPLE)
            await node.call(
                "subscribe", resource=CODE, department=OWN, sink="shared", table=table,
                purpose=FORM["purpose"], grant=granted["grant"],
            )  # fmt: skip
        # A reader of events begins with the next item after its snapshot.
        here = feeds_in.c.feed.startswith(f"{PARTY}.")
        joined = select(func.count()).where(here, feeds_in.c.state == feed_reader.READING)
        await until_read(node.app.station, lambda conn: conn.execute(joined).scalar() == 2)

        calls = [publisher.events(CODE, [(f"{n}", "人", n), (f"{n}b", "人", n)]) for n in range(60)]
        answers = await asyncio.gather(*calls)
        assert answers == [(2, [])] * 60
        await until(lambda: len(node.rows("narrow")) == len(node.rows("whole")) == 120)
        assert {row[2] for row in node.rows("whole")} == {
            f"{n}{tail}" for n in range(60) for tail in ("", "b")
        }
        assert len({row[:2] for row in node.rows("whole")}) == 120
        assert all(len(row) == 4 for row in node.rows("narrow"))
        items = select(func.count()).select_from(feed_out_items)
        assert await node.app.station.read(lambda conn: conn.execute(items).scalar()) < 60

        taken, rejects = await publisher.events(CODE, [("x" * 13, "长", 1), ("y", "好", 1)])
        assert taken == 1
        assert [(reject.number, reject.column) for reject in rejects] == [(1, "id")]

        fill(node.source, 1)
        with pytest.raises(FeedMixed):
            await node.call("publish", resource=CODE, source="business", table="people")


async def test_an_event_that_was_durable_leaves_after_a_restart(tmp_path: Path) -> None:
    """It waited in the store when the process died before it was sealed."""
    kit = Kit(tmp_path)
    node = open_node(kit, PARTY, online=False)
    station = node.app.station
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        await node.app.publisher.events(CODE, [("0", "早", 1)])
        feed = f"{PARTY}.dibao"
        held = select(func.count()).select_from(feed_out_pending)
    again = open_node(kit, PARTY, online=False)
    station = again.app.station
    await station.write(lambda tx: event_feed.append(tx, feed, [b"\x94\x00\xa11\xa1a\x01"]))
    before = await station.read(lambda conn: conn.execute(held).scalar())
    assert before >= 1
    async with running(kit, again):

        async def sealed() -> bool:
            return not await station.read(lambda conn: conn.execute(held).scalar())

        for _ in range(500):
            if await sealed():
                break
            await asyncio.sleep(0.01)
        assert await sealed()
        row = await station.write(lambda tx: feed_writer.feed_row(tx, feed))
        assert row.seq >= 2  # behind the schema


async def test_an_event_as_large_as_may_be(tmp_path: Path) -> None:
    """What is durable leaves; what no item holds is refused while its caller waits, and stops
    nobody else."""
    items = [
        {"name": "编号", "column": "id", "type": "C", "length": 12},
        {"name": "正文", "column": "body", "type": "C", "length": 1_000_000},
    ]
    kit = Kit(tmp_path)
    node = open_node(kit, PARTY, online=False)
    publisher = node.app.publisher
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE, items=items))
        assert await publisher.events(CODE, [("0", "first")]) == (1, [])
        await node.call(
            "subscribe", resource=CODE, department=OWN, sink="shared", table="log", **FORM
        )
        joined = select(feeds_in.c.state).where(feeds_in.c.feed == f"{PARTY}.dibao")
        await until_read(
            node.app.station, lambda conn: conn.execute(joined).scalar() == feed_reader.READING
        )
        given = [
            ("1", "a"),
            *((f"{n}", "x" * (MOST_PART_BYTES - n)) for n in range(40)),
            ("z", "b"),
        ]
        taken, rejects = await publisher.events(CODE, given)
        assert {reject.code for reject in rejects} == {"rows.too-large"}
        assert 0 < len(rejects) < 40
        await until(lambda: len(node.rows("log")) == taken == 42 - len(rejects))


async def test_one_call_that_fails_fails_alone(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_node(kit, PARTY, online=False)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        good, bad = await asyncio.gather(
            node.app.publisher.events(CODE, [("0", "早", 1)]),
            node.app.publisher.events("3070101/9999", [("0", "早", 1)]),
            return_exceptions=True,
        )
        assert good == (1, [])
        assert isinstance(bad, Exception)


async def test_who_joins_takes_nothing_from_who_reads(tmp_path: Path) -> None:
    """A second department begins with the next event; the first one, behind by some, has all, those
    too that came while the second was let in."""
    kit = Kit(tmp_path)
    node = open_node(kit, PARTY, online=False)
    publisher, station = node.app.publisher, node.app.station

    async def event(number: int) -> None:
        assert await publisher.events(CODE, [(f"{number}", "人", number)]) == (1, [])

    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        await event(0)
        wanted = {"resource": CODE, "department": OWN, "sink": "shared", **FORM}
        first = (await node.call("subscribe", table="one", **wanted))["subscription"]
        await until_read(station, _reads)
        await event(1)
        await until(lambda: len(node.rows("one")) == 1)
        await node.call("subscription.pause", subscription=first)
        await until(lambda: first not in station.workers)
        for number in (2, 3, 4):
            await event(number)
            await until_read(station, _reads)

        def again(tx: Tx) -> None:
            feed_reader.resync(tx, FEED, "")

        await node.call("subscribe", table="two", **wanted)
        await station.write(again)
        await event(5)
        await until_read(station, _reads)
        await until(lambda: any(worker for worker in station.workers))
        await event(6)
        await until(lambda: bool(node.rows("two")))
        await node.call("subscription.resume", subscription=first)
        await event(7)
        await until(lambda: node.rows("two")[-1][2] == "7")
        await until(lambda: [row[2] for row in node.rows("one")] == list("1234567"))


def _reads(conn: Connection) -> bool:
    state = select(feeds_in.c.state).where(feeds_in.c.feed == FEED)
    return bool(conn.execute(state).scalar() == feed_reader.READING)


@pytest.mark.parametrize("kept", [True, False])
async def test_a_department_that_restored_its_database(tmp_path: Path, kept: bool) -> None:
    """The events since come once more; those that their publisher has no longer are said to be
    lost, and the next ones come."""
    kit = Kit(tmp_path)
    node = open_node(kit, PARTY, online=False)
    publisher, station = node.app.publisher, node.app.station
    backup = tmp_path / "backup"

    async def event(number: int) -> None:
        assert await publisher.events(CODE, [(f"{number}", "人", number)]) == (1, [])
        await until(lambda: [row[2] for row in node.rows("log")][-1:] == [f"{number}"])

    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        assert await publisher.events(CODE, [("0", "人", 0)]) == (1, [])
        made = await node.call(
            "subscribe", resource=CODE, department=OWN, sink="shared", table="log", **FORM
        )
        await until_read(station, _reads)
        await event(1)
        await event(2)
        with closing(sqlite3.connect(node.sink)) as sink, closing(sqlite3.connect(backup)) as copy:
            sink.backup(copy)
        for number in (3, 4, 5):
            await event(number)
        erased = update(feed_out_items).where(feed_out_items.c.feed == FEED).values(raw=None)
        if not kept:
            await station.write(lambda tx: tx.conn.execute(erased))
        with closing(sqlite3.connect(node.sink)) as sink, closing(sqlite3.connect(backup)) as copy:
            copy.backup(sink)
        await publisher.events(CODE, [("6", "人", 6)])
        if kept:
            await until(lambda: [row[2] for row in node.rows("log")] == list("123456"))
        else:
            await event(7)
            assert [row[2] for row in node.rows("log")] == list("1267")

        async def said() -> Any:
            shown = await node.call("subscription.show", subscription=made["subscription"])
            return shown["subscription"]

        await event(8)
        shown = await said()
        code = (shown["error"] or {}).get("code", "")
        assert (shown["state"], code) == ("current", "" if kept else "subscription.retention")
