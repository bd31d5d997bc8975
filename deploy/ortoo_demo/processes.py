"""The demo's processes: commands that end by themselves, and services that run beside it.

Each is a session of its own, so that Ctrl-C reaches the demo alone, which then ends them in order.
Everything that was started here has ended when `Processes.end` returns.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ortoo_demo import reaper
from ortoo_demo.checks import CheckFailed, Patience

COMMAND_TIMEOUT_S = 60.0
ORDERLY_S = 10.0


@dataclass(frozen=True)
class Ran:
    """A command that ended."""

    argv: tuple[str, ...]
    code: int
    out: str
    err: str


class Service:
    """A daemon, started, with its output in `log`."""

    def __init__(self, popen: subprocess.Popen[bytes], log: Path) -> None:
        self._popen = popen
        self.log = log

    @property
    def pid(self) -> int:
        return self._popen.pid

    def ended(self) -> bool:
        return self._popen.poll() is not None

    def wait(self, timeout_s: float) -> int | None:
        """The exit code, or None while it still runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._popen.wait(timeout_s)
        return None

    def signal(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._popen.kill()
        self._popen.wait()

    def log_text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


class Processes:
    """Starts children and knows them all. Used by several threads."""

    def __init__(self, patience: Patience, environment: Mapping[str, str]) -> None:
        self._patience = patience
        self._environment = dict(environment)
        self._lock = threading.Lock()
        self._closed = False
        self._commands: set[subprocess.Popen[bytes]] = set()
        self._services: list[Service] = []
        self._reaper = subprocess.Popen(  # noqa: S603 - fixed program
            [sys.executable, "-I", reaper.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def run(self, argv: Sequence[str], timeout_s: float = COMMAND_TIMEOUT_S) -> Ran:
        """Run a command to its end."""
        with self._lock:
            popen = self._start(argv, subprocess.PIPE, subprocess.PIPE)
            self._commands.add(popen)
        try:
            out, err = popen.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.communicate()
            raise CheckFailed(detail=f"{' '.join(argv)} did not end in {timeout_s:g} s") from None
        finally:
            with self._lock:
                self._commands.discard(popen)
        self._patience.go_on()
        return Ran(tuple(argv), popen.returncode, out.decode(), err.decode())

    def start(self, argv: Sequence[str], log: Path) -> Service:
        """Start a service; its output is appended to `log`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, log.open("ab") as output:
            service = Service(self._start(argv, output, subprocess.STDOUT), log)
            self._services.append(service)
            if self._reaper.stdin is not None:
                self._reaper.stdin.write(f"{service.pid}\n".encode())
                self._reaper.stdin.flush()
        return service

    def _start(
        self, argv: Sequence[str], out: int | IO[bytes], err: int
    ) -> subprocess.Popen[bytes]:
        if self._closed:
            self._patience.go_on()
            raise CheckFailed(detail=f"{argv[0]} is started after the end")
        return subprocess.Popen(  # noqa: S603 - our own programs
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=self._environment,
            start_new_session=True,
        )

    def end(self, *, in_order: bool = True) -> None:
        """Start nothing more; end all. `in_order`: services get the chance to stop by SIGTERM."""
        with self._lock:
            self._closed = True
            commands = list(self._commands)
        for popen in commands:
            popen.kill()
        running = [service for service in self._services if not service.ended()]
        if in_order:
            for service in running:
                service.signal(signal.SIGTERM)
            for service in running:
                service.wait(ORDERLY_S)
        for service in running:
            service.kill()
        if self._reaper.stdin is not None:
            self._reaper.stdin.close()
        self._reaper.wait()


def program(name: str) -> tuple[str, ...]:
    """How to start `ortoo-hub` or `ortoo-node` of this very installation."""
    script = Path(sys.executable).with_name(name)
    if script.exists():
        return (str(script),)
    return (sys.executable, "-m", name.replace("-", "_"))


def environment() -> dict[str, str]:
    """What children see: nothing of the caller's own Ortoo, messages in English for the logs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORTOO_")}
    # A hundred commands would otherwise compile the same modules a hundred times.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    here = [path for path in sys.path if path]
    return {**kept, "ORTOO_LANG": "en", "PYTHONPATH": os.pathsep.join(here)}
