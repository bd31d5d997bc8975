"""A running station (or hub): the composition root of the engine, its supervisor, its shutdown.

Pumps live as long as the process, consumers as long as a link. When the link is lost a new one is
sought with full-jitter back-off; nothing else stops. Shutdown ends all tasks, then the link, then
the store: what is not yet in the store stays with the broker.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection

from ortoo_protocol.bus.port import Bus, Link
from ortoo_protocol.core import topology
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import BusError, BusLost, OrtooError, SinkError
from ortoo_protocol.core.keys import Random, Suites
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.core.verify import Opened
from ortoo_protocol.station import (
    asks,
    checkpoints,
    dispatching,
    event_feed,
    feed_pump,
    feed_writer,
    gazette,
    outbox_pump,
    proofs,
    pumps,
    retention,
    traffic,
    trusting,
    witnessing,
)
from ortoo_protocol.station.apply import ApplyWorker
from ortoo_protocol.station.calls import Calls
from ortoo_protocol.station.clocks import running, taking
from ortoo_protocol.station.clockwatch import ClockWatch
from ortoo_protocol.station.context import (
    Handler,
    Hooks,
    Identity,
    Leaves,
    Parts,
    Signals,
    TrustBox,
    Tx,
    wait,
)
from ortoo_protocol.station.database import Database
from ortoo_protocol.station.ports import Cursor, Sink
from ortoo_protocol.station.recovery import Recovery
from ortoo_protocol.station.settings import Timing
from ortoo_protocol.station.snapshots import SnapshotPump
from ortoo_protocol.station.store.store import Store

T = TypeVar("T")
CLOCK_LOOK_S = 1.0
STEADY_CAP_S = 10.0
SWEEP_S = 3_600.0
_log = logging.getLogger(__name__)


def _checkpoint_came(tx: Tx, opened: Opened[Shape]) -> None:
    from_hub = opened.header.sender == tx.trust.hub
    (witnessing.cosign if from_hub else checkpoints.take)(tx, opened)


def _cosignature_came(tx: Tx, opened: Opened[Shape]) -> None:
    at_hub = tx.party == tx.trust.hub
    (witnessing.witnessed if at_hub else checkpoints.cosigned)(tx, opened)


ENGINE_HANDLERS: dict[str, Handler] = {
    **asks.HANDLERS,
    "journal.checkpoint": _checkpoint_came,
    "journal.cosigned": _cosignature_came,
    "journal.witness": witnessing.answer,
    "trust.update": trusting.update,
    "calendar.years": taking.take,
    "announcement.issued": gazette.take,
    "announcement.withdrawn": gazette.take_withdrawal,
    "proof.ask": proofs.ask,
    "dispatch.sent": dispatching.receive,
}


def boot_ms() -> int:
    """A clock that nobody sets, in ms; it goes on while the machine sleeps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


@dataclass(frozen=True)
class Surroundings:
    """What a station does not make itself: store, trust, way to the broker, time, chance."""

    store: Store
    trust: Trust
    bus: Bus | None
    suites: Suites
    clock: Callable[[], int]
    rand: Random
    timing: Timing
    boot_ms: Callable[[], int] = boot_ms


