"""Between the store and the broker: what is due goes out, what arrives is accepted, then acked.

Each pump is a loop that looks, works, and waits for a signal. They live as long as the process,
and do what needs no link while there is none; a consumer lives as long as its link. Nothing here
decides about content.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from ortoo_protocol.bus.port import Delivery, Link, Outcome
from ortoo_protocol.core.bundles import claimed, unbundle
from ortoo_protocol.core.errors import BusError, BusForbidden, BusLost, BusMissing, StoreError
from ortoo_protocol.core.topology import QUICK
from ortoo_protocol.station import inbox, receipts
from ortoo_protocol.station.calls import Calls
from ortoo_protocol.station.context import LOCAL, Parts, Post, Swift, Tx
from ortoo_protocol.station.database import Database

WINDOW = 200
PREFETCH = 200
RETRY_S = 0.25
RETRY_CAP_S = 5.0
MAX_POSTS = 5_000
PORTION_BYTES = 4 << 20
_log = logging.getLogger(__name__)


@dataclass
class Local:
    """Letters and items to this very station: accepted without a broker."""

    queue: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(MAX_POSTS))

    def put(self, raw: bytes) -> Outcome:
        """What does not fit is dropped: it is asked for, or sent, again."""
        try:
            self.queue.put_nowait(raw)
        except asyncio.QueueFull:
            _log.warning("too much waits for this station itself")
            return Outcome.REFUSED
        return Outcome.CONFIRMED

    async def run(self, database: Database) -> None:
        while True:
            raws = [await self.queue.get()]
            while not self.queue.empty() and len(raws) < WINDOW:
                raws.append(self.queue.get_nowait())
            await accept_all(database, [(raw, "") for raw in raws])
            for _ in raws:
                self.queue.task_done()

    async def taken(self) -> None:
        """Until all that was put is accepted."""
        await self.queue.join()


@dataclass
class Wire:
    """The link in use, if any. Pumps outlive links; a publish on a lost one ends UNKNOWN."""

    link: Link | None = None
    online: asyncio.Event = field(default_factory=asyncio.Event)

    def cast(self, post: Post) -> None:
        """Calls: now, or never."""
        if self.link is not None:
            self.link.cast(post.exchange, post.routing_key, post.raw)

    def ready(self) -> Link | None:
        """The link if it takes messages now (no alarm)."""
        return None if self.link is None or self.link.blocked() else self.link


@dataclass
class Posts:
    """Replayable messages on their way to the broker; without a link they are dropped."""

    wire: Wire
    queue: asyncio.Queue[Post] = field(default_factory=lambda: asyncio.Queue(MAX_POSTS))

    def put(self, post: Post) -> None:
        if self.wire.link is None:
            return
        try:
            self.queue.put_nowait(post)
        except asyncio.QueueFull:
            _log.warning("too many messages wait for the broker: one was dropped")

    async def run(self, timeout_s: float) -> None:
        """Each leaves at once, up to WINDOW unconfirmed: an answer that waited for the confirms of
        those before it would be late by a round of the quorum."""
        room = asyncio.Semaphore(WINDOW)
        async with asyncio.TaskGroup() as group:
            while True:
                post = await self.queue.get()
                link = self.wire.link
                if link is None:
                    continue
                await room.acquire()
                task = group.create_task(publish(link, post, timeout_s))
                task.add_done_callback(lambda _: room.release())


async def publish(link: Link, post: Post, timeout_s: float, *, mandatory: bool = False) -> Outcome:
    try:
        return await link.publish(
            post.exchange, post.routing_key, post.raw, mandatory=mandatory, timeout_s=timeout_s
        )
    except BusForbidden as error:
        _log.error("%s", error)
        return Outcome.REFUSED


@dataclass(frozen=True)
class Dispatch:
    """Where a replayable message goes after the commit: to ourselves or to the broker."""

    local: Local
    posts: Posts

    def __call__(self, post: Post) -> None:
        if post.exchange == LOCAL:
            self.local.put(post.raw)
        elif post.exchange == QUICK:
            self.posts.wire.cast(post)
        else:
            self.posts.put(post)


# --- receipts -----------------------------------------------------------------------------------


async def run_receipts(database: Database, parts: Parts, wire: Wire) -> None:
    """Answer what was accepted, a batch at a time; others' only while there is a link."""
    while True:
        ticket = parts.signals.receipts.ticket()
        remote = wire.ready() is not None
        if await database.write(partial(_send_receipts, remote)):
            await asyncio.sleep(parts.timing.receipt_linger_ms / 1000)
        else:
            await ticket.wait()


