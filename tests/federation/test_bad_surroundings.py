"""Stations and a hub as processes on a real broker: nothing is lost while a disk is full or a clock
is wrong, and it goes on by itself afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ortoo_demo.private_broker import PrivateBroker
from ortoo_protocol.core.errors import StoreFull, TrustClock
from tests.node.kit import entry
from tests.support.daemons import Daemon, WallClock, fill_up, joined, small_disk
from tests.support.founded import Founded, founded


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory, broker: PrivateBroker) -> Iterator[Founded]:
    """A hub that runs. Each test admits a station of its own."""
    with founded(tmp_path_factory.mktemp("region") / "hub", broker) as region:
        region.start()
        yield region


@pytest.fixture
def started() -> Iterator[list[Daemon]]:
    daemons: list[Daemon] = []
    yield daemons
    for daemon in daemons:
        daemon.kill()


def add_until_refused(daemon: Daemon, party: str) -> None:
    """What the write-ahead log has reserved still takes some."""
    while True:
        daemon.call("catalog.add", entry=entry(party, "150700/002", feed=f"{party}.second"))


def linked(daemon: Daemon) -> Any:
    return daemon.call("status")["broker"]["connected"]


def current(daemon: Daemon, region: Founded) -> bool:
    """Whether it has the hub's newest directory."""
    newest = region.call("directory.show")["version"]
    return bool(daemon.call("status")["directory"]["version"] == newest)


def test_a_full_disk(region: Founded, tmp_path: Path, started: list[Daemon]) -> None:
    party = "s150700"
    with small_disk(tmp_path / "disk", 8) as disk:
        daemon = joined(disk / "station", region, party)
        started.append(daemon)
        daemon.start()
        daemon.until(lambda: linked(daemon) and current(daemon, region))
        daemon.call("catalog.add", entry=entry(party, "150700/001"))
        filler = fill_up(disk)
        fill_up(disk)

        with pytest.raises(StoreFull):
            add_until_refused(daemon, party)
        assert "store.full" in daemon.warnings()
        assert daemon.doctor()["disk"] == ["store.full"]
        said = daemon.cli("doctor")
        assert said.returncode == 3
        assert "代码：store.full" in said.stdout
        assert "请腾出空间；系统会自动继续" in said.stdout
        region.publish_next()
        daemon.until(lambda: "[store.full]" in daemon.log())
        assert not current(daemon, region)

        filler.unlink()
        daemon.until(lambda: current(daemon, region))
        daemon.until(lambda: "store.full" not in daemon.warnings())
        daemon.call("catalog.add", entry=entry(party, "150700/003", feed=f"{party}.third"))
        region.until(lambda: region.found("150700/003") and region.found("150700/001"))
        assert daemon.call("journal.verify")["size"] > 0
        assert daemon.call("status")["quarantine"] == 0
        assert daemon.stop() == 0


@pytest.mark.parametrize(("party", "wrong_s"), [("s150200", -7_200), ("s152900", 7_200)])
def test_a_clock_off_by_two_hours(
    region: Founded, tmp_path: Path, started: list[Daemon], party: str, wrong_s: int
) -> None:
    """Behind shows by the hub's times, ahead by its answers."""
    code, wall = f"{party[1:]}/001", WallClock(tmp_path / "clock")
    daemon = joined(tmp_path / "station", region, party)
    daemon.prelude = wall.prelude
    started.append(daemon)
    daemon.start()
    daemon.until(lambda: linked(daemon) and current(daemon, region))
    assert "trust.clock" not in daemon.warnings()

    wall.set(wrong_s)
    daemon.until(lambda: "the clock was set by" in daemon.log())
    daemon.until(lambda: "trust.clock" in daemon.warnings())
    assert daemon.doctor()["clock"] == ["trust.clock"]
    with pytest.raises(TrustClock):
        daemon.call("catalog.add", entry=entry(party, code))
    said = daemon.cli("doctor")
    assert "代码：trust.clock" in said.stdout
    assert "暂停签名" in said.stdout
    region.publish_next()  # what comes meanwhile waits
    daemon.until(lambda: "trust.clock" in daemon.warnings())
    assert "trust.clock" not in [each["code"] for each in region.status()["warnings"]]

    wall.set(0)
    daemon.until(lambda: "trust.clock" not in daemon.warnings())
    daemon.until(lambda: current(daemon, region))
    daemon.call("catalog.add", entry=entry(party, code))
    region.until(lambda: region.found(code))
    assert daemon.stop() == 0