@dataclass
class Station:
    """`queues`: those read for as long as the station runs, beside those of subscriptions."""

    parts: Parts
    database: Database
    bus: Bus | None
    wire: pumps.Wire
    local: pumps.Local
    posts: pumps.Posts
    recovery: Recovery
    queues: set[str]
    calls: Calls
    workers: dict[str, ApplyWorker] = field(default_factory=dict)
    link_error: BusError | None = None
    linked_ms: int = 0  # since when it is as it is, linked or not
    _group: asyncio.TaskGroup | None = None
    _consumers: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _session: asyncio.TaskGroup | None = None
    _applying: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def party(self) -> str:
        return self.parts.identity.party

    async def write(self, job: Callable[[Tx], T], *, alone: bool = False) -> T:
        return await self.database.write(job, alone=alone)

    def start(self, job: Callable[[Tx], T]) -> asyncio.Future[T]:
        """Begin a write and go on meanwhile."""
        return self.database.start(job)

    async def read(self, job: Callable[[Connection], T]) -> T:
        return await self.database.read(job)

    async def read_long(self, job: Callable[[Connection], T]) -> T:
        """In a thread, for what works on many rows."""
        return await self.database.read_long(job)

    # --- running ---

    async def run(self, also: Iterable[Callable[[], Awaitable[None]]] = ()) -> None:
        """Run until cancelled. `also` are the application's own loops. An error that no pump can
        live with ends them all and is raised."""
        outbox = outbox_pump.OutboxPump(self.database, self.parts, self.local, self.wire)
        feeds = feed_pump.FeedPump(self.database, self.parts, self.local, self.wire)
        snapshots = SnapshotPump(self.database, self.parts, self.local, self.wire)
        try:
            async with asyncio.TaskGroup() as group:
                start = group.create_task
                start(self.local.run(self.database), name="local")
                start(self.posts.run(self.parts.timing.publish_timeout_s), name="posts")
                start(_steady(outbox.run), name="outbox")
                start(outbox.run_fresh(), name="fresh")
                start(_steady(feeds.run), name="feeds")
                start(_steady(snapshots.run), name="snapshots")
                start(
                    _steady(partial(pumps.run_receipts, self.database, self.parts, self.wire)),
                    name="receipts",
                )
                start(
                    _steady(partial(event_feed.run_sealing, self.database, self.parts)),
                    name="events",
                )
                start(_steady(self.recovery.run), name="recovery")
                start(_steady(partial(running.run, self.database, self.parts)), name="clocks")
                start(_steady(self._checkpoints), name="checkpoints")
                start(_steady(self._witness), name="witness")
                start(_steady(self._heads), name="heads")
                start(_steady(self._forget), name="retention")
                start(_steady(partial(traffic.run, self.database, self.party)), name="traffic")
                start(_steady(self._watch_clock), name="clock")
                for loop in also:
                    start(_steady(loop), name="application")
                # Letters to this station itself were with nobody when it died.
                start(_steady(partial(self.write, outbox_pump.make_all_due)), name="due")
                self._group = group
                for worker in self.workers.values():
                    self._start_applying(group, worker)
                if self.bus is not None:
                    start(self._keep_linked(self.bus), name="link")
        finally:
            self._group = None

    async def close(self) -> None:
        """After `run` has ended: the link, then the store."""
        if self.wire.link is not None:
            await self.wire.link.close()
        await self.database.close()

    # --- subscriptions ---

    def apply_to(
        self,
        feed: str,
        subscription: str,
        sink: Sink,
        on_stuck: Callable[[SinkError], Awaitable[None]] | None = None,
        on_lost: Callable[[Cursor], Awaitable[bool]] | None = None,
    ) -> None:
        """Apply `feed` to `sink` from now on; several subscriptions may read one feed. `on_stuck`
        is told when a person has to act before it can go on, `on_lost` when it lacks events."""
        if subscription in self.workers:
            return
        worker = ApplyWorker(self.database, self.parts, feed, subscription, sink)
        if on_stuck is not None:
            worker.on_stuck = on_stuck
        if on_lost is not None:
            worker.on_lost = on_lost
        self.workers[subscription] = worker
        if self._group is not None:
            self._start_applying(self._group, worker)

    def _start_applying(self, group: asyncio.TaskGroup, worker: ApplyWorker) -> None:
        name = f"apply {worker.feed}"
        self._applying[worker.subscription] = group.create_task(_steady(worker.run), name=name)

    async def stop_applying(self, subscription: str) -> None:
        """Let the worker of `subscription` finish its step, then close its sink. Accepting goes on.
        Not from within that worker."""
        worker = self.workers.get(subscription)
        if worker is None:
            return
        worker.stop()
        task = self._applying.pop(subscription, None)
        if task is not None:
            await asyncio.wait([task])
        self.workers.pop(subscription, None)
        await asyncio.to_thread(worker.sink.close)

    def read_queue(self, queue: str) -> None:
        """Consume `queue` on this and every later link."""
        self.queues.add(queue)
        if self._session is not None and self.wire.link is not None:
            self._consume(self._session, self.wire.link, queue)

    def leave_queue(self, queue: str) -> None:
        self.queues.discard(queue)
        task = self._consumers.pop(queue, None)
        if task is not None:
            task.cancel()

    # --- the link ---

    async def _keep_linked(self, bus: Bus) -> None:
        timing = self.parts.timing
        attempt = 0
        while True:
            try:
                link = await bus.connect()
            except BusError as error:
                self.link_error = error
                _log.warning("%s", error)
            else:
                attempt = 0
                self.link_error = None
                try:
                    await self._use(link)
                finally:
                    self.wire.link = None
                    self.linked_ms = self.parts.clock()
                    self.wire.online.clear()
                    with suppress(BusError):
                        await link.close()
                _log.warning("the link to the broker is gone; a new one is sought")
            ceiling_s = min(timing.reconnect_cap_s, timing.reconnect_first_s * 2**attempt)
            attempt = min(attempt + 1, 16)
            chance = int.from_bytes(self.parts.rand(2), "big") / 65_536
            await asyncio.sleep(max(0.05, ceiling_s * chance))

    async def _use(self, link: Link) -> None:
        """Work on one link until it is lost."""
        self.wire.link = link
        self.wire.online.set()
        self.linked_ms = self.parts.clock()
        _log.info("linked to the broker")
        try:
            async with asyncio.TaskGroup() as session:
                self._session = session
                for queue in sorted(self.queues):
                    self._consume(session, link, queue)
                signals = self.parts.signals
                for signal in (signals.feeds, signals.receipts, signals.gaps, signals.outbox):
                    signal.set()
                session.create_task(_steady(self._greet), name="greet")
                await link.wait_lost()
                raise BusLost(detail="closed")
        except* BusLost as lost:
            self.link_error = BusLost(detail="closed")
            _log.info("%s", lost.exceptions[0])
        finally:
            self._session = None
            self._consumers.clear()
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError  # it came with the loss, and the group raised that alone

    async def _greet(self) -> None:
        """On a new link: what is on the way is sent again, and what was missed is asked for."""
        await self.write(outbox_pump.make_all_due)
        await self.recovery.ask_heads()

    def _consume(self, session: asyncio.TaskGroup, link: Link, queue: str) -> None:
        if queue in self._consumers:
            return
        bulk = queue == topology.bulk_queue(self.party)
        swift = self.parts.hooks.swift if bulk else {}
        calls = self.calls if queue == topology.quick_queue(self.party) else None
        task = session.create_task(
            pumps.run_consumer(self.database, link, queue, self._queue_missing, swift, calls),
            name=f"consume {queue}",
        )
        self._consumers[queue] = task

    def _queue_missing(self, queue: str) -> None:
        _log.info("the broker has no queue %s yet", queue)

    # --- by the clock ---

    async def _checkpoints(self) -> None:
        while True:
            ticket = self.parts.signals.leaves.ticket()
            await self.write(_checkpoint)
            await wait(ticket, self.parts.timing.checkpoint_s)

    async def _witness(self) -> None:
        """Each station at a moment of its own: the hub is not asked by all at once."""
        chance = int.from_bytes(self.parts.rand(2), "big") / 65_536
        await self.wire.online.wait()
        await asyncio.sleep(min(5.0, self.parts.timing.witness_s) * chance)
        while True:
            await self.write(witnessing.ask)
            await asyncio.sleep(self.parts.timing.witness_s * (0.9 + chance / 5))

    async def _forget(self) -> None:
        while True:
            await self.write(retention.sweep, alone=True)  # it may erase much
            await asyncio.sleep(SWEEP_S)

    async def _watch_clock(self) -> None:
        """When somebody sets the clock, nothing may go on waiting for a time of the old one."""
        watch = self.parts.watch
        while True:
            await asyncio.sleep(CLOCK_LOOK_S)
            if step_ms := watch.stepped_ms():
                _log.warning("[trust.clock] the clock was set by %+.1f s", step_ms / 1000)
                self.recovery.forget_times()
                await self.write(outbox_pump.make_all_due)

    async def _heads(self) -> None:
        while True:
            await asyncio.sleep(self.parts.timing.head_s)
            await self.write(_post_heads)


