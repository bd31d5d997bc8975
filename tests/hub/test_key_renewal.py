"""Encryption keys are renewed before they end, and what is sealed to either is read."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from ortoo_protocol.core.errors import KeyFilePassphrase
from ortoo_protocol.station.keyfile import KeyFile, WrapSeed
from ortoo_protocol.station.own_keys import OwnKeys, tell_hub
from ortoo_protocol.station.settings import KeysTable, Settings, StationTable
from ortoo_protocol.station.station import Station
from tests.support.hubs import PROVIDER, READER, HubKit, application, entry
from tests.support.stations import until
from tests.support.trust import seeded

DAY_MS = 86_400_000


def key_file(kit: HubKit, party: str) -> Settings:
    """As it stands beside a station that enrolled when the region began."""
    region, folder = kit.region, kit.folder / party
    folder.mkdir(exist_ok=True)
    passphrase = folder / "passphrase"
    passphrase.write_text("a passphrase\n")
    passphrase.chmod(0o600)
    began_ms = region.now_ms
    wrap = WrapSeed(began_ms, began_ms + 60 * DAY_MS, region.wrap_seed(party))
    keys = KeyFile.create(
        plane=region.plane, party=party, role="station", suite=region.suite,
        rand=seeded(party), now_ms=began_ms,
    )  # fmt: skip
    keys = replace(keys, signing_seed=region.seed(party), wraps=(wrap,))
    keys.save(folder / "station.key", "a passphrase", rand=seeded("file"))
    return Settings(
        station=StationTable(party=party, plane=region.plane, folder=folder),
        keys=KeysTable(file=folder / "station.key", passphrase_file=passphrase),
    )


def own(kit: HubKit, station: Station, settings: Settings) -> OwnKeys:
    return OwnKeys(station, settings, kit.region.suites, tell_hub)


def announced(station: Station, party: str) -> int:
    """How many encryption keys of `party` this one knows."""
    return len(station.parts.trust.current.wrap_keys(party))


async def test_a_key_that_ends_soon_is_followed_by_another_that_all_learn_of(
    tmp_path: Path,
) -> None:
    kit = HubKit(tmp_path)
    kit.offset_ms += 31 * DAY_MS
    provider, reader = kit.station(PROVIDER), kit.station(READER)
    settings = key_file(kit, PROVIDER)
    keys = own(kit, provider, settings)
    async with kit.hub_running(kit.hub(), provider, reader) as running:
        before = set(provider.parts.identity.wrap_seeds)
        assert await keys.renew()
        assert before < set(provider.parts.identity.wrap_seeds)
        assert not await keys.renew(), "announced, though it has not come back yet"
        await until(lambda: announced(reader, PROVIDER) == 2)
        await until(lambda: announced(provider, PROVIDER) == 2)
        assert not await own(kit, provider, settings).renew(), "another process sees it is done"
        chosen = reader.parts.trust.current.recipient(PROVIDER, kit.clock())
        assert chosen.key_id not in before, "the newest is used"
        await running.listed(provider, entry())
        assert await running.sent(reader, PROVIDER, application()) == ("accepted", "")


async def test_a_key_with_time_left_stays_alone(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    kit.offset_ms += 29 * DAY_MS
    station, settings = kit.station(PROVIDER), key_file(kit, PROVIDER)
    content = settings.keys.file.read_bytes()
    assert not await own(kit, station, settings).renew()
    assert settings.keys.file.read_bytes() == content
    await station.close()


async def test_a_key_that_was_saved_and_not_announced_is_announced_not_replaced(
    tmp_path: Path,
) -> None:
    """The process ended in between."""
    kit = HubKit(tmp_path)
    kit.offset_ms += 31 * DAY_MS
    station, settings = kit.station(PROVIDER), key_file(kit, PROVIDER)

    def dies(*_: object) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        await OwnKeys(station, settings, kit.region.suites, dies).renew()
    saved = settings.keys.file.read_bytes()
    assert await own(kit, station, settings).renew()
    assert settings.keys.file.read_bytes() == saved
    await station.close()


async def test_a_passphrase_that_no_longer_fits_is_said_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kit = HubKit(tmp_path)
    kit.offset_ms += 31 * DAY_MS
    station, settings = kit.station(PROVIDER), key_file(kit, PROVIDER)
    settings.keys.passphrase_file.write_text("another\n")
    with pytest.raises(KeyFilePassphrase):
        await own(kit, station, settings).renew()

    watching = asyncio.create_task(own(kit, station, settings).watch())
    await until(lambda: "the encryption key cannot be renewed" in caplog.text)
    assert not watching.done(), "it looks again later"
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await station.close()
