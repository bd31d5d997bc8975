"""Letters that a commit has just written, handed to the pump as they are.

The pump would find them in the store as well. But a look is one more job of the writer, behind all
that wait there, and every envelope would be read that was written a moment before.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

MOST_BYTES = 8 << 20
# When the store lets the pump find a letter that was handed over and is in its hand no more.
HANDED_MS = 60_000


class Due(NamedTuple):
    """A letter of the outbox that is to leave now."""

    number: int
    exchange: str
    routing_key: str
    state: str
    expires_ms: int
    attempts: int
    confirms: int
    raw: bytes


class Fresh:
    """Between the writer, after its commits, and the pump.

    `taking` is the writer's alone: letters leave in the order in which they were written, so none
    is handed over while an older one has to be looked for. Bounded by MOST_BYTES and one commit.
    `hand`: numbers of those that were handed over, until it is noted what became of them; whoever
    looks for letters leaves them out.
    """

    def __init__(self) -> None:
        self.taking = False
        self.hand: set[int] = set()
        self._letters: deque[Due] = deque()
        self._bytes = 0
        self._came = asyncio.Event()

    def takes(self) -> bool:
        """In the writer: whether the letter that is written now will be handed over."""
        if self._bytes >= MOST_BYTES:
            self.taking = False
        return self.taking

    def put(self, letter: Due) -> None:
        """After the commit, in the event loop."""
        self._letters.append(letter)
        self.hand.add(letter.number)
        self._bytes += len(letter.raw)
        self._came.set()

    async def get(self, most: int, most_bytes: int) -> list[Due]:
        """The next ones, at least one."""
        while not self._letters:
            self._came.clear()
            await self._came.wait()
        taken: list[Due] = []
        size_bytes = 0
        while self._letters and len(taken) < most and size_bytes < most_bytes:
            taken.append(self._letters.popleft())
            size_bytes += len(taken[-1].raw)
        self._bytes -= size_bytes
        return taken

    def forget(self, numbers: Iterable[int]) -> None:
        """Noted, or to be found in the store after all."""
        self.hand.difference_update(numbers)
