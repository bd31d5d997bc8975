"""Stations and hubs as processes of their own, with what goes wrong around them."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ortoo_node.settings import load as load_node
from ortoo_protocol.cli.setting_up import make_request
from ortoo_protocol.core.enrolment import open_welcome
from ortoo_protocol.core.errors import DaemonError
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import builtin_suites
from ortoo_protocol.station.control import call
from ortoo_protocol.station.keyfile import KeyFile
from ortoo_protocol.station.launch import clock
from ortoo_protocol.station.settings import write_secret
from tests.support.founded import Founded
from tests.support.trust import DEPARTMENTS
from tests.support.welcome import welcome_for

ROOT = Path(__file__).parents[2]
PASSPHRASE = "the passphrase that no log may show"
SUITES = builtin_suites()
# The wall clock of the process is wrong by as many seconds as the file says.
WRONG_CLOCK = """
import time
_right = time.time_ns
def _wrong():
    with open({file!r}) as file:
        return _right() + int(file.read() or 0) * 10**9
time.time_ns = _wrong
"""


@dataclass
class Where:
    """The broker that a station's settings name."""

    host: str = "127.0.0.1"
    port: int = 1
    vhost: str = "/"
    ca_file: Path = Path("no-ca.pem")
    password: str = "the password that no log may show"


@dataclass
class Daemon:
    """`ortoo-node` or `ortoo-hub` on `folder`. `prelude` is Python that runs before its main."""

    folder: Path
    package: str = "ortoo_node"
    prelude: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    # --- commands ---

    def command(self, *arguments: str) -> list[str]:
        main = f"{self.prelude}\nfrom {self.package}.cli import main\nmain()"
        return [sys.executable, "-c", main, "--config", str(self.folder), *arguments]

    def cli(self, *arguments: str, within_s: float = 30) -> subprocess.CompletedProcess[str]:
        """Run one command to its end, in Chinese as people see it."""
        return subprocess.run(
            self.command(*arguments),
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )

    def refused(self, within_s: float = 30) -> tuple[int, str]:
        """`run` that does not come to run: its exit code and what it said."""
        ran = self.cli("run", within_s=within_s)
        return ran.returncode, ran.stderr

    # --- the service ---

    def begin(self, *options: str) -> None:
        with (self.folder.parent / f"{self.folder.name}.stderr").open("ab") as log:
            self._process = subprocess.Popen(
                self.command("run", *options), env=_environment(), stdout=log, stderr=log
            )

    def start(self, *options: str) -> None:
        """Begin, and wait until it answers: how long that takes says what else the machine does."""
        self.begin(*options)
        self.until(lambda: bool(self.call("status")), within_s=90)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def ended(self, within_s: float = 30) -> int:
        """Wait for its end; the exit code."""
        assert self._process is not None
        return self._process.wait(within_s)

    def stop(self) -> int:
        """By SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return self.ended()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def call(self, method: str, **params: object) -> Any:
        return call(self.folder / "control.sock", method, params)

    def warnings(self) -> list[str]:
        return [one["code"] for one in self.call("status")["warnings"]]

    def doctor(self) -> dict[str, list[str]]:
        """Codes of what is wrong, by check."""
        found: dict[str, list[str]] = {}
        for one in self.call("doctor")["findings"]:
            if one["error"]:
                found.setdefault(one["check"], []).append(one["error"]["code"])
        return found

    def log(self) -> str:
        path = self.folder.parent / f"{self.folder.name}.stderr"
        return path.read_text(encoding="utf-8")

    def until(self, condition: Callable[[], object], within_s: float = 20) -> None:
        end = time.monotonic() + within_s
        while True:
            try:
                if condition():
                    return
            except DaemonError:
                pass
            assert self._process is not None
            assert self._process.poll() is None, self.log()[-3_000:]
            assert time.monotonic() < end, self.log()[-3_000:]
            time.sleep(0.02)


def _environment() -> Mapping[str, str]:
    paths = [str(ROOT / part) for part in ("protocol", "hub", "node", "deploy")]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORTOO_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "ORTOO_LANG": "zh_CN"}


# --- folders ------------------------------------------------------------------------------------


def write_settings(folder: Path, party: str, plane: Plane, where: Where) -> None:
    (folder / "station.toml").write_text(
        f"""