def _checkpoint(tx: Tx) -> None:
    if not tx.trust.directory_version:
        return
    checkpoints.make(tx)


def _post_heads(tx: Tx) -> None:
    feed_writer.post_heads(tx)


async def _steady(loop: Callable[[], Coroutine[Any, Any, None] | Awaitable[None]]) -> None:
    """Run `loop`; when the store or the law of the moment stops it, wait and start it again.
    Anything else is a defect, comes out and ends the process."""
    delay_s, last = 0.25, ""
    while True:
        begun_s = time.monotonic()
        try:
            await loop()
            return
        except OrtooError as error:
            if time.monotonic() - begun_s > 2 * STEADY_CAP_S:  # it had recovered
                delay_s, last = 0.25, ""
            # Said once, not six times a minute by each of ten loops.
            _log.log(logging.DEBUG if error.code == last else logging.ERROR, "%s", error)
            last = error.code
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, STEADY_CAP_S)


def make_station(identity: Identity, around: Surroundings, hooks: Hooks) -> Station:
    """Put a station together; nothing runs yet."""
    handlers = {**ENGINE_HANDLERS, **hooks.handlers}
    watch = ClockWatch(identity.party, around.clock, around.boot_ms)
    watch.recall(around.trust.hub, around.trust.timestamp_ms)
    wire, local = pumps.Wire(), pumps.Local()
    posts = pumps.Posts(wire)
    parts = Parts(
        identity=identity,
        suites=around.suites,
        trust=TrustBox(around.trust),
        clock=around.clock,
        rand=around.rand,
        timing=around.timing,
        hooks=replace(hooks, handlers=handlers),
        signals=Signals(leaves=Leaves(around.timing.checkpoint_rows)),
        post=pumps.Dispatch(local, posts),
        watch=watch,
    )
    database = Database(around.store, parts)
    party = identity.party
    queues = {
        topology.inbox_queue(party),
        topology.bulk_queue(party),
        topology.quick_queue(party),
    }
    if party == around.trust.hub:
        queues = {topology.HUB_INBOX}
    return Station(
        parts=parts,
        database=database,
        bus=around.bus,
        wire=wire,
        local=local,
        posts=posts,
        recovery=Recovery(database, parts, wire.online),
        queues=queues,
        calls=Calls(database, parts),
    )
