"""A station as a process of its own, where its surroundings are wrong: it does not start, or it
waits, and says what to do in the operator's language, the code with it."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ortoo_demo.pki import DemoAuthority
from ortoo_demo.private_broker import PrivateBroker
from ortoo_protocol.core.ids import Plane
from tests.support.daemons import (
    PASSPHRASE,
    Daemon,
    WallClock,
    Where,
    enrolled,
    fill_up,
    small_disk,
    write_settings,
)

PARTY = "s150700"
SETUP, REFUSED, UNREACHABLE, UNVERIFIED = 3, 4, 5, 6
Station = Callable[..., Daemon]


@pytest.fixture
def station(tmp_path: Path, broker_authority: DemoAuthority) -> Iterator[Station]:
    """Makes stations that end with the test. By default nobody is at the broker's address."""
    made: list[Daemon] = []

    def make(name: str = "station", where: Where | None = None, **more: Plane) -> Daemon:
        nobody = Where(ca_file=broker_authority.ca_file)
        made.append(enrolled(tmp_path / name, where or nobody, **more))
        return made[-1]

    yield make
    for daemon in made:
        daemon.kill()


def at(broker: PrivateBroker, ca_file: Path | None = None) -> Where:
    return Where(broker.host, broker.amqps_port, "/", ca_file or broker.ca_file)


# --- does not start -----------------------------------------------------------------------------


def test_each_crossing_of_planes_is_refused_in_its_own_words(
    station: Station, broker_authority: DemoAuthority
) -> None:
    outside = station("outside")
    outside.start()
    assert outside.stop() == 0
    inside = station("inside", plane=Plane.INTRANET)

    where = Where(ca_file=broker_authority.ca_file)
    write_settings(outside.folder, PARTY, Plane.INTRANET, where)
    code, said = outside.refused()
    assert code == SETUP
    assert "代码：keys.plane" in said
    assert "属于外网" in said

    shutil.copy(outside.folder / "store.sqlite", inside.folder / "store.sqlite")
    code, said = inside.refused()
    assert code == SETUP
    assert "代码：store.plane" in said
    assert "外网" in said
    assert "一个进程只服务一个平面" in said

    (inside.folder / "store.sqlite").unlink()
    for name in ("welcome", "root.fingerprint"):
        shutil.copy(outside.folder / "trust" / name, inside.folder / "trust" / name)
    code, said = inside.refused()
    assert code == UNVERIFIED
    assert "代码：trust.plane" in said
    assert not (inside.folder / "control.sock").exists()


def test_the_broker_of_another_plane(
    tmp_path: Path, station: Station, broker: PrivateBroker
) -> None:
    """Every plane has an authority of its own."""
    other = DemoAuthority.create(tmp_path / "other", "Authority of the intranet")
    code, said = station(where=at(broker, other.ca_file), plane=Plane.INTRANET).refused()
    assert code == UNVERIFIED
    assert "代码：bus.tls-authority" in said
    assert "ca_file" in said


def test_a_folder_that_cannot_be_written(tmp_path: Path, station: Station) -> None:
    made = station()
    with small_disk(tmp_path / "disk", 8) as disk:
        shutil.copytree(made.folder, disk / "station")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        code, said = Daemon(disk / "station").refused()
        assert code == SETUP
        assert "代码：store.read-only" in said
        doctor = Daemon(disk / "station").cli("doctor")
        assert doctor.returncode == SETUP
        assert "代码：store.read-only" in doctor.stdout + doctor.stderr


def test_a_disk_that_is_full_from_the_beginning(tmp_path: Path, station: Station) -> None:
    made = station()
    with small_disk(tmp_path / "disk", 8) as disk:
        shutil.copytree(made.folder, disk / "station")
        filler = fill_up(disk)
        daemon = Daemon(disk / "station")
        code, said = daemon.refused()
        assert code == SETUP
        assert "代码：store.full" in said
        assert "腾出空间" in said
        filler.unlink()
        daemon.start()
        assert daemon.stop() == 0


def test_two_on_one_folder(station: Station) -> None:
    first = station()
    first.start()
    code, said = first.refused()
    assert code == SETUP
    assert "代码：store.busy" in said
    assert str(first.pid) in said
    assert first.call("status")["pid"] == first.pid
    assert first.stop() == 0


# --- waits --------------------------------------------------------------------------------------


def test_a_broker_that_is_away(station: Station) -> None:
    daemon = station()
    daemon.start()
    daemon.until(lambda: "bus.unreachable" in daemon.warnings())
    assert daemon.doctor()["broker"] == ["bus.unreachable"]
    assert not daemon.call("status")["broker"]["connected"]
    shown = daemon.cli("status").stdout
    assert "[bus.unreachable]" in shown
    doctor = daemon.cli("doctor")
    assert doctor.returncode == UNREACHABLE
    assert "代码：bus.unreachable" in doctor.stdout + doctor.stderr
    assert daemon.stop() == 0


