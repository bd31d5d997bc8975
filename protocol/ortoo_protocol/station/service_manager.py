"""What systemd is told (sd_notify(3)): that the service is up, that it lives, that it ends.

Without NOTIFY_SOCKET in the environment nobody asked, and nothing is sent.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Mapping

_log = logging.getLogger(__name__)


def tell(environ: Mapping[str, str], state: str) -> bool:
    """Send `state` ("READY=1") to the service manager; False if there is none or it is deaf."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):  # Linux's abstract names
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
            line.settimeout(1)
            line.sendto(state.encode(), address)
    except OSError as error:
        _log.warning("the service manager cannot be told %s: %s", state, error)
        return False
    return True


def watchdog_s(environ: Mapping[str, str], pid: int) -> float | None:
    """How often the service manager wants a sign of life: half of WATCHDOG_USEC; None if never."""
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    asked = environ.get("WATCHDOG_USEC", "")
    return int(asked) / 2e6 if asked.isdecimal() and int(asked) > 0 else None


async def keep_told(environ: Mapping[str, str], pid: int) -> None:
    """READY, then signs of life from the event loop itself for as long as it turns."""
    tell(environ, "READY=1")
    every_s = watchdog_s(environ, pid)
    while every_s is not None:
        await asyncio.sleep(every_s)
        tell(environ, "WATCHDOG=1")
