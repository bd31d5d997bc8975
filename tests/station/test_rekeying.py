"""What the directory says of a reader's station, and what the feeds that it reads do then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from unittest import mock

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from ortoo_protocol.core.directory import DAY_MS, Directory, PartyEntry, SigningKeyEntry
from ortoo_protocol.core.feeds import UPSERT, RowChange
from ortoo_protocol.station import feed_writer, inbox, rekeying, trusting
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import feed_readers
from tests.contracts.engine_feeds import key_letters, opens, raw_items
from tests.contracts.engine_rig import FEED, B, C, EngineRig, publish
from tests.contracts.memory_rig import MemoryRig
from tests.support.memory_sink import MemorySink
from tests.support.stations import until
from tests.support.trust import Region

CANARY = ("canary", "canary")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[EngineRig]:
    rig = EngineRig(tmp_path, Region(), MemoryRig())
    await rig.program()
    try:
        yield rig
    finally:
        await rig.end()


def next_directory(rig: EngineRig, station: Station, entry: PartyEntry) -> bytes:
    trust = station.parts.trust.current
    body = trust.directory_body
    assert body is not None
    parties = tuple(entry if each.party == entry.party else each for each in body.parties)
    newer: Directory = replace(
        body, version=body.version + 1, previous=trust.directory_hash, parties=parties
    )
    return rig.region.sign_directory(newer)


async def say(rig: EngineRig, entry: PartyEntry) -> None:
    """The next directory, with `entry` in it, reaches every station that runs."""
    stations = [station for station, _ in rig.running.values()]
    raw = next_directory(rig, stations[0], entry)
    for station in stations:
        await station.write(lambda tx: trusting.take(tx, [raw]))
        assert station.parts.trust.current.party(entry.party) == entry


def with_status(rig: EngineRig, status: str) -> PartyEntry:
    return replace(rig.region.entry(B), status=status, reason="for the test")


def compromised(rig: EngineRig) -> PartyEntry:
    """The key of B is in wrong hands; another one, not linked to it, is there."""
    entry = rig.region.entry(B)
    old = replace(entry.keys[0], compromised_since_ms=rig.region.now_ms - DAY_MS)
    new = SigningKeyEntry(
        suite=old.suite,
        public=rig.region.signer(f"{B} anew").public,
        from_ms=old.from_ms,
        until_ms=old.until_ms,
        link=b"",
        compromised_since_ms=None,
    )
    return replace(entry, keys=(old, new))


async def canary_of(provider: Station) -> tuple[int, bytes, bytes]:
    seq = await provider.write(publish(RowChange(UPSERT, CANARY)))
    (item,) = await raw_items(provider, seq)
    return item


async def exchange(rig: EngineRig) -> tuple[Station, Station, dict[str, MemorySink]]:
    provider, sinks = await rig.exchange(B, C, rows=5)
    return provider, rig.running[B][0], sinks


@pytest.mark.parametrize("how", ["suspended", "revoked", "compromised"])
async def test_what_comes_after_does_not_open(rig: EngineRig, how: str) -> None:
    provider, fallen, sinks = await exchange(rig)
    letters = await key_letters(provider, B)
    await say(rig, compromised(rig) if how == "compromised" else with_status(rig, how))
    canary = await canary_of(provider)
    await until(lambda: CANARY in sinks[C].rows)
    await fallen.write(lambda tx: inbox.accept(tx, canary[2]))  # whatever the broker does
    assert not await opens(fallen, *canary)
    assert await key_letters(provider, B) == letters


async def test_without_it_the_item_would_open(rig: EngineRig) -> None:
    provider, fallen, _ = await exchange(rig)
    with mock.patch.object(rekeying, "fell", return_value=False):
        await say(rig, with_status(rig, "suspended"))
    assert await opens(fallen, *await canary_of(provider))


async def test_a_station_that_is_back_reads_what_it_missed(rig: EngineRig) -> None:
    """Several epochs, of which it got none."""
    provider, _, sinks = await exchange(rig)
    await say(rig, with_status(rig, "suspended"))
    await canary_of(provider)
    for number in range(3):
        await provider.write(lambda tx: feed_writer.fresh_key(tx, FEED))
        await provider.write(publish(RowChange(UPSERT, (f"9{number}", "新"))))
    await until(lambda: ("92", "新") in sinks[C].rows)
    await say(rig, replace(rig.region.entry(B), since_ms=rig.region.now_ms))
    await until(lambda: sinks[B].rows == sinks[C].rows, 30)


async def test_a_revoked_station_is_fenced_for_good(rig: EngineRig) -> None:
    provider, _, _ = await exchange(rig)
    await say(rig, with_status(rig, "revoked"))
    canary = await canary_of(provider)
    fences = select(feed_readers.c.reader, feed_readers.c.fence).order_by(feed_readers.c.reader)
    found = await provider.read(lambda conn: {r.reader: r.fence for r in conn.execute(fences)})
    assert found == {B: canary[0] - 1, C: None}
    assert not await provider.write(lambda tx: feed_writer.may_read(tx, FEED, B, canary[0]))


async def test_a_compromised_station_gets_the_key_once_it_announced_anew(rig: EngineRig) -> None:
    provider, _, _ = await exchange(rig)
    await say(rig, compromised(rig))
    await canary_of(provider)
    letters = await key_letters(provider, B)
    announced = rig.region.announcement(B, number=2, epoch=2)
    raw = rig.region.sign_announcement(announced, by=f"{B} anew")
    await provider.write(lambda tx: trusting.take(tx, [raw]))
    await provider.write(give_newest)
    assert await key_letters(provider, B) > letters


def give_newest(tx: Tx) -> None:
    feed_writer.give_key(tx, FEED, B, feed_writer.feed_row(tx, FEED).epoch)


async def test_the_same_directory_again_changes_no_key(rig: EngineRig) -> None:
    provider, _, _ = await exchange(rig)
    await say(rig, with_status(rig, "suspended"))
    epoch = await provider.write(lambda tx: feed_writer.feed_row(tx, FEED).epoch)
    await say(rig, replace(with_status(rig, "suspended"), name="又名"))
    assert await provider.write(lambda tx: feed_writer.feed_row(tx, FEED).epoch) == epoch
