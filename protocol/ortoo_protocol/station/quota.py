"""How much one asker may be sent again: an ask is small, its answer may be a whole table.

One answer is always given in full; the next waits until what is owed has run off.
"""

from __future__ import annotations

import logging

from ortoo_protocol.core.errors import FeedQuota

BURST_BYTES = 64 << 20
BYTES_A_S = 8 << 20
MOST_OWED_BYTES = 600 * BYTES_A_S  # nobody is kept waiting for longer than ten minutes
_log = logging.getLogger(__name__)


class Quota:
    """For the writer's thread alone. Askers are verified members: their number is bounded."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[int, int]] = {}

    def check(self, asker: str, feed: str, now_ms: int) -> None:
        """Raises FeedQuota."""
        if self._now(asker, now_ms) <= 0:
            raise FeedQuota(reader=asker, feed=feed)

    def spend(self, asker: str, size_bytes: int, now_ms: int) -> None:
        left = max(self._now(asker, now_ms) - size_bytes, -MOST_OWED_BYTES)
        self._left[asker] = (left, now_ms)

    def _now(self, asker: str, now_ms: int) -> int:
        left, at_ms = self._left.get(asker, (BURST_BYTES, now_ms))
        return min(BURST_BYTES, left + max(0, now_ms - at_ms) * BYTES_A_S // 1000)


BURST_LETTERS = 200_000
LETTERS_A_S = 50


class Inflow:
    """How many new durable letters of one sender are taken: each leaves a row in the journal for
    ever. What is beyond stays in the sender's outbox, which sends it again within the hour, so an
    honest backlog arrives late and whole. For the writer's thread alone."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, int]] = {}
        self._beyond: set[str] = set()

    def takes(self, sender: str, now_ms: int) -> bool:
        """Whether one letter more is taken; it counts then."""
        left, at_ms = self._left.get(sender, (BURST_LETTERS, now_ms))
        left = min(BURST_LETTERS, left + max(0, now_ms - at_ms) * LETTERS_A_S / 1000)
        taken = left >= 1
        self._left[sender] = (left - 1 if taken else left, now_ms)
        if left >= LETTERS_A_S:  # a second's worth: said anew when it comes to this again
            self._beyond.discard(sender)
        elif not taken and sender not in self._beyond:
            self._beyond.add(sender)
            _log.warning("letters of %s come too fast: the rest waits at their sender", sender)
        return taken
