"""A file of 2 GiB between two stations: processes of their own, a real TLS broker, a hub.

Both sides are killed in the middle, letters go on meanwhile, memory stays bounded, and the file is
there whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ortoo_demo.private_broker import PrivateBroker
from ortoo_protocol.core.errors import GrantUnknown
from tests.node.kit import FORM, PEOPLE, entry
from tests.support.daemons import Daemon, joined
from tests.support.founded import Founded, founded
from tests.support.trust import DEPARTMENTS

PROVIDER, READER = "s150700", "s150200"
FILES, TABLE = "3070101/0001", "3070101/0002"
SIZE = 2 << 30
RSS_MIB = 150
LETTER_S = 1.0
NAME = "影像/全市.tif"


@pytest.fixture
def pair(tmp_path: Path, broker: PrivateBroker) -> Iterator[tuple[Daemon, Daemon]]:
    daemons: list[Daemon] = []
    with founded(tmp_path / "hub", broker) as region:
        region.start()
        try:
            for party in (PROVIDER, READER):
                daemons.append(_station(tmp_path / party, region, party))
                daemons[-1].start()
            yield daemons[0], daemons[1]
        finally:
            for daemon in daemons:
                daemon.kill()


def _station(folder: Path, region: Founded, party: str) -> Daemon:
    daemon = joined(folder, region, party)
    front = folder / "front"
    for part in ("in", "out"):
        (front / part).mkdir(parents=True)
    with (folder / "station.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'[[folders]]\nname = "front-end"\npath = "{front}"\nsettle_s = 0\n')
    return daemon


def _write(path: Path) -> str:
    """Noise that no window of a compressor sees twice."""
    block = 1 << 20
    noise = os.urandom(64 * block)
    digest = hashlib.sha256()
    path.parent.mkdir()
    with path.open("wb") as file:
        for number in range(SIZE // block):
            at = number % 64 * block
            piece = number.to_bytes(8, "big") + noise[at + 8 : at + block]
            file.write(piece)
            digest.update(piece)
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _forget_peak(daemon: Daemon) -> None:
    """At its start a station stretches its passphrase, for which it takes 64 MiB."""
    Path(f"/proc/{daemon.pid}/clear_refs").write_text("5", encoding="ascii")


def _peak_mib(daemon: Daemon) -> float:
    for line in Path(f"/proc/{daemon.pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no such process")


def _transfer(reader: Daemon) -> dict[str, Any]:
    (one,) = reader.call("file.transfers")["transfers"]
    return dict(one)


def _granted(provider: Daemon, reader: Daemon) -> None:
    """The reader's department applies for the files, the provider's people grant them."""
    files = entry(PROVIDER, FILES, share_type=2, feed=f"{PROVIDER}.images", files=True)
    del files["items"]
    provider.call("catalog.add", entry=files)
    provider.call("publish", resource=FILES, source="front-end", table="**/*")
    provider.call("catalog.add", entry=entry(PROVIDER, TABLE, share_type=2))

    def seen() -> bool:
        codes = {one["code"] for one in reader.call("catalog.list")["entries"]}
        return {FILES, TABLE} <= codes

    reader.until(seen)
    applied = reader.call(
        "request.apply", resource=FILES, department=DEPARTMENTS[READER][0], **FORM
    )
    provider.until(lambda: provider.call("request.list")["cases"])
    provider.call("request.grant", case=applied["case"], items=[], **PEOPLE)

    def granted() -> bool:
        cases = reader.call("request.list")["cases"]
        return [one["state"] for one in cases] == ["granted"]

    reader.until(granted)


def _listed(reader: Daemon) -> bool:
    """The answer may be here before the grant that it speaks of."""
    with suppress(GrantUnknown):
        return NAME in {
            one["name"]
            for one in reader.call("file.list", resource=FILES, purpose=FORM["purpose"])["files"]
        }
    return False


def _letter_s(provider: Daemon, reader: Daemon) -> float:
    """From an application at the reader until it can be seen at its provider, by way of the hub."""
    begun = time.monotonic()
    applied = reader.call(
        "request.apply", resource=TABLE, department=DEPARTMENTS[READER][0], **FORM
    )

    def there() -> bool:
        return applied["case"] in {one["case"] for one in provider.call("request.list")["cases"]}

    provider.until(there)
    return time.monotonic() - begun


@pytest.mark.timeout(900)
def test_two_gibibytes_through_kills_of_both_sides(
    pair: tuple[Daemon, Daemon], tmp_path: Path
) -> None:
    provider, reader = pair
    digest = _write(provider.folder / "front" / "in" / NAME)
    _granted(provider, reader)
    target = tmp_path / "taken.tif"
    _forget_peak(reader)
    _forget_peak(provider)
    begun = time.monotonic()
    reader.until(lambda: _listed(reader))
    reader.call("file.get", resource=FILES, name=NAME, to=str(target), purpose=FORM["purpose"])

    def came(part: float) -> None:
        def enough() -> bool:
            return bool(_transfer(reader)["done_bytes"] >= SIZE * part)

        reader.until(enough, within_s=240)

    came(0.1)
    letters = [_letter_s(provider, reader) for _ in range(5)]
    peaks = [_peak_mib(reader), _peak_mib(provider)]
    before = 0
    for part in (0.3, 0.4):  # in the midst of taking it up, too
        came(part)
        reader.kill()
        assert _noted(reader, target) > before
        before = _noted(reader, target)
        reader.start()
        _forget_peak(reader)
        assert _transfer(reader)["state"] == "running"
    for part in (0.6, 0.7):
        came(part)
        provider.kill()
        assert not target.exists()
        provider.start()
        _forget_peak(provider)
    reader.until(lambda: _transfer(reader)["state"] == "done", within_s=300)
    seconds = time.monotonic() - begun
    peaks += [_peak_mib(reader), _peak_mib(provider)]
    assert _sha256(target) == digest
    assert not list(tmp_path.glob(".*.part"))
    print(f"{SIZE / seconds / 1e6:.0f} MB/s with kills; {peaks=} MiB; {letters=} s")
    assert max(peaks) <= RSS_MIB
    assert statistics.median(letters) <= LETTER_S


def _noted(reader: Daemon, target: Path) -> int:
    """How much of the file outlived the kill."""
    assert not target.exists()
    (part,) = target.parent.glob(".*.part")
    return part.stat().st_size
