"""Snapshots of table feeds: the table after one item, in letters that only one reader opens.

All letters come from one cut: a read transaction of its own over feed, schema and shadow. So the
snapshot's number and hash meet the tail without a seam, however much is published meanwhile, and
nothing but the portion under way is in memory. The writer is given one short job a letter, and the
next letter is made while the broker takes the last. One snapshot goes at a time; one that breaks
off is forgotten, and its reader asks again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, select

from ortoo_protocol.bus.port import Outcome
from ortoo_protocol.core import feeds, messages
from ortoo_protocol.core.batches import batches
from ortoo_protocol.core.errors import FeedError, GrantError, OrtooError, StoreError
from ortoo_protocol.core.feeds import TableSchema
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.station import anew, asks, shadow, table_feed
from ortoo_protocol.station.context import LOCAL, Parts, Pen, Post, Tx
from ortoo_protocol.station.database import Database
from ortoo_protocol.station.pumps import Local, Wire, publish
from ortoo_protocol.station.sending import letter
from ortoo_protocol.station.store.tables import feeds_out

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cut:
    """A table as it stood after item `seq`, in `parts` portions."""

    snapshot: str
    feed: str
    incarnation: int
    seq: int
    hash: bytes
    schema: TableSchema
    parts: int


def cut(conn: Connection, feed: str, snapshot: str) -> Cut | None:
    """What this view of the store holds of `feed`; None: nothing of it is published yet."""
    query = select(feeds_out.c.incarnation, feeds_out.c.seq, feeds_out.c.hash)
    row = conn.execute(query.where(feeds_out.c.feed == feed)).first()
    schema = table_feed.schema_of(conn, feed)
    if row is None or schema is None:
        return None
    parts = sum(1 for _ in portions(conn, feed))
    return Cut(snapshot, feed, row.incarnation, row.seq, row.hash, schema, parts)


def portions(conn: Connection, feed: str) -> Iterator[tuple[bytes, ...]]:
    """The rows of the view, by key, as one letter each takes them; an empty table is one letter."""
    empty = True
    for rows in batches(shadow.rows(conn, feed)):
        empty = False
        yield rows
    if empty:
        yield ()


def check(feed: str, reader: str, tx: Tx) -> bool:
    """Whether a snapshot may begin now; else the reader is told why."""
    try:
        asks.check_reader(tx, feed, reader, None)
        asks.check_quota(tx, feed, reader)
        anew.check_read(tx, feed)
    except (FeedError, GrantError) as error:
        asks.refuse(tx, reader, feed, error)
        return False
    return True


def part(of: Cut, reader: str, number: int, rows: Sequence[bytes], tx: Tx) -> Post | None:
    """One letter, journalled. None: the reader's grant has ended since, and it is told so."""
    try:
        asks.check_reader(tx, of.feed, reader, None)
    except (FeedError, GrantError) as error:
        asks.refuse(tx, reader, of.feed, error)
        return None
    body = feeds.SnapshotPart(
        feed=of.feed,
        snapshot=of.snapshot,
        incarnation=of.incarnation,
        seq=of.seq,
        hash=of.hash,
        part=number,
        parts=of.parts,
        schema=of.schema,
    )
    message, post = letter(tx, reader, body, kind=messages.kind_of(body), rows=rows)
    tx.parts.watch.sent(message.header.id)
    tx.parts.quota.spend(reader, sum(map(len, rows)), tx.now_ms)
    tx.journal(message, Direction.SENT, State.QUERIED, flow="")
    return post


@dataclass(frozen=True)
class SnapshotPump:
    """Sends what is wanted, in the order in which it was asked for."""

    database: Database
    parts: Parts
    local: Local
    wire: Wire

    async def run(self) -> None:
        wanted = self.parts.snapshots
        while True:
            feed, reader = await wanted.first()
            try:
                await self._answer(feed, reader)
            except StoreError:
                raise
            except OrtooError as error:  # it asks again
                _log.warning("snapshot of %s for %s: %s", feed, reader, error)
            finally:
                wanted.done(feed, reader)

    async def _answer(self, feed: str, reader: str) -> None:
        if not await self.database.write(partial(check, feed, reader)):
            return
        snapshot = Pen(self.parts).new_id().hex()
        with ExitStack() as held:
            conn = await _in_thread(partial(held.enter_context, self.database.view()))
            of = await _in_thread(partial(cut, conn, feed, snapshot))
            if of is not None:
                await self._send(of, reader, portions(conn, feed))

    async def _send(self, of: Cut, reader: str, pieces: Iterator[tuple[bytes, ...]]) -> None:
        leaving: asyncio.Task[bool] | None = None
        try:
            for number in range(of.parts):
                rows = await _in_thread(partial(next, pieces))
                post = await self.database.write(partial(part, of, reader, number, rows))
                if post is None or (leaving is not None and not await leaving):
                    return
                leaving = asyncio.create_task(self._publish(post))
        finally:
            if leaving is not None:
                with suppress(OrtooError):
                    await leaving

    async def _publish(self, post: Post) -> bool:
        """Whether the reader will have it. Without its bindings, which the hub may be about to
        make, the rest need not be sent."""
        if post.exchange == LOCAL:
            outcome = self.local.put(post.raw)
            await self.local.taken()
        elif (link := self.wire.ready()) is None:
            return False
        else:
            timeout_s = self.parts.timing.publish_timeout_s
            outcome = await publish(link, post, timeout_s, mandatory=True)
        return outcome is Outcome.CONFIRMED


async def _in_thread(call: Callable[[], T]) -> T:
    """Cancelled, it is waited for: a connection is not closed under the thread that uses it."""
    work = asyncio.ensure_future(asyncio.to_thread(call))
    try:
        return await asyncio.shield(work)
    finally:
        if not work.done():
            await asyncio.wait([work])
