"""Items of our feeds on their way to the broker, and to ourselves, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, bindparam, delete, or_, select

from ortoo_protocol.bus.port import Link, Outcome
from ortoo_protocol.station.context import Parts, Post, Tx, wait
from ortoo_protocol.station.database import Database
from ortoo_protocol.station.pumps import RETRY_S, WINDOW, Local, Wire, publish
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import (
    feed_out_items,
    feed_out_unsent,
    feed_readers,
    feeds_in,
    feeds_out,
)

Place = tuple[str, int, int]  # feed, incarnation, seq
# An item that goes alone: what became of it is noted with the next one, if that comes soon. Should
# the station end in between, it is sent again, and readers know it by its number.
NOTE_S = 0.05


class _Item(NamedTuple):
    feed: str
    incarnation: int
    seq: int
    raw: bytes

    @property
    def place(self) -> Place:
        return self.feed, self.incarnation, self.seq


@dataclass
class FeedPump:
    """Publishes new items in order. Not mandatory: a feed without readers is no error."""

    database: Database
    parts: Parts
    local: Local
    wire: Wire

    async def run(self) -> None:
        """In the writer, which notes what was sent and looks for more in one job: a reader's way
        to the store is a change of threads for each statement, and an item that goes alone would
        pay for forty."""
        sent: Sequence[Place] = ()
        while True:
            ticket = self.parts.signals.feeds.ticket()
            link = self.wire.ready()
            party, online = self.parts.identity.party, link is not None
            look = partial(_note_and_look, sent, party=party, online=online)
            readers, items = await self.database.write(look)
            if not items:
                sent = ()
                await ticket.wait()
                continue
            outcomes = await asyncio.gather(*(self._publish(link, each, readers) for each in items))
            sent = [
                each.place
                for each, outcome in zip(items, outcomes, strict=True)
                if outcome is Outcome.CONFIRMED
            ]
            if len(sent) < len(items):
                await self.database.write(partial(_mark_sent, sent))
                sent = ()
                await self._pause(ticket)
            elif len(items) < WINDOW:
                await wait(ticket, NOTE_S)

    async def _pause(self, ticket: asyncio.Event) -> None:
        await wait(ticket, RETRY_S if self.wire.link else 60.0)

    async def _publish(self, link: Link | None, item: _Item, readers: Readers) -> Outcome:
        if item.feed in readers.local:
            self.local.put(item.raw)
        if item.feed not in readers.remote:
            return Outcome.CONFIRMED
        if link is None:
            return Outcome.UNKNOWN
        post = Post("feeds", item.feed, item.raw)
        return await publish(link, post, self.parts.timing.publish_timeout_s)


@dataclass(frozen=True)
class Readers:
    """Feeds of ours that this station reads itself, and those with readers elsewhere."""

    local: frozenset[str]
    remote: frozenset[str]


def _note_and_look(
    sent: Sequence[Place], tx: Tx, *, party: str, online: bool
) -> tuple[Readers, Sequence[_Item]]:
    _mark_sent(sent, tx)
    if not online:
        readers = _readers(tx.conn, party=party)
        return readers, _unsent(tx.conn, away=readers.remote - readers.local)
    items = [_Item(*row) for row in _NEXT.rows(tx.conn)]
    return _readers_of(tx.conn, party, {each.feed for each in items}), items


def _waiting() -> Select[Any]:
    unsent, items = feed_out_unsent, feed_out_items
    same = and_(*(items.c[name] == unsent.c[name] for name in ("feed", "incarnation", "seq")))
    return (
        select(*(items.c[name] for name in _Item._fields))
        .join_from(unsent, items, same)
        .order_by(unsent.c.feed, unsent.c.incarnation, unsent.c.seq)
        .limit(WINDOW)
    )


_NEXT = Prepared(_waiting(), ())


def _unsent(conn: Connection, *, away: frozenset[str]) -> Sequence[_Item]:
    """The next items; not of the feeds `away`, which wait for a link and must hold up no other."""
    found = conn.execute(_waiting().where(feed_out_unsent.c.feed.not_in(away)))
    return [_Item(*row) for row in found]


_LOCAL = select(feeds_in.c.feed)
_OPEN_FEEDS = select(feeds_out.c.feed).where(feeds_out.c.sealed.is_(False))
_GRANTED = select(feed_readers.c.feed).where(
    feed_readers.c.fence.is_(None), feed_readers.c.reader != bindparam("party")
)


def _readers(conn: Connection, *, party: str) -> Readers:
    """Of all feeds; however many readers a feed has, it is one row here."""
    here, everybody, some = (
        frozenset(conn.execute(query, {"party": party}).scalars())
        for query in (_LOCAL, _OPEN_FEEDS, _GRANTED.distinct())
    )
    return Readers(here, everybody | some)


_READ = Prepared(
    select(
        _LOCAL.where(feeds_in.c.feed == bindparam("f")).exists(),
        or_(
            _OPEN_FEEDS.where(feeds_out.c.feed == bindparam("f")).exists(),
            _GRANTED.where(feed_readers.c.feed == bindparam("f")).exists(),
        ),
    ),
    ("f", "party"),
)


def _readers_of(conn: Connection, party: str, feeds: Iterable[str]) -> Readers:
    """Of some feeds: whether there is any, which is one look however many there are."""
    found = {feed: _READ.rows(conn, feed, party)[0] for feed in feeds}
    return Readers(
        frozenset(feed for feed, (local, _) in found.items() if local),
        frozenset(feed for feed, (_, remote) in found.items() if remote),
    )


def _mark_sent(sent: Sequence[Place], tx: Tx) -> None:
    _SENT.many(tx.conn, sent)


_SENT = Prepared(
    delete(feed_out_unsent).where(
        feed_out_unsent.c.feed == bindparam("f"),
        feed_out_unsent.c.incarnation == bindparam("i"),
        feed_out_unsent.c.seq == bindparam("s"),
    ),
    ("f", "i", "s"),
)