def _send_receipts(remote: bool, tx: Tx) -> int:
    return receipts.send_due(tx, remote=remote)


# --- arrivals -----------------------------------------------------------------------------------


async def accept_all(database: Database, arrived: Sequence[tuple[bytes, str]]) -> None:
    """Accept each (message, who brought it), all in one commit. When the store
    cannot (disk full), wait and try again: the broker keeps them until then."""
    delay_s = RETRY_S
    while True:
        try:
            await database.write(partial(_accept, arrived))
        except StoreError as error:
            _log.error("%s", error)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_CAP_S)
        else:
            return


def _accept(arrived: Sequence[tuple[bytes, str]], tx: Tx) -> None:
    for raw, via in arrived:
        inbox.accept(tx, raw, via)


def _brought(delivery: Delivery) -> list[tuple[bytes, str]]:
    """The broker lets nobody write under a key that does not begin with the writer's name."""
    via = delivery.routing_key.partition(".")[0]
    return [(raw, via) for raw in unbundle(delivery.body)]


def _portions(deliveries: Iterable[Delivery]) -> Iterator[list[Delivery]]:
    """Deliveries in order, in portions of about WINDOW envelopes or PORTION_BYTES: what one commit
    takes stays small however many came at once."""
    portion: list[Delivery] = []
    envelopes = size_bytes = 0
    for delivery in deliveries:
        portion.append(delivery)
        envelopes += claimed(delivery.body)
        size_bytes += len(delivery.body)
        if envelopes >= WINDOW or size_bytes >= PORTION_BYTES:
            yield portion
            portion, envelopes, size_bytes = [], 0, 0
    if portion:
        yield portion


async def _take(
    database: Database, swift: Mapping[str, Swift], deliveries: Sequence[Delivery]
) -> None:
    """Accept what came. The routing key only says by which way: whoever takes it reads the kind
    from what was signed."""
    rest = list(deliveries)
    for kind, take in swift.items():
        mine = [delivery for delivery in rest if delivery.routing_key.endswith(f".{kind}")]
        if mine:
            refused = await take([delivery.body for delivery in mine])
            gone = {delivery.tag for at, delivery in enumerate(mine) if at not in refused}
            rest = [delivery for delivery in rest if delivery.tag not in gone]
    if rest:
        await accept_all(database, list(chain.from_iterable(map(_brought, rest))))


async def run_consumer(
    database: Database,
    link: Link,
    queue: str,
    on_missing: Callable[[str], None],
    swift: Mapping[str, Swift] | None = None,
    calls: Calls | None = None,
) -> None:
    """Read one queue for the life of the link. A queue that is not there yet is tried again.
    `calls`: it is the queue of those."""
    delay_s = RETRY_S
    while True:
        try:
            consumer = await link.consume(queue, prefetch=PREFETCH, settled=calls is not None)
        except (BusMissing, BusForbidden):
            on_missing(queue)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_CAP_S)
            continue
        try:
            while True:
                came = await consumer.receive(PREFETCH)
                if calls is not None:
                    await calls.take(came)
                    continue
                for deliveries in _portions(came):
                    await _take(database, swift or {}, deliveries)
                    await consumer.settle(deliveries)
        except BusLost as lost:
            # Perhaps this queue alone went (an ended grant's is deleted): the other queues go on.
            # It is asked for once more, which raises if the link is gone.
            _log.info("%s", lost)
            await asyncio.sleep(RETRY_S)
        finally:  # left alone it would go on taking, and keep from the next one what it took
            with suppress(BusError):
                await consumer.close()
