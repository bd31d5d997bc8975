"""How often a token may ask: a bucket of tokens each, filled evenly (token bucket)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

MOST_BUCKETS = 10_000


@dataclass
class _Bucket:
    left: float
    at_s: float


@dataclass
class Rates:
    """`burst` at once, then `per_s` a second. `clock`: monotonic seconds."""

    per_s: float
    burst: int
    clock: Callable[[], float]
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def take(self, name: str) -> float:
        """0: taken. Else nothing was, and there will be something in so many seconds."""
        now_s = self.clock()
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= MOST_BUCKETS:
                self._drop_full(now_s)
            bucket = self._buckets[name] = _Bucket(self.burst, now_s)
        bucket.left = min(self.burst, bucket.left + (now_s - bucket.at_s) * self.per_s)
        bucket.at_s = now_s
        if bucket.left < 1:
            return (1 - bucket.left) / self.per_s
        bucket.left -= 1
        return 0.0

    def _drop_full(self, now_s: float) -> None:
        """A bucket that would be full again says nothing."""
        fills_s = self.burst / self.per_s
        full = [name for name, each in self._buckets.items() if now_s - each.at_s >= fills_s]
        for name in full:
            del self._buckets[name]
