"""The hub as a process of its own, on a real broker over TLS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ortoo_demo.private_broker import PrivateBroker
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import BusForbidden, BusLoginRefused
from ortoo_protocol.station.context import Hooks
from ortoo_protocol.station.station import Station
from tests.support.founded import Founded, founded, member
from tests.support.hubs import (
    FEED,
    PROVIDER,
    READER,
    RESOURCE,
    Seen,
    answer,
    application,
    ended,
    entry,
    join_region,
    publish_entry,
    read_region,
    say,
    terms,
)
from tests.support.stations import until
from tests.support.trust import HUB


@asynccontextmanager
async def joined(
    region: Founded, folder: Path, seen: dict[str, Seen]
) -> AsyncIterator[list[Station]]:
    """Provider and reader, enrolled as people do it, linked to the broker."""
    made = await asyncio.to_thread(region.admit, PROVIDER, READER)
    stations = []
    for party, keys in made.items():
        trust, broker = await asyncio.to_thread(region.welcome, party, keys)
        mine = seen.setdefault(party, Seen())
        kinds = ("case.application", "case.answer", "grant.issued", "grant.ended")
        hooks = Hooks(
            dict.fromkeys(kinds, lambda _tx, opened, s=mine: s.opened.append(opened)),
            lambda _tx, letter, s=mine: s.settled.append(letter),
        )
        stations.append(member(folder, keys, trust, broker, region.broker.ca_file, hooks))
    tasks = [asyncio.create_task(station.run()) for station in stations]
    try:
        for station in stations:
            await asyncio.wait_for(station.wire.online.wait(), 20)
            await station.write(join_region)
            read_region(station)
        yield stations
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for station in stations:
            await station.close()


async def sent(seen: Seen, station: Station, to: str, body: Shape) -> tuple[str, str]:
    letter = await say(station, to, body)
    await until(lambda: seen.outcome(letter))
    outcome = seen.outcome(letter)
    assert outcome is not None
    return outcome


async def test_a_region_from_its_founding_to_the_end_of_a_grant(
    tmp_path: Path, broker: PrivateBroker
) -> None:
    seen: dict[str, Seen] = {}
    with founded(tmp_path / "hub", broker) as region:
        await asyncio.to_thread(region.start)  # on a broker that knows nobody
        async with joined(region, tmp_path, seen) as (provider, reader):
            await publish_entry(provider, entry())
            await asyncio.to_thread(region.until, lambda: region.found(RESOURCE))
            mine, theirs = seen[PROVIDER], seen[READER]
            assert await sent(theirs, reader, PROVIDER, application()) == ("accepted", "")
            assert await sent(mine, provider, READER, answer()) == ("accepted", "")
            assert await sent(mine, provider, READER, terms()) == ("accepted", "")
            await asyncio.to_thread(region.until, lambda: FEED in region.bindings(), 5)

            # Hub away: what it granted stays; hub back: nothing was lost.
            region.kill()
            assert FEED in region.bindings()
            ending = time.monotonic()
            letter = await say(provider, READER, ended())
            await asyncio.to_thread(region.start)
            await until(lambda: mine.outcome(letter) == ("accepted", ""))
            await asyncio.to_thread(region.until, lambda: FEED not in region.bindings(), 1)
            assert time.monotonic() - ending < 20
            verified = await asyncio.to_thread(region.call, "journal.verify")
            assert verified["size"] > 0
            found = await asyncio.to_thread(region.call, "doctor")
            levels = {one["check"]: one["level"] for one in found["findings"]}
            assert levels["management"] == levels["broker-rights"] == levels["broker"] == "ok"
            assert levels["members"] == "warning"  # the end that was not filed
        assert region.stop() == 0
        assert not region.socket.exists()


async def test_the_end_of_a_grant_acts_within_a_second(
    tmp_path: Path, broker: PrivateBroker
) -> None:
    seen: dict[str, Seen] = {}
    with founded(tmp_path / "hub", broker) as region:
        await asyncio.to_thread(region.start)
        async with joined(region, tmp_path, seen) as (provider, reader):
            await publish_entry(provider, entry())
            await asyncio.to_thread(region.until, lambda: region.found(RESOURCE))
            await sent(seen[READER], reader, PROVIDER, application())
            await sent(seen[PROVIDER], provider, READER, answer())
            await sent(seen[PROVIDER], provider, READER, terms())
            await asyncio.to_thread(region.until, lambda: FEED in region.bindings(), 5)
            await sent(seen[PROVIDER], provider, READER, ended())
            await asyncio.to_thread(region.until, lambda: FEED not in region.bindings(), 1)


async def test_a_suspended_member_is_put_out(tmp_path: Path, broker: PrivateBroker) -> None:
    seen: dict[str, Seen] = {}
    with founded(tmp_path / "hub", broker) as region:
        await asyncio.to_thread(region.start)
        async with joined(region, tmp_path, seen) as (provider, reader):
            link = reader.wire.link
            assert link is not None
            with pytest.raises(BusForbidden):
                await link.publish("feeds", FEED, b"", mandatory=False, timeout_s=5)
            await asyncio.to_thread(region.call, "member.suspend", party=READER, reason="欠缺整改")
            await asyncio.to_thread(region.publish_next)
            await until(lambda: isinstance(reader.link_error, BusLoginRefused))
            assert reader.wire.link is None
            assert provider.wire.link is not None
            await asyncio.to_thread(region.call, "member.restore", party=READER, reason="已整改")
            await asyncio.to_thread(region.publish_next)
            await until(lambda: reader.wire.link is not None)
            await until(lambda: reader.parts.trust.current.directory_version == 4)
            members = (await asyncio.to_thread(region.call, "member.list"))["members"]
            assert {m["party"]: m["status"] for m in members} == dict.fromkeys(
                (HUB, PROVIDER, READER), "active"
            )
        assert await asyncio.to_thread(region.stop_by_control) == 0
