"""A check that can fail, and waiting for what has to come true."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from ortoo_protocol.core.errors import OrtooError

POLL_S = 0.02
T = TypeVar("T")


class CheckFailed(OrtooError):
    code = "demo.check"
    what = "A check of the demo failed: {detail}"
    cure = "Logs, stores and department databases stay in the demo's folder."


class DemoStopped(OrtooError):
    code = "demo.stopped"
    what = "The demo was stopped before its end."
    cure = "Start it again: it begins anew."


def check(held: object, detail: str) -> None:
    if not held:
        raise CheckFailed(detail=detail)


class Patience:
    """Waits for conditions until somebody ends the demo."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()

    def go_on(self) -> None:
        """Raises DemoStopped once it was stopped."""
        if self._stopped.is_set():
            raise DemoStopped()

    def until(
        self,
        probe: Callable[[], T],
        what: str,
        *,
        within_s: float = 30.0,
        poll_s: float = POLL_S,
    ) -> T:
        """The first true result of `probe`; CheckFailed naming `what` when none comes in time."""
        deadline = time.monotonic() + within_s
        while True:
            self.go_on()
            found = probe()
            if found:
                return found
            if time.monotonic() > deadline:
                raise CheckFailed(detail=f"not within {within_s:g} s: {what}")
            self._stopped.wait(poll_s)
