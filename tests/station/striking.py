"""A station's clocks as a process of their own, to be killed.

    python -m tests.station.striking STORE NOW_MS

One line a commit; it ends when nothing is due.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ortoo_protocol.station.clocks import running
from tests.support.desk import Desk
from tests.support.stations import Kit


def main(store: Path, now_ms: int) -> None:
    kit = Kit(store.parents[1])
    kit.clock = lambda: now_ms  # type: ignore[method-assign]  # the time that the test gives
    desk = Desk(kit, store.parent.name)
    left_ms = 0
    while not left_ms:
        left_ms = desk.do(running.strike)
        print(left_ms, flush=True)
    desk.close()


if __name__ == "__main__":
    running.AT_ONCE = 1
    main(Path(sys.argv[1]), int(sys.argv[2]))