def test_a_broker_that_swallows_everything(
    station: Station, broker_authority: DemoAuthority
) -> None:
    """Accepts connections and never answers: neither the start nor the end hangs."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        daemon = station(where=Where(port=port, ca_file=broker_authority.ca_file))
        daemon.start()
        daemon.until(lambda: "bus.unreachable" in daemon.warnings())
        assert daemon.stop() == 0


def test_a_wrong_password(station: Station, broker: PrivateBroker) -> None:
    where = at(broker)
    daemon = station(where=where)
    daemon.start("--log-level", "debug")
    daemon.until(lambda: "bus.login" in daemon.warnings())
    assert daemon.doctor()["broker"] == ["bus.login"]
    doctor = daemon.cli("doctor")
    assert doctor.returncode == REFUSED
    assert "password_file" in doctor.stdout
    assert daemon.cli("stop").returncode == 0
    assert daemon.ended() == 0
    written = daemon.log() + (daemon.folder / "log" / "ortoo.log").read_text(encoding="utf-8")
    assert "[bus.login]" in written
    for secret in (where.password, PASSPHRASE):
        assert secret not in written


def test_a_directory_that_expired(tmp_path: Path, station: Station) -> None:
    daemon, wall = station(), WallClock(tmp_path / "clock")
    daemon.prelude = wall.prelude
    daemon.start()
    daemon.until(lambda: "trust.expired" not in daemon.warnings())
    wall.set(46 * 86_400)
    daemon.until(lambda: "trust.expired" in daemon.warnings())
    assert "trust.expired" in daemon.doctor()["directory"]
    said = daemon.cli("doctor")
    assert said.returncode != 0
    assert "请先核对本机日期；若无误，应由登记管理员签署新版" in said.stdout
    wall.set(0)
    daemon.until(lambda: "trust.expired" not in daemon.warnings())
    assert daemon.stop() == 0


def test_a_machine_whose_clock_fell_back(tmp_path: Path, station: Station) -> None:
    daemon, wall = station(), WallClock(tmp_path / "clock")
    daemon.prelude = wall.prelude
    daemon.start()
    assert "trust.clock" not in daemon.warnings()
    wall.set(-7_200)
    daemon.until(lambda: "trust.clock" in daemon.warnings())
    assert daemon.doctor()["clock"] == ["trust.clock"]
    said = daemon.cli("doctor")
    assert said.returncode != 0
    assert "代码：trust.clock" in said.stdout
    assert "timedatectl" in said.stdout
    assert daemon.stop() == 0
    daemon.start()  # what it knew is in its store
    assert "trust.clock" in daemon.warnings()
    wall.set(0)
    daemon.until(lambda: "trust.clock" not in daemon.warnings())
    assert daemon.stop() == 0


# --- ends ---------------------------------------------------------------------------------------


def test_a_killed_one_leaves_nothing_in_the_way(station: Station) -> None:
    daemon = station()
    daemon.start()
    daemon.kill()
    assert (daemon.folder / "control.sock").exists()
    asked = daemon.cli("status")
    assert asked.returncode == UNREACHABLE
    assert "代码：daemon.unreachable" in asked.stderr
    daemon.start()
    assert daemon.call("journal.verify")["size"] >= 0
    assert daemon.stop() == 0
    assert not (daemon.folder / "control.sock").exists()


def test_a_defect_in_one_loop_ends_the_whole_process(station: Station) -> None:
    """Alive and idle would be worse: nobody restarts what seems to run."""
    daemon = station()
    daemon.prelude = """
from ortoo_protocol.station import feed_writer
def broken(tx):
    raise ZeroDivisionError("a defect")
feed_writer.post_heads = broken
"""
    daemon.start()
    assert daemon.ended() == 1
    kept = (daemon.folder / "log" / "ortoo.log").read_text(encoding="utf-8")
    for written in (daemon.log(), kept):
        assert "CRITICAL" in written
        assert "[ortoo]" in written
        assert "ZeroDivisionError: a defect" in written
    assert not (daemon.folder / "control.sock").exists()


@pytest.mark.parametrize("where", ["before_commit", "after_commit_run"])
def test_a_defect_in_the_writer_ends_the_whole_process(station: Station, where: str) -> None:
    """Its thread must not die alone and leave everybody waiting for it."""
    daemon = station()
    daemon.prelude = f"""
from ortoo_protocol.station.context import Tx
right, calls = Tx.{where}, []
def broken(self):
    calls.append(1)
    if len(calls) > 8:
        raise ZeroDivisionError("a defect")
    right(self)
Tx.{where} = broken
"""
    daemon.start()
    assert daemon.ended() == 1
    assert "ZeroDivisionError: a defect" in daemon.log()


def test_a_thread_that_hangs_does_not_keep_it_alive(station: Station) -> None:
    daemon = station()
    daemon.prelude = """
import asyncio, time
from ortoo_node.app import NodeApp
from ortoo_protocol.station import launch
launch.END_S = 1.0
async def hangs(self):
    await asyncio.to_thread(time.sleep, 600)
NodeApp.expiry = hangs
"""
    daemon.start()
    begun = time.monotonic()
    daemon.signal(signal.SIGTERM)
    assert daemon.ended() == 1
    assert time.monotonic() - begun < 5
    assert "[daemon.silent]" in daemon.log()


def test_an_impatient_operator(station: Station) -> None:
    daemon = station()
    daemon.start()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGTERM):
        daemon.signal(number)
    assert daemon.ended() == 0
