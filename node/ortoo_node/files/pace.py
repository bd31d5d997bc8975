"""How fast a file comes, over the last seconds: what has stopped shows as stopped."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

WINDOW_S = 10.0


@dataclass
class Pace:
    """Of chunks; times are seconds of one clock."""

    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def saw(self, now_s: float, done: int) -> None:
        """`done` chunks are there."""
        self._forget(now_s)
        self._seen.append((now_s, done))

    def chunks_a_s(self, now_s: float) -> float:
        self._forget(now_s)
        if not self._seen or now_s <= self._seen[0][0]:
            return 0.0
        began_s, began = self._seen[0]
        return (self._seen[-1][1] - began) / (now_s - began_s)

    def _forget(self, now_s: float) -> None:
        while self._seen and self._seen[0][0] < now_s - WINDOW_S:
            self._seen.popleft()
