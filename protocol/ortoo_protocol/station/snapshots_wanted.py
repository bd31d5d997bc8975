"""Which readers wait for a snapshot of which feed: put here by the writer, after its commit."""

from __future__ import annotations

import asyncio


class SnapshotsWanted:
    """For the event loop only. In memory alone: a reader whose ask was lost asks again."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], None] = {}
        self._came = asyncio.Event()

    def put(self, feed: str, reader: str) -> None:
        """Nothing if that reader's snapshot is waiting or under way: two of one table would keep
        each other from coming whole."""
        self._waiting.setdefault((feed, reader))
        self._came.set()

    async def first(self) -> tuple[str, str]:
        """(feed, reader): it stays here until it is `done`."""
        while (first := self.peek()) is None:
            self._came.clear()
            await self._came.wait()
        return first

    def peek(self) -> tuple[str, str] | None:
        return next(iter(self._waiting), None)

    def done(self, feed: str, reader: str) -> None:
        self._waiting.pop((feed, reader), None)
