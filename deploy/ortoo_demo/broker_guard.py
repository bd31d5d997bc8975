"""The parent process of a private broker: ends it, whatever becomes of the one who asked for it.

Run as ``python -I broker_guard.py EPMD RABBITMQ_SERVER`` with RabbitMQ's environment, and a pipe as
standard input. One byte on the pipe ends the broker: ``s`` in order, ``k`` at once. The end of the
pipe means that the other side died (by SIGTERM, SIGKILL, anything) and ends it at once, too. The
guard leaves only when every process below it is gone, and with the exit code of the broker.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import time
from types import FrameType

_EPMD_READY_S = 5.0
_ORDERLY_STOP_S = 20.0
_SWEEP_S = 5.0
_PR_SET_CHILD_SUBREAPER = 36  # prctl(2)


def main(epmd_program: str, server_program: str) -> int:
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # What the broker's own children leave behind becomes ours, so that the sweep finds it.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        _start(epmd_program)
        _await_epmd(int(os.environ["ERL_EPMD_PORT"]))
        return _watch(_start(server_program))
    finally:
        _sweep()


def _start(program: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([program], stdin=subprocess.DEVNULL)  # noqa: S603 - our own argument


def _await_epmd(port: int) -> None:
    """Wait for our epmd: otherwise Erlang would start one of its own, as a daemon."""
    deadline = time.monotonic() + _EPMD_READY_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    sys.exit(f"epmd did not listen on 127.0.0.1:{port}")


def _watch(server: subprocess.Popen[bytes]) -> int:
    exited = os.pidfd_open(server.pid)
    ready, _, _ = select.select([0, exited], [], [])
    if exited not in ready and os.read(0, 1) == b"s":
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return server.wait(_ORDERLY_STOP_S)
    server.kill()
    return server.wait()


def _sweep() -> None:
    """Kill and reap all children until none is left; orphans of those arrive here one by one."""
    deadline = time.monotonic() + _SWEEP_S
    while time.monotonic() < deadline:
        for pid in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def _children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as listing:
        return [int(pid) for pid in listing.read().split()]


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
