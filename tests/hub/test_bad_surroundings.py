"""A hub as a process of its own, where its surroundings are wrong."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ortoo_demo.private_broker import PrivateBroker
from ortoo_protocol.core.errors import StoreFull
from tests.support.daemons import Daemon, WallClock, fill_up, small_disk
from tests.support.founded import Founded, founded

SETUP = 3


@pytest.fixture
def region(tmp_path: Path, broker: PrivateBroker) -> Iterator[Founded]:
    with founded(tmp_path / "hub", broker) as region:
        yield region


@pytest.fixture
def hub(region: Founded) -> Iterator[Daemon]:
    daemon = Daemon(region.folder, "ortoo_hub")
    yield daemon
    daemon.kill()


def settings(hub: Daemon, pattern: str, value: str) -> None:
    file = hub.folder / "station.toml"
    text, count = re.subn(pattern, value, file.read_text(encoding="utf-8"))
    assert count
    file.write_text(text, encoding="utf-8")


def test_another_plane_is_refused(hub: Daemon, tmp_path: Path) -> None:
    hub.start()
    code, said = hub.refused()
    assert code == SETUP
    assert "代码：store.busy" in said
    assert str(hub.pid) in said
    assert hub.cli("stop").returncode == 0
    assert hub.ended() == 0
    settings(hub, 'plane = "extranet"', 'plane = "intranet"')
    code, said = hub.refused()
    assert code == SETUP
    assert "代码：keys.plane" in said


def test_a_broker_that_is_away_and_a_wrong_password_are_waited_for(
    hub: Daemon, region: Founded
) -> None:
    settings(hub, f"port = {region.broker.amqps_port}", "port = 1")
    settings(hub, f"port = {region.broker.management_port}", "port = 1")
    hub.start()
    hub.until(lambda: "bus.unreachable" in hub.warnings())
    found = hub.doctor()
    assert found["broker"] == ["bus.unreachable"]
    assert found["management"] == ["broker.admin-unreachable"]
    assert hub.stop() == 0

    settings(hub, "(host = .*\n)port = 1", rf"\g<1>port = {region.broker.management_port}")
    secret = "not the password of this administrator"
    password = hub.folder / "keys" / "management.password"
    password.write_text(f"{secret}\n", encoding="ascii")
    hub.start("--log-level", "debug")
    hub.until(lambda: hub.doctor()["management"] == ["broker.admin-login"])
    assert hub.stop() == 0
    written = hub.log() + (hub.folder / "log" / "ortoo.log").read_text(encoding="utf-8")
    passphrase = (hub.folder / "keys" / "passphrase").read_text(encoding="ascii").strip()
    for unspeakable in (secret, passphrase, "the hub's own password"):
        assert unspeakable not in written


def test_a_full_disk(region: Founded, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        shutil.copytree(region.folder, disk / "hub")
        hub = Daemon(disk / "hub", "ortoo_hub")
        try:
            hub.start()
            hub.until(lambda: hub.call("status")["broker"]["connected"])
            filler = fill_up(disk)
            with pytest.raises(StoreFull):
                ask_until_refused(hub)
            assert "store.full" in hub.warnings()
            assert hub.doctor()["disk"] == ["store.full"]
            assert "代码：store.full" in hub.cli("doctor").stdout
            filler.unlink()
            hub.call("member.token", party="s150200")
            assert "store.full" not in hub.warnings()
            assert hub.call("journal.verify")["size"] >= 0
            assert hub.stop() == 0
        finally:
            hub.kill()


def ask_until_refused(hub: Daemon) -> None:
    while True:
        hub.call("member.token", party="s150700")


def test_a_folder_that_cannot_be_written(region: Founded, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        shutil.copytree(region.folder, disk / "hub")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        code, said = Daemon(disk / "hub", "ortoo_hub").refused()
        assert code == SETUP
        assert "代码：store.read-only" in said


def test_a_directory_that_expired_does_not_keep_it_from_running(
    hub: Daemon, tmp_path: Path
) -> None:
    """People publish the next one here."""
    wall = WallClock(tmp_path / "clock")
    hub.prelude = wall.prelude
    hub.start()
    assert hub.stop() == 0
    wall.set(46 * 86_400)
    hub.start()
    hub.until(lambda: "trust.expired" in hub.warnings())
    assert "trust.expired" in hub.doctor()["directory"]
    assert "请先核对本机日期" in hub.cli("doctor").stdout
    assert hub.call("directory.propose")["version"] == 2
    assert hub.stop() == 0


def test_a_hub_whose_clock_fell_back_signs_nothing(hub: Daemon, tmp_path: Path) -> None:
    wall = WallClock(tmp_path / "clock")
    hub.prelude = wall.prelude
    hub.start()
    assert hub.stop() == 0
    wall.set(-7_200)
    hub.start()
    hub.until(lambda: "trust.clock" in hub.warnings())
    assert hub.doctor()["clock"] == ["trust.clock"]
    wall.set(0)
    hub.until(lambda: "trust.clock" not in hub.warnings())
    assert hub.stop() == 0


def test_a_defect_in_one_loop_ends_the_whole_process(hub: Daemon) -> None:
    hub.prelude = """
from ortoo_hub.router import Router
async def broken(self):
    raise ZeroDivisionError("a defect")
Router.run = broken
"""
    hub.begin()
    assert hub.ended() == 1
    kept = (hub.folder / "log" / "ortoo.log").read_text(encoding="utf-8")
    for written in (hub.log(), kept):
        assert "CRITICAL" in written
        assert "ZeroDivisionError: a defect" in written
