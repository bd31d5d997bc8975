"""The router: directory and grants become routes on the broker, at once and as long as told."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ortoo_hub.broker import BrokerAdmin, MemoryBrokerAdmin
from ortoo_hub.daily import Daily
from ortoo_hub.reconcile import Reconciler
from ortoo_node.sinks import SinkTable
from ortoo_protocol.bus.memory import MemoryBroker
from ortoo_protocol.core import topology
from ortoo_protocol.core.errors import BrokerAdminUnreachable
from ortoo_protocol.core.feeds import UPSERT, RowChange
from ortoo_protocol.core.law.clock import day_of
from ortoo_protocol.core.topology import Actual, Change
from ortoo_protocol.station import feed_writer, table_feed
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import feed_in_items, feed_out_items
from tests.support.hubs import (
    FEED,
    PROVIDER,
    READER,
    THIRD,
    HubKit,
    Running,
    application,
    ended,
    entry,
    terms,
    until_true,
)
from tests.support.stations import COLUMNS, give, receive, until
from tests.support.trust import HUB


@asynccontextmanager
async def exchange(kit: HubKit, **how: float) -> AsyncIterator[tuple[Running, Station, Station]]:
    provider, reader = kit.station(PROVIDER), kit.station(READER)
    async with kit.hub_running(kit.hub(**how), provider, reader) as running:  # type: ignore[arg-type]
        await running.listed(provider, entry())
        yield running, provider, reader


async def test_a_grant_opens_its_routes_and_its_end_closes_them_within_a_second(
    tmp_path: Path,
) -> None:
    kit = HubKit(tmp_path)
    async with exchange(kit) as (running, provider, reader):
        assert not kit.direct_routes(PROVIDER, READER)
        await running.granted(provider, reader)
        await until(lambda: kit.bound(FEED, READER), 1)
        assert {b.exchange for b in kit.direct_routes(PROVIDER, READER)} == {
            "letters",
            "bulk",
            "quick",
        }
        assert kit.direct_routes(READER, PROVIDER)
        assert not kit.direct_routes(PROVIDER, THIRD)
        assert (await running.call["router.show"]())["agree"]
        begun = time.monotonic()
        await running.sent(provider, READER, ended())
        await until(lambda: not kit.bound(FEED, READER), 1)
        assert time.monotonic() - begun < 1
        assert not kit.direct_routes(PROVIDER, READER)
        # The stations' other feeds go on.
        assert kit.bound(f"{HUB}.catalog", READER)


async def test_a_grant_ends_by_itself_at_its_time(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    async with exchange(kit) as (running, provider, reader):
        await running.sent(reader, PROVIDER, application())
        until_ms = kit.clock() + 700
        await running.sent(provider, READER, terms(until_ms=until_ms))
        await until(lambda: kit.bound(FEED, READER), 1)
        await until(lambda: not kit.bound(FEED, READER), 2)
        assert kit.clock() >= until_ms


async def test_a_grant_to_query_alone_opens_no_feed(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    async with exchange(kit) as (running, provider, reader):
        await running.sent(reader, PROVIDER, application(mode="联机查询"))
        await running.sent(provider, READER, terms(mode="联机查询"))
        await until(lambda: kit.direct_routes(PROVIDER, READER), 1)
        assert not kit.bound(FEED, READER)


async def test_an_emptied_broker_is_built_again(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    async with exchange(kit) as (running, provider, reader):
        await running.granted(provider, reader)
        await until(lambda: kit.bound(FEED, READER))
        before = kit.broker.read()
        kit.broker.empty()
        await until(lambda: kit.bound(FEED, READER), 5)
        await until(lambda: running.hub.station.wire.link is not None, 5)
        after = kit.broker.read()
        assert (after.bindings, after.queues) == (before.bindings, before.queues)
        assert (after.permissions, after.users) == (before.permissions, before.users)
        # And letters go through again.
        assert await running.sent(reader, PROVIDER, application(2)) == ("accepted", "")


async def test_foreign_routes_are_taken_down(tmp_path: Path) -> None:
    """Nobody but the hub says who reads: what somebody bound by hand goes."""
    kit = HubKit(tmp_path)
    async with exchange(kit, reconcile_s=0.1):
        sneaked = topology.Binding("feeds", topology.bulk_queue(READER), FEED)
        kit.broker.apply(Change(topology.Verb.PUT, sneaked))
        await until(lambda: sneaked not in kit.broker.read().bindings, 2)


class Absent(BrokerAdmin):
    """A management interface that can go away."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.away = False
        self._admin = MemoryBrokerAdmin(broker)

    def _check(self) -> None:
        if self.away:
            raise BrokerAdminUnreachable(address="broker", detail="connection refused")

    async def read(self) -> Actual:
        self._check()
        return await self._admin.read()

    async def apply(self, change: Change) -> None:
        self._check()
        await self._admin.apply(change)

    async def close_connections(self, user: str) -> int:
        self._check()
        return await self._admin.close_connections(user)


