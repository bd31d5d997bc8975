"""The store as the engine uses it: one writer with transactions of its own kind, many readers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from ortoo_protocol.core.errors import StoreError
from ortoo_protocol.station import deeds
from ortoo_protocol.station.context import Parts, Tx
from ortoo_protocol.station.store.store import Store
from ortoo_protocol.station.store.writer import Writer

T = TypeVar("T")


class Database:
    """`write` runs a job in the one writer (group commit), `read` on what is committed.

    `trouble`: why the last write could not be kept (disk full, read-only); None once one was.
    """

    def __init__(self, store: Store, parts: Parts) -> None:
        self.trouble: StoreError | None = None
        self._store = store
        self._writer = Writer(store.writing, lambda conn: Tx(conn, parts))

    async def write(self, job: Callable[[Tx], T], *, alone: bool = False) -> T:
        """Returns once the result is on disk. Raises what the job raised, or StoreError. `alone`:
        for a job that changes a whole table (Writer). A record that waits goes along (deeds)."""
        try:
            with deeds.carried(job) as carried:
                result = await self._writer.run(carried, alone=alone)
        except StoreError as error:
            self.trouble = error
            raise
        self.trouble = None
        return result

    def start(self, job: Callable[[Tx], T]) -> asyncio.Future[T]:
        """As `write`, for whoever goes on meanwhile; in the event loop. It is not to be
        cancelled."""
        future = self._writer.start(job)
        future.add_done_callback(self._note)
        return future

    def _note(self, future: asyncio.Future[Any]) -> None:
        if future.cancelled():
            return
        error = future.exception()
        self.trouble = error if isinstance(error, StoreError) else None

    @property
    def writer(self) -> Writer:
        """For figures about it."""
        return self._writer

    async def read(self, job: Callable[[Connection], T]) -> T:
        return await self._store.read(job)

    async def read_long(self, job: Callable[[Connection], T]) -> T:
        """As `read`, in a thread: for what works on many rows. Cancelled, it goes on to its end."""
        return await asyncio.to_thread(self._store.read_long, job)

    def view(self) -> AbstractContextManager[Connection]:
        """One consistent view, for as long as it is held (Store.view)."""
        return self._store.view()

    @property
    def path(self) -> Path:
        return self._store.path

    async def close(self) -> None:
        """Finish what waits, then close the files."""
        await self._writer.close()
        await self._store.close()
