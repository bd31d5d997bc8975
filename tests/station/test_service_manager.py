"""What systemd is told, over a socket as systemd makes one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ortoo_protocol.station.launch import run_until
from ortoo_protocol.station.service_manager import keep_told, tell, watchdog_s


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.settimeout(10)
        yield line


def environ(manager: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": manager.getsockname(), **more}


async def heard(manager: socket.socket) -> bytes:
    return await asyncio.to_thread(manager.recv, 100)


async def test_ready_and_then_signs_of_life(manager: socket.socket) -> None:
    told = asyncio.create_task(keep_told(environ(manager, WATCHDOG_USEC="20000"), pid=7))
    assert [await heard(manager) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
    told.cancel()


async def test_a_service_is_ready_when_it_runs_and_says_that_it_ends(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())
    stop = asyncio.Event()
    running = asyncio.create_task(run_until(stop, asyncio.Event().wait()))  # type: ignore[arg-type] # waits for ever
    assert await heard(manager) == b"READY=1"
    stop.set()
    await running
    assert await heard(manager) == b"STOPPING=1"


def test_a_name_that_is_abstract() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(b"")  # Linux chooses one
        name = "@" + line.getsockname()[1:].decode()
        assert tell({"NOTIFY_SOCKET": name}, "READY=1")
        assert line.recv(100) == b"READY=1"


def test_nobody_asked_or_nobody_listens(tmp_path: Path) -> None:
    assert not tell({}, "READY=1")
    assert not tell({"NOTIFY_SOCKET": str(tmp_path / "none")}, "READY=1")


def test_signs_of_life_are_for_the_process_that_was_named() -> None:
    assert watchdog_s({"WATCHDOG_USEC": "180000000"}, pid=7) == 90
    assert watchdog_s({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": "7"}, pid=7) == 90
    assert watchdog_s({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": "8"}, pid=7) is None
    assert watchdog_s({}, pid=7) is None