async def test_without_the_management_interface_it_waits_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "ortoo_hub.router")
    kit = HubKit(tmp_path)
    kit.admin = admin = Absent(kit.broker)
    async with exchange(kit, reconcile_s=0.1) as (running, provider, reader):
        admin.away = True
        router = running.hub.router
        await until(lambda: router.standing.error is not None, 2)
        assert isinstance(router.standing.error, BrokerAdminUnreachable)
        # What is routed goes on: the whole case passes the hub.
        await running.granted(provider, reader)
        assert not kit.bound(FEED, READER)
        admin.away = False
        await until(lambda: kit.bound(FEED, READER), 3)
        await until(lambda: router.standing.error is None, 3)
    said = [each for each in caplog.records if "broker.admin-unreachable" in each.getMessage()]
    assert len(said) > 1, "it was tried again and again"
    assert [each.levelname for each in said if each.levelno > logging.DEBUG] == ["ERROR"]


def rows_of(path: Path) -> list[str]:
    with sqlite3.connect(path) as conn:
        try:
            return [code for (code,) in conn.execute("SELECT code FROM list ORDER BY code")]
        except sqlite3.OperationalError:
            return []


def publish(*codes: str):  # type: ignore[no-untyped-def]
    def job(tx: Tx) -> int:
        feed_writer.open_feed(tx, FEED, sealed=True)
        schema = table_feed.declare(tx, FEED, COLUMNS, ("code",))
        changes = [RowChange(UPSERT, (code, code)) for code in codes]
        return table_feed.publish_changes(tx, FEED, schema, changes)

    return job


async def deliver(running: Running, provider: Station, reader: Station, sink: Path) -> None:
    """The stations' halves of a grant, and the first row at the reader's department."""
    await running.granted(provider, reader)
    await provider.write(publish("001"))
    await provider.write(lambda tx: give(tx, terms()))
    await reader.write(lambda tx: receive(tx, terms()))
    reader.read_queue(topology.feed_queue(READER, FEED))
    reader.apply_to(FEED, "subscription", SinkTable(f"sqlite:///{sink}", "list"))
    await until(lambda: rows_of(sink) == ["001"])


async def test_granted_feeds_go_on_without_the_hub(tmp_path: Path) -> None:
    """Items, keys and receipts travel from broker to reader; no code of the hub is on the way."""
    kit, sink = HubKit(tmp_path), tmp_path / "department.sqlite"
    async with exchange(kit) as (running, provider, reader):
        await deliver(running, provider, reader, sink)
        await running.stop_hub()
        await provider.write(publish("002"))
        await until(lambda: rows_of(sink) == ["001", "002"])
        # A key by letter, and its receipt back.
        seen = kit.seen[PROVIDER]
        count = len(seen.settled)
        await provider.write(lambda tx: feed_writer.give_key(tx, FEED, READER, 1))
        await until(lambda: len(seen.settled) > count)
        assert (seen.settled[-1].kind, seen.settled[-1].status) == ("feed.key", "accepted")


async def test_publisher_and_readers_prove_that_they_hold_the_same(tmp_path: Path) -> None:
    kit, sink = HubKit(tmp_path), tmp_path / "department.sqlite"
    async with exchange(kit) as (running, provider, reader):
        await deliver(running, provider, reader, sink)
        await provider.write(publish("002"))
        await provider.write(publish("003"))
        await until(lambda: rows_of(sink) == ["001", "002", "003"])

        async def compared() -> bool:
            verdict = await running.call["reconcile"](FEED)
            return bool(verdict["agree"] and verdict["count"] == 2)

        await until_true(compared)
        # Somebody changes what the reader holds: it is named, and the publisher is not.
        await reader.write(forge_item)
        verdict = await running.call["reconcile"](FEED)
        assert not verdict["agree"]
        assert {one["party"]: one["agree"] for one in verdict["parties"]} == {
            PROVIDER: True,
            READER: False,
        }
        assert verdict["parties"][1]["difference"] == {"kind": "differing", "number": 3}


