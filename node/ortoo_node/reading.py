"""Which queues are read and which subscriptions applied: compared with what is wanted, again and
again, so that no order, end or crash between two steps leaves anything behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from ortoo_node import holding, subscribing
from ortoo_node.settings import NodeSettings
from ortoo_node.sinks import Sink, open_sink
from ortoo_node.sinks.door import Door
from ortoo_node.sinks.program.webhook import WebhookSink
from ortoo_protocol.core import topology
from ortoo_protocol.core.errors import OrtooError, SinkError
from ortoo_protocol.core.ids import feed_owner
from ortoo_protocol.station import applied, rereading
from ortoo_protocol.station.context import wait
from ortoo_protocol.station.ports import Cursor
from ortoo_protocol.station.station import Station

LOOK_S = 1.0
HELD_LOOK_S = 60.0
_log = logging.getLogger(__name__)


@dataclass
class Reading:
    """`sink_of_files`: where rows of a subscription become files; None: they stay rows. `failed`:
    subscriptions whose sink cannot even be opened, and why."""

    station: Station
    settings: NodeSettings
    door: Door
    sink_of_files: Callable[[Row[Any]], Awaitable[Sink | None]]
    failed: dict[str, OrtooError] = field(default_factory=dict)
    _feeds: set[str] = field(default_factory=set)
    _looked_s: float = 0.0

    async def run(self) -> None:
        while True:
            ticket = self.station.parts.signals.gaps.ticket()
            await self.follow()
            await wait(ticket, LOOK_S)

    async def follow(self) -> None:
        rows = await self.station.read(subscribing.to_apply)
        wanted = {row.subscription: row for row in rows}
        self._follow_queues({row.feed for row in rows})
        for subscription in list(self.station.workers):
            row = wanted.get(subscription)
            if row is None or row.hold:
                await self.station.stop_applying(subscription)
        for row in rows:
            if row.hold == holding.REREADING:
                await self._reread(row)
            elif not row.hold and row.subscription not in self.station.workers:
                await self._begin(row)
        await self._bound_held()

    def _follow_queues(self, feeds: set[str]) -> None:
        """A queue is left once nothing more is to come through it: the hub has deleted it."""
        party = self.station.party
        feeds = {feed for feed in feeds if feed_owner(feed) != party}
        for feed in feeds - self._feeds:
            self.station.read_queue(topology.feed_queue(party, feed))
        for feed in self._feeds - feeds:
            self.station.leave_queue(topology.feed_queue(party, feed))
        self._feeds = feeds

    async def _begin(self, row: Row[Any]) -> None:
        sink = await self._open(row)
        if sink is not None:
            stuck = partial(self._stuck, row.subscription)
            lost = partial(self._lost, row.subscription)
            self.station.apply_to(row.feed, row.subscription, sink, stuck, lost)

    async def _open(self, row: Row[Any]) -> Sink | None:
        try:
            sink = await self.sink_of_files(row) or await asyncio.to_thread(
                open_sink,
                self.settings,
                row.sink,
                row.table,
                door=self.door,
                subscription=row.subscription,
            )
        except OrtooError as error:
            known = self.failed.get(row.subscription)
            level = logging.DEBUG if known is not None else logging.ERROR
            _log.log(level, "%s", error)
            self.failed[row.subscription] = error
            return None
        self.failed.pop(row.subscription, None)
        return sink

    def try_at_once(self, subscription: str) -> None:
        """Whoever has mended something need not wait for the next try by the clock."""
        worker = self.station.workers.get(subscription)
        if worker is not None and isinstance(worker.sink, WebhookSink):
            worker.sink.at_once()
        self.station.parts.signals.apply.set()

    async def _stuck(self, subscription: str, error: SinkError) -> None:
        """Its worker asks: hold it. The next look stops that worker."""
        worker = self.station.workers.get(subscription)
        if worker is not None:
            worker.stop()
        await self.station.write(lambda tx: holding.stuck(tx, subscription, error))

    async def _lost(self, subscription: str, cursor: Cursor) -> bool:
        return await self.station.write(lambda tx: holding.lost(tx, subscription, cursor))

    # --- reading again ---

    async def _reread(self, row: Row[Any]) -> None:
        """When all items are here: the sink's cursor steps back, then applying goes on."""
        read, write = self.station.read, self.station.write
        asked = await read(partial(rereading.find, feed=row.feed))
        if asked is None:
            await write(lambda tx: holding.reread_begins(tx, row, None))
            return
        void = await read(partial(rereading.is_void, row=asked))
        if asked.error or void:
            code = asked.error or "feed.incarnation"
            await write(lambda tx: holding.reread_failed(tx, row, asked, code))
            return
        back = await read(lambda conn: rereading.ready(conn, self.station.parts, asked))
        if back is not None and await self._step_back(row, back):
            await write(lambda tx: holding.reread_begins(tx, row, asked))

    async def _step_back(self, row: Row[Any], back: Cursor) -> bool:
        sink = await self._open(row)
        if sink is None:
            return False
        try:
            await asyncio.to_thread(sink.rewind, back)
        except SinkError as error:
            _log.warning("%s", error)
            self.failed[row.subscription] = error
            return False
        finally:
            await asyncio.to_thread(sink.close)
        return True

    # --- what waits for held ones ---

    async def _bound_held(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._looked_s and now_s - self._looked_s < HELD_LOOK_S:
            return
        self._looked_s = now_s
        most = self.settings.reading.held_mb << 20
        for row, size in await self.station.read(partial(_over, most=most)):
            _log.warning("%s waits with %s MB; nothing more is kept", row.subscription, size >> 20)
            await self.station.write(partial(_let_go, row, size))


def _over(conn: Connection, most: int) -> list[tuple[Row[Any], int]]:
    """Held subscriptions for which more waits than may."""
    found = []
    for row in holding.held(conn):
        if row.hold != holding.REREADING and applied.is_registered(
            conn, row.feed, row.subscription
        ):
            size = applied.held_bytes(conn, row.feed)
            if size > most:
                found.append((row, size))
    return found


def _let_go(row: Row[Any], size: int, tx: Any) -> None:
    holding.let_go(tx, row, size)
