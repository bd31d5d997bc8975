"""Publishing by itself: at intervals, or as soon as a database tells of changes.

A run that fails is tried again with back-off; what it found is nowhere half: the publisher's mark
only moves with the last rows.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection, select

from ortoo_node.publishing import listening, plans
from ortoo_node.publishing.plans import Due, Run
from ortoo_node.publishing.publisher import Published, Publisher
from ortoo_node.sources.tables.capture import how_of
from ortoo_node.store.tables import publications
from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.station.context import Signal, wait
from ortoo_protocol.station.correlation import about

AT_ONCE = 2  # readings beside each other: they share the machine with everything else
LOOK_S = 30.0
_log = logging.getLogger(__name__)


@dataclass
class Schedule:
    """`loop` runs while the station does; `publish` at once, for whoever asks."""

    publisher: Publisher
    changed: Signal = field(default_factory=Signal)
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)
    _back: set[str] = field(default_factory=set)
    _notices: set[tuple[str, str]] = field(default_factory=set)
    _listeners: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def publish(
        self, resource: str, source: str | None = None, table: str | None = None
    ) -> Published:
        """As Publisher.publish; what became of it is kept for ``publication list``."""
        station = self.publisher.station
        began_ms = station.parts.clock()
        try:
            published = await self.publisher.publish(resource, source, table)
        except OrtooError as error:
            if await station.read(partial(_is_known, resource=resource)):
                await station.write(partial(plans.failed, resource=resource, error=error))
            raise
        mark = select(publications.c.mark).where(publications.c.resource == resource)
        how = how_of(await station.read(lambda conn: str(conn.execute(mark).scalar() or "")))
        run = Run(
            began_ms,
            how,
            published.rows,
            published.upserts,
            published.deletes,
            published.rejected,
        )
        await station.write(partial(plans.succeeded, resource=resource, run=run))
        return published

    async def loop(self) -> None:
        """Start what is due, at most some at once, and wait for the next."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._end)
            while True:
                ticket = self.changed.ticket()
                due = await self.publisher.station.read(plans.by_themselves)
                self._listen(due)
                self._take_notices(due)
                await self._ended()
                self._start(due)
                await wait(ticket, self._pause_s(due))

    def _start(self, due: list[Due]) -> None:
        now_ms = self.publisher.station.parts.clock()
        for each in sorted(due, key=lambda one: one.next_ms):
            back = each.resource in self._back
            told = each.resource in self._told and (each.failures == 0 or back)
            if each.resource in self._running or len(self._running) >= AT_ONCE:
                continue
            if told or each.next_ms <= now_ms:
                self._told.discard(each.resource)
                self._back.discard(each.resource)
                self._running[each.resource] = asyncio.create_task(self._run(each.resource))

    def _pause_s(self, due: list[Due]) -> float:
        waiting = [each.next_ms for each in due if each.resource not in self._running]
        if len(self._running) >= AT_ONCE or not waiting:
            return LOOK_S
        left_ms = min(waiting) - self.publisher.station.parts.clock()
        return min(LOOK_S, max(0.01, left_ms / 1000))

    async def _run(self, resource: str) -> None:
        with about(resource=resource):
            try:
                published = await self.publish(resource)
            except OrtooError as error:
                _log.warning("%s is not published: %s", resource, error)
            else:
                if published.upserts or published.deletes:
                    _log.info("%s published up to %d", resource, published.seq)
            finally:
                self.changed.set()

    async def _ended(self) -> None:
        """Take what has ended; a defect in a run ends the process, as it does anywhere else."""
        for listener in self._listeners.values():
            if listener.done():
                await listener
        for resource, task in list(self._running.items()):
            if task.done():
                del self._running[resource]
                await task

    def _listen(self, due: list[Due]) -> None:
        """One connection for each database that somebody follows."""
        wanted = {each.source for each in due if each.plan.follow}
        for name in wanted - self._listeners.keys():
            try:
                url = self.publisher.settings.source(name).read_url()
                if not listening.can_tell(url, name):
                    continue
            except OrtooError as error:
                _log.warning("source %s cannot be followed: %s", name, error)
                continue
            call = partial(self._tell, name)
            self._listeners[name] = asyncio.create_task(listening.listen(url, name, call))
        for name in self._listeners.keys() - wanted:
            self._listeners.pop(name).cancel()

    def _tell(self, source: str, payload: str) -> None:
        self._notices.add((source, payload))
        self.changed.set()

    def _take_notices(self, due: list[Due]) -> None:
        """An empty notice: the database is there again, and some may have been missed: all of that
        source are read, those that failed meanwhile too."""
        for source, payload in self._notices:
            told = {
                each.resource
                for each in due
                if each.plan.follow and each.source == source and _is_about(payload, each.table)
            }
            self._told |= told
            self._back |= set() if payload else told
        self._notices.clear()

    async def _end(self) -> None:
        for task in (*self._running.values(), *self._listeners.values()):
            await listening.ended(task)
        self._running.clear()
        self._listeners.clear()


def _is_about(payload: str, table: str) -> bool:
    """Of ``schema.table``: `table` is named with its schema or without."""
    return not payload or f".{payload}".endswith(f".{table}")


def _is_known(conn: Connection, resource: str) -> bool:
    query = select(publications.c.resource).where(publications.c.resource == resource)
    return conn.execute(query).first() is not None