@pytest.mark.parametrize(
    ("party", "number", "kind"),
    [(READER, 11, "sent-not-received"), (PROVIDER, 5, "received-not-sent"), ("", 23, "differing")],
)
async def test_the_first_difference_of_a_day_is_named(
    tmp_path: Path, party: str, number: int, kind: str
) -> None:
    kit, sink = HubKit(tmp_path), tmp_path / "department.sqlite"
    async with exchange(kit) as (running, provider, reader):
        await deliver(running, provider, reader, sink)
        for code in range(2, 25):
            await provider.write(publish(f"{code:03}"))
        await until(lambda: len(rows_of(sink)) == 24)
        today = day_of(kit.clock())
        of_day = partial(running.call["reconcile.day"], feed=FEED)

        async def alike() -> bool:
            return bool((await of_day(day=today.isoformat()))["agree"])

        await until_true(alike)
        before = (today - timedelta(days=1)).isoformat()
        (row,) = (await of_day(day=before))["parties"]
        assert (row["state"], row["party"]) == ("no items", READER)

        def spoil(tx: Tx) -> None:
            """And another one after it: the first is named."""
            table = feed_out_items if party == PROVIDER else feed_in_items
            for seq in (number, number + 1):
                here = (table.c.feed == FEED) & (table.c.seq == seq)
                if party:
                    tx.conn.execute(table.delete().where(here))
                else:
                    tx.conn.execute(table.update().where(here).values(hash=bytes(32)))

        await (provider if party == PROVIDER else reader).write(spoil)
        daily = Daily(running.hub.station, running.hub.reconciler)
        await daily.reconcile_all(today, set())  # compared already: not again by itself
        assert not (await running.call["reconcile.results"](differing=True))["results"]
        assert not (await of_day(day=today.isoformat()))["agree"]
        (found,) = (await running.call["reconcile.results"](differing=True))["results"]
        assert (found["party"], found["kind"], found["number"]) == (READER, kind, number)
        await daily.reconcile_all(today - timedelta(days=2), set())
        results = (await running.call["reconcile.results"]())["results"]
        assert {each["feed"] for each in results if each["day"] < before} >= {FEED}


async def test_who_is_silent_is_asked_once_a_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit, sink = HubKit(tmp_path), tmp_path / "department.sqlite"
    async with exchange(kit) as (running, provider, reader):
        await deliver(running, provider, reader, sink)
        reconciler, today = running.hub.reconciler, day_of(kit.clock())
        reconciler.round_s = 0.3
        reader.leave_queue(topology.inbox_queue(READER))
        asked: list[str] = []
        probe = Reconciler.probe

        async def counted(self: Reconciler, *given: Any, **named: Any) -> Any:
            asked.extend(given[2])
            return await probe(self, *given, **named)

        monkeypatch.setattr(Reconciler, "probe", counted)
        daily, silent = Daily(running.hub.station, reconciler), set[str]()
        for back in range(3):
            await daily.reconcile_all(today - timedelta(days=back), silent)
        assert silent > {READER}, "and a member that never came"
        assert {asked.count(each) for each in silent} == {1}
        results = (await running.call["reconcile.results"]())["results"]
        found = {one["state"] for one in results if (one["party"], one["feed"]) == (READER, FEED)}
        assert "silent" in found


def forge_item(tx: Tx) -> None:
    tx.conn.execute(
        feed_in_items.update()
        .where(feed_in_items.c.feed == FEED, feed_in_items.c.seq == 3)
        .values(hash=bytes(32))
    )


async def test_who_does_not_answer_is_named(tmp_path: Path) -> None:
    kit, sink = HubKit(tmp_path), tmp_path / "department.sqlite"
    async with exchange(kit) as (running, provider, reader):
        await deliver(running, provider, reader, sink)
        running.hub.reconciler.round_s = 0.3
        reader.leave_queue(topology.inbox_queue(READER))
        verdict = await running.call["reconcile"](FEED)
        assert not verdict["agree"]
        (silent,) = (one for one in verdict["parties"] if not one["answered"])
        assert (silent["party"], silent["detail"]) == (READER, "no answer in time")
