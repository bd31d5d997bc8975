"""A station as a process of its own: `python -m tests.bench.party PLACE FOLDER PARTY`.

The engine, bus, store, sources and sinks are the real ones; only grants are put in place by hand,
where people would have applied and granted.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from ortoo_node.sinks import SinkTable
from ortoo_node.store import NODE
from ortoo_protocol.bus.amqp import AmqpBus
from ortoo_protocol.core import topology
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.station import dispatching, feed_writer
from ortoo_protocol.station.settings import Timing
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import feed_applied, feeds_in, feeds_out, outbox
from tests.bench.child import Command, serve
from tests.bench.world import EVENTS, FEED, A, B, Place
from tests.support.stations import Kit, give, receive, terms

IN_FLIGHT = 200
LOOK_S = 0.02


class Party:
    def __init__(self, station: Station, folder: Path) -> None:
        self.station = station
        self.folder = folder
        self.grant = terms(A, B, FEED, 1)
        self.events_grant = terms(A, B, EVENTS, 2)

    def commands(self) -> Mapping[str, Command]:
        return {
            "grant": self.grant_,
            "letters": self.letters,
            "read": self.read,
            "applied": self.applied,
            "stands": self.stands,
        }

    async def grant_(self) -> dict[str, Any]:
        """Both grants, on either side."""
        for granted in (self.grant, self.events_grant):
            await self.station.write(partial(self._grant, granted))
        return {}

    def _grant(self, granted: GrantTerms, tx: Any) -> None:
        if self.station.party != A:
            receive(tx, granted)
            return
        feed_writer.open_feed(tx, granted.feed, sealed=True)
        give(tx, granted)

    # --- letters ---

    async def letters(self, count: int, size_bytes: int) -> dict[str, Any]:
        """Send `count` dispatches, `IN_FLIGHT` of them being made at a time; done when the signed
        receipt of each is in the store."""
        content = os.urandom(size_bytes)
        before = await self.station.read(_accepted)
        begun_s = time.perf_counter()
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def one() -> None:
            async with gate:
                await self.station.write(lambda tx: dispatching.send(tx, self.grant.grant, content))

        await asyncio.gather(*(one() for _ in range(count)))
        sent_s = time.perf_counter() - begun_s
        await self._until(lambda conn: _accepted(conn) >= before + count)
        return {"took_s": time.perf_counter() - begun_s, "sent_s": sent_s}

    # --- tables and events ---

    async def read(self, feed: str, database: str, table: str) -> dict[str, Any]:
        """Subscribe: apply `feed` to `table`."""
        self.station.read_queue(topology.feed_queue(self.station.party, feed))
        self.station.apply_to(feed, f"{feed} {table}", SinkTable(f"sqlite:///{database}", table))
        query = select(feed_applied.c.incarnation).where(feed_applied.c.feed == feed)
        await self._until(lambda conn: bool(conn.execute(query).scalar()))
        return {}

    async def applied(self, feed: str, seq: int) -> dict[str, Any]:
        """Wait until item `seq` is in the sink."""
        query = select(feed_applied.c.seq).where(feed_applied.c.feed == feed)
        await self._until(lambda conn: (conn.execute(query).scalar() or 0) >= seq)
        return {}

    async def stands(self, feed: str) -> dict[str, Any]:
        table = feeds_out if self.station.party == A else feeds_in
        query = select(table.c.seq).where(table.c.feed == feed)
        return {"seq": await self.station.read(lambda conn: conn.execute(query).scalar())}

    async def _until(self, holds: Callable[[Connection], bool], within_s: float = 600) -> None:
        end = time.monotonic() + within_s
        while not await self.station.read(holds):
            if time.monotonic() > end:
                raise TimeoutError
            await asyncio.sleep(LOOK_S)


def _accepted(conn: Connection) -> int:
    query = select(func.count()).where(outbox.c.state == "accepted")
    return conn.execute(query).scalar() or 0


async def main(place: Place, folder: Path, party: str) -> None:
    kit = Kit(folder)
    station = kit.open(
        party, bus=AmqpBus(place.address(party)), timing=Timing(), migrations=(NODE,)
    )
    async with kit.running(station):
        await serve(Party(station, folder).commands())


if __name__ == "__main__":
    asyncio.run(main(Place.load(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
