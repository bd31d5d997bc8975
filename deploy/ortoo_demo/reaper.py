"""Ends the demo's services when the demo itself is gone, whatever became of it (SIGKILL too).

Run as ``python -I reaper.py`` with a pipe as standard input: one process id a line. The end of the
pipe means that the demo has ended; what still lives of those processes is killed then.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    handles: list[int] = []
    for line in sys.stdin:
        with contextlib.suppress(ProcessLookupError):
            handles.append(os.pidfd_open(int(line)))
    for handle in handles:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)


if __name__ == "__main__":
    main()
