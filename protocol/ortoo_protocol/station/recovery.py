"""Asking for what is missing: gaps, snapshots, heads, newer directories; retrying what was held.

A gap is asked for after a short wait (most close by themselves: a later frame overtook), with
jitter, merged into one range, one ask outstanding per feed. What stays away shows as withheld.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, func, select, update

from ortoo_protocol.core.errors import FeedWithheld, OrtooError, TrustError, TrustExpired
from ortoo_protocol.core.feeds import HeadAsk, ItemsAsk, SnapshotAsk
from ortoo_protocol.core.ids import feed_owner
from ortoo_protocol.core.notices import TrustAsk
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station import held, inbox, rereading
from ortoo_protocol.station.asks import MAX_ITEMS_AN_ASK
from ortoo_protocol.station.context import Parts, Tx, wait
from ortoo_protocol.station.database import Database
from ortoo_protocol.station.feed_reader import ENDED, JOINING, READING
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.tables import feed_in_parked, feed_rereads, feeds_in
from ortoo_protocol.station.store.tables import held as held_messages

MAX_BACKOFF_S = 60.0
WITHHELD_AFTER_ASKS = 4
TRUST_ASK_S = 5.0
SNAPSHOT_ASK_S = 0.25


@dataclass(frozen=True)
class Need:
    """What one feed lacks: a snapshot, or the items `first` to `last`."""

    feed: str
    incarnation: int
    seq: int
    first: int
    last: int
    snapshot: bool


@dataclass
class Pending:
    """What was noticed and asked of one feed; forgotten as soon as the watermark moves."""

    need: Need
    noticed_ms: int
    jitter: float
    asks: int = 0
    next_ms: int = 0


@dataclass
class Recovery:
    database: Database
    parts: Parts
    online: asyncio.Event
    _pending: dict[str, Pending] = field(default_factory=dict)
    _trust_asked_ms: int = 0

    async def run(self) -> None:
        """Look after each signal and twice a waiting time."""
        pause_s = self.parts.timing.gap_ask_s / 2
        while True:
            ticket = self.parts.signals.gaps.ticket()
            needs, waiting = await self.database.read(look)
            if needs or waiting or self._pending or self._lacks_trust():
                await self.database.write(partial(self._work, needs))
            await wait(ticket, pause_s)

    async def ask_heads(self) -> None:
        """On connecting: how far is each feed? What was missed shows at once."""
        await self.database.write(_ask_heads)

    def forget_times(self) -> None:
        """The clock was set: what was to be asked again at some time is asked again now."""
        self._pending.clear()
        self._trust_asked_ms = 0

    def _lacks_trust(self) -> bool:
        """Whether the hub, or anybody, named a newer directory, or the one held has expired."""
        trust, now_ms = self.parts.trust, self.parts.clock()
        named = max(trust.current.announced_version, trust.named)
        return named > trust.current.directory_version or _expired(trust.current, now_ms)

    def _work(self, needs: Sequence[Need], tx: Tx) -> None:
        inbox.retry_held(tx)
        self._ask_trust(tx)
        for feed in set(self._pending) - {need.feed for need in needs}:
            del self._pending[feed]
        for need in needs:
            self._consider(tx, need)

    def _consider(self, tx: Tx, need: Need) -> None:
        pending = self._pending.get(need.feed)
        moved = pending is not None and (
            (pending.need.incarnation, pending.need.seq, pending.need.snapshot)
            != (need.incarnation, need.seq, need.snapshot)
        )
        if pending is None or moved:
            jitter = 1 + self.parts.rand(1)[0] / 512
            asked = pending is not None and pending.asks > 0 and moved
            pending = Pending(need, tx.now_ms, jitter)
            if asked or need.snapshot:
                pending.noticed_ms = 0  # it answers: go on with the next range at once
            self._pending[need.feed] = pending
        pending.need = need
        wait_ms = self.parts.timing.gap_ask_s * 1000 * pending.jitter
        if tx.now_ms < max(pending.noticed_ms + wait_ms, pending.next_ms):
            return
        pending.asks += 1
        # A first snapshot ask is often ahead of the hub's binding, so it is repeated soon.
        first_s = SNAPSHOT_ASK_S if need.snapshot else self.parts.timing.gap_ask_s
        backoff_s = min(first_s * 2**pending.asks, MAX_BACKOFF_S)
        pending.next_ms = tx.now_ms + int(backoff_s * 1000 * pending.jitter)
        self._ask(tx, pending)

    def _ask(self, tx: Tx, pending: Pending) -> None:
        need, owner = pending.need, feed_owner(pending.need.feed)
        if not self.online.is_set() and owner != tx.party:
            return
        try:
            if need.snapshot:
                send(tx, owner, SnapshotAsk(feed=need.feed))
                return
            body = ItemsAsk(
                feed=need.feed, incarnation=need.incarnation, first=need.first, last=need.last
            )
            send(tx, owner, body)
        except OrtooError as error:
            _note(tx, need.feed, error.code)
            return
        if pending.asks >= WITHHELD_AFTER_ASKS:
            _note(tx, need.feed, FeedWithheld.code)

    def _ask_trust(self, tx: Tx) -> None:
        """A message named a key or a directory that is not known here, or the hub a newer one."""
        if tx.party == tx.trust.hub or not self.online.is_set():
            return
        if not self._lacks_trust() and not held.waits_for_trust(tx):
            return
        if tx.now_ms - self._trust_asked_ms < TRUST_ASK_S * 1000:
            return
        self._trust_asked_ms = tx.now_ms
        tx.parts.trust.named = 0  # a sender who names what does not exist is believed once
        send(tx, tx.trust.hub, TrustAsk(version=tx.trust.directory_version))


def _expired(trust: Trust, now_ms: int) -> bool:
    try:
        trust.check_live(now_ms)
    except TrustExpired:
        return True
    return False


def _note(tx: Tx, feed: str, error: str) -> None:
    tx.conn.execute(update(feeds_in).where(feeds_in.c.feed == feed).values(error=error))


def _ask_heads(tx: Tx) -> None:
    query = select(feeds_in.c.feed).where(feeds_in.c.state == READING)
    for feed in tx.conn.execute(query).scalars().all():
        if feed_owner(feed) == tx.party:
            continue
        try:
            send(tx, feed_owner(feed), HeadAsk(feed=feed))
        except TrustError as error:
            _note(tx, feed, error.code)


def look(conn: Connection) -> tuple[tuple[Need, ...], bool]:
    """What each feed lacks now, and whether any message is held."""
    return read_needs(conn), conn.execute(select(held_messages.c.number)).first() is not None


def read_needs(conn: Connection) -> tuple[Need, ...]:
    """What each feed lacks now."""
    parked = (
        select(feed_in_parked.c.feed, func.min(feed_in_parked.c.seq))
        .join(
            feeds_in,
            (feeds_in.c.feed == feed_in_parked.c.feed)
            & (feeds_in.c.incarnation == feed_in_parked.c.incarnation)
            & (feed_in_parked.c.seq > feeds_in.c.seq),
        )
        .group_by(feed_in_parked.c.feed)
    )
    lowest: dict[str, int] = {feed: seq for feed, seq in conn.execute(parked)}
    ending = (feeds_in.c.state == ENDED) & (feeds_in.c.seq < feeds_in.c.fence)
    rows = conn.execute(select(feeds_in).where(feeds_in.c.state.in_((JOINING, READING)) | ending))
    needs = [need for row in rows if (need := _need(row, lowest.get(row.feed))) is not None]
    return (*needs, *_again(conn, {need.feed for need in needs}))


def _again(conn: Connection, busy: Collection[str]) -> Iterator[Need]:
    """Items to be read once more, of feeds that lack nothing else."""
    for row in conn.execute(select(feed_rereads).where(feed_rereads.c.error == "")).all():
        first = rereading.missing(conn, row)
        if first is not None and row.feed not in busy:
            last = min(row.last, first + MAX_ITEMS_AN_ASK - 1)
            yield Need(row.feed, row.incarnation, first - 1, first, last, snapshot=False)


def _need(row: Any, parked: int | None) -> Need | None:
    if row.state == JOINING:
        return Need(row.feed, row.incarnation, row.seq, 0, 0, snapshot=True)
    known = row.head_seq if row.fence is None else row.fence  # up to the fence it may be read
    last = parked - 1 if parked is not None else known
    if last <= row.seq:
        return None
    last = min(last, row.seq + MAX_ITEMS_AN_ASK)
    return Need(row.feed, row.incarnation, row.seq, row.seq + 1, last, snapshot=False)
