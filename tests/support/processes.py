"""What runs on this machine, read from /proc: to show that nothing was left behind."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path


def processes_at_home(home: Path) -> list[int]:
    """Process ids whose environment says HOME=``home``, zombies left out."""
    wanted = b"HOME=" + bytes(home)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes().split(b"\0")
            except OSError:  # ended meanwhile, or another user's
                continue
            if wanted in environment:
                found.append(int(entry.name))
    return found


def listening_addresses(pids: list[int]) -> set[tuple[str, int]]:
    """(address, port) of every TCP socket on which one of ``pids`` listens."""
    sockets = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                sockets.add(descriptor.readlink().name)
            except OSError:
                continue
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for row in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            cells = row.split()
            if cells[3] == "0A" and f"socket:[{cells[9]}]" in sockets:
                found.add(_address(cells[1], family))
    return found


def _address(cell: str, family: socket.AddressFamily) -> tuple[str, int]:
    """Decode the kernel's form: 32-bit words in host order, little-endian here."""
    words, port = cell.split(":")
    packed = b"".join(bytes.fromhex(words[i : i + 8])[::-1] for i in range(0, len(words), 8))
    return socket.inet_ntop(family, packed), int(port, 16)


def wait_until(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Poll ``condition`` until it holds; fail the test when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{condition} did not hold within {timeout_s:g} s")
        time.sleep(0.02)
