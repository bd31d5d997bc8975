"""Whether exchange would work: each thing that keeps it from working shows, with its code."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as of_struct

from ortoo_protocol.core.directory import DAY_MS
from ortoo_protocol.core.errors import StoreFull
from ortoo_protocol.station import disk, health
from ortoo_protocol.station.common_methods import CommonMethods
from ortoo_protocol.station.health import Health
from ortoo_protocol.station.settings import BrokerTable, Settings, StationTable
from ortoo_protocol.station.station import Station
from tests.support.stations import Kit, publish_row, until
from tests.support.trust import HUB

PARTY = "s150700"


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


@pytest.fixture
async def station(kit: Kit) -> AsyncIterator[Station]:
    made = kit.open(PARTY)
    async with kit.running(made):
        yield made


def health_of(kit: Kit, station: Station) -> Health:
    return Health(station, settings_of(kit))


def settings_of(kit: Kit) -> Settings:
    table = StationTable(party=PARTY, plane=kit.region.plane, folder=kit.folder / PARTY)
    return Settings(station=table, broker=BrokerTable(host="broker.example"))


def stops(seen: Health) -> set[str]:
    return {each.error.code for each in seen.problems() if each.stops and each.error is not None}


def codes(seen: Health) -> set[str]:
    return {each.error.code for each in seen.problems() if each.error is not None}


async def test_all_is_well(kit: Kit, station: Station) -> None:
    seen = health_of(kit, station)
    assert seen.problems() == []
    assert {each.check for each in seen.look()} == {
        health.SIGN,
        health.WRAP,
        "standing",
        "directory",
        "broker",
        "store",
        "disk",
        "clock",
    }


async def test_doctor_finds_the_same(kit: Kit, station: Station) -> None:
    station.parts.trust.current = replace(station.parts.trust.current, _announced={})
    found = (await CommonMethods(station, settings_of(kit), "test", 1).doctor())["findings"]
    bad = [(each["check"], each["error"]["code"]) for each in found if each["error"]]
    assert bad == [(health.WRAP, "keys.wrap-missing")]


def suspend(kit: Kit, station: Station) -> None:
    """What the registrars publish reaches the station."""
    trust = station.parts.trust.current
    body = trust.directory_body
    assert body is not None
    entries = tuple(
        of_struct(entry, status="suspended", reason="for the test")
        if entry.party == PARTY
        else entry
        for entry in body.parties
    )
    newer = of_struct(
        body, version=body.version + 1, previous=trust.directory_hash, parties=entries
    )
    raw = kit.region.sign_directory(newer)
    station.parts.trust.current = trust.with_directory(raw, kit.region.now_ms)


async def test_suspended_by_the_registrars(kit: Kit, station: Station) -> None:
    suspend(kit, station)
    assert "trust.standing" in stops(health_of(kit, station))


async def test_keys_that_end(kit: Kit, station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = health_of(kit, station)
    trust = station.parts.trust.current
    ends_ms = min(key.until_ms for key in trust.wrap_keys(PARTY))
    now_ms = ends_ms - health.WARN_WRAP_MS + 1
    later = replace(station.parts, clock=lambda: now_ms)
    monkeypatch.setattr(station, "parts", later)
    assert "keys.expiring" in codes(seen) - stops(seen)
    now_ms = ends_ms
    assert "keys.wrap-missing" in stops(seen)
    assert health.WRAP not in seen.key_ends_ms()


async def test_a_key_that_the_directory_does_not_hold(kit: Kit, station: Station) -> None:
    identity = replace(station.parts.identity, signing_key_id=b"\0" * 16, wrap_seeds={})
    station.parts = replace(station.parts, identity=identity)
    assert stops(health_of(kit, station)) == {"trust.key", "keys.wrap-missing"}


async def test_an_expired_directory(
    kit: Kit, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = station.parts.trust.current.directory_body
    assert body is not None
    later = replace(station.parts, clock=lambda: body.expires_ms)
    monkeypatch.setattr(station, "parts", later)
    seen = health_of(kit, station)
    assert "trust.expired" in stops(seen)
    assert len([one for one in seen.problems() if one.check == "directory" and one.stops]) == 1


async def test_a_stale_timestamp_lets_exchange_go_on(
    kit: Kit, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = station.parts.trust.current.timestamp_ms + DAY_MS
    monkeypatch.setattr(station, "parts", replace(station.parts, clock=lambda: now_ms))
    seen = health_of(kit, station)
    assert "trust.stale" in codes(seen)
    assert "trust.stale" not in stops(seen)


async def test_a_disk_that_is_low_and_one_that_is_full(
    kit: Kit, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = health_of(kit, station)
    monkeypatch.setattr(disk, "LOW_BYTES", 1 << 60)
    assert codes(seen) == {"store.low"}
    assert stops(seen) == set()
    monkeypatch.setattr(disk, "FULL_BYTES", 1 << 60)
    assert stops(seen) == {"store.full"}


async def test_a_store_that_could_not_keep_the_last_write(kit: Kit, station: Station) -> None:
    station.database.trouble = StoreFull(path=station.database.path)
    assert stops(health_of(kit, station)) == {"store.full"}


async def test_no_link_and_a_blocked_one(kit: Kit, station: Station) -> None:
    seen = health_of(kit, station)
    kit.broker.set_alarm(True)  # which the broker says to who publishes
    await station.write(lambda tx: publish_row(tx, f"{PARTY}.townships"))
    await until(lambda: station.wire.link is not None and station.wire.link.blocked())
    assert stops(seen) == {"bus.blocked"}
    kit.broker.set_alarm(False)
    link, station.wire.link = station.wire.link, None
    assert stops(seen) == {"bus.unreachable"}
    station.wire.link = link


async def test_a_clock_that_is_wrong(kit: Kit, station: Station) -> None:
    station.parts.watch.heard(HUB, kit.clock() + DAY_MS)
    assert "trust.clock" in stops(health_of(kit, station))


async def test_it_is_quick(kit: Kit, station: Station) -> None:
    seen, took = health_of(kit, station), []
    for _ in range(20):
        began_s = time.perf_counter()
        seen.problems()
        took.append(time.perf_counter() - began_s)
    assert sorted(took)[10] < 0.02


async def test_a_check_says_since_when_it_stands_so(kit: Kit, station: Station) -> None:
    methods = CommonMethods(station, settings_of(kit), "test", 1)
    first = await methods.health_shown()
    assert first["ok"]
    assert {each["since_ms"] for each in first["checks"]} == {first["looking_since_ms"]}
    assert {each["use"] for each in first["figures"]["keys"]} == {health.SIGN, health.WRAP}
    assert first["figures"]["disk"]["free_bytes"] > 0
    assert first["figures"]["broker"] == {
        "address": "broker.example:5671",
        "connected": True,
        "blocked": False,
        "since_ms": station.linked_ms,
    }
    before = station.parts.trust.current
    station.parts.trust.current = replace(before, _announced={})
    kit.offset_ms += 60_000
    then = await methods.health_shown()
    (bad,) = [each for each in then["checks"] if each["error"]]
    assert bad["error"]["code"] == "keys.wrap-missing"
    assert (then["ok"], bad["stops"]) == (False, True)
    assert bad["since_ms"] == then["now_ms"]
    well = [each for each in then["checks"] if each["check"] == health.SIGN]
    assert well[0]["since_ms"] == first["looking_since_ms"]
    kit.offset_ms += 60_000
    still = await methods.health_shown()
    assert [e["since_ms"] for e in still["checks"] if e["error"]] == [bad["since_ms"]]
    station.parts.trust.current = before
    again = await methods.health_shown()
    mended = [each for each in again["checks"] if each["check"] == health.WRAP]
    assert mended[0]["since_ms"] == again["now_ms"]