[station]
party = "{party}"
plane = "{plane.value}"
name = "{party} 站"
[broker]
host = "{where.host}"
port = {where.port}
vhost = "{where.vhost}"
ca_file = "{where.ca_file}"
connect_timeout_s = 3
[timing]
head_s = 0.5
gap_ask_s = 0.2
checkpoint_s = 0.5
retry_first_s = 0.2
reconnect_first_s = 0.1
reconnect_cap_s = 0.5
""",
        encoding="utf-8",
    )


def make_folder(folder: Path, party: str, plane: Plane, where: Where) -> Path:
    """As init leaves it, with the broker filled in."""
    (folder / "keys").mkdir(parents=True)
    (folder / "trust").mkdir()
    folder.chmod(0o750)
    write_secret(folder / "keys" / "passphrase", PASSPHRASE)
    write_secret(folder / "keys" / "broker.password", where.password)
    keys = KeyFile.create(
        plane=plane,
        party=party,
        role="station",
        suite=SUITES.get(1),
        rand=os.urandom,
        now_ms=clock(),
    )
    keys.save(folder / "keys" / "station.key", PASSPHRASE, rand=os.urandom)
    write_settings(folder, party, plane, where)
    return folder


def _request(folder: Path, party: str, token: str) -> tuple[bytes, str]:
    code, name = DEPARTMENTS[party]
    return make_request(load_node(folder), token=token, departments=[f"{code}={name}"], contact="")


def _take_welcome(folder: Path, welcome: bytes, fingerprint: str) -> None:
    (folder / "trust" / "welcome").write_bytes(welcome)
    (folder / "trust" / "root.fingerprint").write_text(f"{fingerprint}\n", encoding="ascii")


def enrolled(
    folder: Path,
    where: Where,
    *,
    party: str = "s150700",
    plane: Plane = Plane.EXTRANET,
) -> Daemon:
    """A station of a region that exists on paper alone."""
    make_folder(folder, party, plane, where)
    request, _ = _request(folder, party, "token")
    _take_welcome(folder, *welcome_for(plane, request, clock()))
    return Daemon(folder)


def joined(folder: Path, region: Founded, party: str) -> Daemon:
    """A station that a running hub has admitted."""
    broker = region.broker
    where = Where(broker.host, broker.amqps_port, region.vhost, broker.ca_file)
    make_folder(folder, party, Plane.EXTRANET, where)
    raw, fingerprint = _request(folder, party, region.call("member.token", party=party)["token"])
    content = base64.b64encode(raw).decode()
    region.call("member.admit", request=content, fingerprint=fingerprint)
    region.publish_next()
    answer = region.call("member.welcome", party=party)
    welcome = base64.b64decode(answer["welcome"])
    _take_welcome(folder, welcome, answer["fingerprint"])
    settings = load_node(folder)
    keys = KeyFile.load(settings.keys.file, PASSPHRASE, Plane.EXTRANET, party, SUITES)
    _, road = open_welcome(
        welcome,
        party=party,
        wrap_seed=keys.wraps[-1].seed,
        fingerprint=answer["fingerprint"],
        plane=Plane.EXTRANET,
        suites=SUITES,
        now_ms=clock(),
    )
    password = folder / "keys" / "broker.password"
    password.unlink()
    write_secret(password, road.password)
    return Daemon(folder)


# --- what goes wrong ----------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path, size_mb: int) -> Iterator[Path]:
    """A file system of its own, of `size_mb`, on `folder`. Needs root."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={size_mb}m,mode=0750", "tmpfs", str(folder)]
    ran = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, (
        f"this test mounts a small tmpfs, which needs root and CAP_SYS_ADMIN: {ran.stderr.strip()}"
    )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_up(folder: Path) -> Path:
    """Take every byte that is left."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(bytes(size)):
                    continue
            except OSError:
                continue
    return filler


@dataclass
class WallClock:
    """What a daemon started with `prelude` takes for the time."""

    file: Path

    @property
    def prelude(self) -> str:
        self.set(0)
        return WRONG_CLOCK.format(file=str(self.file))

    def set(self, wrong_s: int) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(str(wrong_s), encoding="ascii")
        new.replace(self.file)
