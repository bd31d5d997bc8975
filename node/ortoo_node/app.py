"""A station's application on the engine: its handlers, its loops, its subscriptions at work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from ortoo_node import cases, catalog, demands, granting
from ortoo_node.api.answers import Answers
from ortoo_node.cases import arriving, comparing, delivery, noting, settling
from ortoo_node.catalog import changes, conflicts, federated, freshness
from ortoo_node.catalog.attachment import Attachments
from ortoo_node.catalog.rules import Rules, of_settings
from ortoo_node.corrections import doubting
from ortoo_node.files import orders
from ortoo_node.files.desk import Files
from ortoo_node.publishing import Publisher, Schedule
from ortoo_node.quality import tasks
from ortoo_node.quality.inspection import Inspector
from ortoo_node.queries.desk import Queries
from ortoo_node.reading import Reading
from ortoo_node.settings import NodeSettings
from ortoo_node.sinks.door import StationDoor
from ortoo_node.store.tables import catalog as entries
from ortoo_node.supervision.sources import sources
from ortoo_node.use import announcing, consenting, recording
from ortoo_node.use import desk as use
from ortoo_protocol.console.requests import Requests
from ortoo_protocol.core import topology
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.ids import feed_id
from ortoo_protocol.core.verify import Opened
from ortoo_protocol.station import feed_reader, feed_writer
from ortoo_protocol.station.catalog.index import catch_up
from ortoo_protocol.station.context import Hooks, SettledLetter, Tx
from ortoo_protocol.station.launch import clock
from ortoo_protocol.station.notify import telling
from ortoo_protocol.station.notify.notifier import Notifier
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.supervision import hooks as supervision
from ortoo_protocol.station.supervision import watching

EXPIRY_S = 5.0
COMPARE_S = 6 * 3600.0
QUALITY_S = 30.0
TALLY_S = 60.0


def _on_ended(tx: Tx, opened: Opened[Shape]) -> None:
    cases.ended(tx, granting.on_ended(tx, opened), "grant.ended")


def _on_settled(tx: Tx, letter: SettledLetter) -> None:
    settling.on_settled(tx, letter)
    orders.on_settled(tx, letter)
    supervision.on_settled(tx, letter)
    use.on_settled(tx, letter)


def hooks(files: Files | None = None, queries: Queries | None = None) -> Hooks:
    """What a station does with each kind of message that the engine leaves to it. Without `files`
    and `queries` it knows none of their letters."""
    return Hooks(
        handlers={
            **({} if files is None else files.handlers()),
            "catalog.federated": federated.take,
            "catalog.refused": catalog.refused,
            "catalog.conflict": conflicts.take,
            "case.application": arriving.on_application,
            "case.completion": arriving.on_completion,
            "case.attachment": arriving.on_attachment,
            "case.answer": arriving.on_answer,
            "case.withdrawal": arriving.on_withdrawal,
            "case.step": arriving.on_step,
            "case.ruling": arriving.on_ruling,
            "case.records": noting.on_records,
            "demand.assigned": demands.on_assigned,
            "demand.answer": demands.on_answer,
            "case.compared": comparing.on_compared,
            "grant.issued": arriving.on_issued,
            "grant.ended": _on_ended,
            "stop.filing": granting.on_filing,
            **use.handlers(),
            **({} if queries is None else queries.handlers()),
            **supervision.handlers(),
        },
        settled=_on_settled,
        swift={} if files is None else files.swift(),
        answers={} if queries is None else queries.answers(),
        clock={
            tasks.DUTY: tasks.on_clock,
            **supervision.clocks(),
            **use.clocks(),
            "": telling.on_clock,
        },
    )


@dataclass
class NodeApp:
    """`start` before the station runs; `loops` while it runs."""

    station: Station
    settings: NodeSettings
    publisher: Publisher
    files: Files
    queries: Queries
    answers: Answers = field(default_factory=Answers)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    requests: Requests = field(default_factory=Requests)
    started_ms: int = field(default_factory=clock)
    schedule: Schedule = field(init=False)
    door: StationDoor = field(init=False)
    reading: Reading = field(init=False)
    rules: Rules = field(init=False)
    attachments: Attachments = field(init=False)
    notifier: Notifier = field(init=False)

    def __post_init__(self) -> None:
        self.rules = of_settings(self.settings.catalog)
        every_s = self.settings.catalog.drift_every_s
        self.attachments = Attachments(self.station, self.settings, every_s)
        self.schedule = Schedule(self.publisher)
        language = self.settings.station.language
        self.notifier = Notifier(self.station, self.settings.notify, language)
        self.files.serve(self.station, self.settings, self.schedule.publish)
        self.door = StationDoor(self.station, asyncio.get_running_loop())
        self.reading = Reading(self.station, self.settings, self.door, self.files.sink_of)
        self.queries.attach(self.station)

    @property
    def loops(self) -> Sequence[Callable[[], Awaitable[None]]]:
        """What runs beside the station."""
        own = (
            self.subscriptions,
            self.expiry,
            self.compare,
            self.quality,
            self.schedule.loop,
            self.catalog,
        )
        return (
            *own,
            self.corrections,
            self.use_records,
            *self.files.loops(),
            self.queries.run,
            self.attachments.loop,
            *self.notifier.loops,
            self.supervision,
        )

    async def start(self) -> None:
        """Open the own catalog, read the region's feeds, take up the subscriptions."""
        await self.station.write(self._join_region)
        await self.publisher.onward.catch_up()
        hub, party = self.station.parts.trust.current.hub, self.station.party
        for name in ("directory", "catalog"):
            self.station.read_queue(topology.feed_queue(party, feed_id(hub, name)))
        await self.reading.follow()

    async def end(self) -> None:
        """Before the store is closed: nobody comes through the door any more."""
        self.closing.set()
        self.door.close()
        await self.notifier.close()
        for worker in self.station.workers.values():
            await asyncio.to_thread(worker.sink.close)

    def now_ms(self) -> int:
        return self.station.parts.clock()

    def _join_region(self, tx: Tx) -> None:
        feed_writer.open_feed(tx, catalog.own_feed(tx.party), sealed=False)
        for name in ("directory", "catalog"):
            feed_reader.join(tx, feed_id(tx.trust.hub, name), feed_reader.HISTORY)
        changes.adopt(tx)

    async def subscriptions(self) -> None:
        """Read and apply what is granted and not held."""
        await self.reading.run()

    async def catalog(self) -> None:
        """Index what an earlier version stored, then look after freshness."""
        await catch_up(self.station, entries, "accepted_ms")
        await freshness.watch(self.station)

    async def supervision(self) -> None:
        """Look for leads daily."""
        await watching.watch(self.station, sources(self.station.party))

    @property
    def inspector(self) -> Inspector:
        return Inspector(self.publisher, self.settings.quality)

    async def quality(self) -> None:
        """Check the resources whose turn it is."""
        while True:
            await self.inspector.check_due()
            self.publisher.quality.rest()
            await asyncio.sleep(QUALITY_S)

    async def use_records(self) -> None:
        """Count what was delivered; let go what is older than the law keeps it."""
        while True:
            await self.station.write(recording.tally)
            await self.station.write(recording.forget)
            await asyncio.sleep(TALLY_S)

    async def corrections(self) -> None:
        """Close corrections whose row has come."""
        await doubting.watch(self.station)

    async def compare(self) -> None:
        """Ask the hub now and then whether it holds the same state of each case."""
        while True:
            await asyncio.sleep(COMPARE_S)
            await self.station.write(comparing.ask)

    async def expiry(self) -> None:
        """End what has run out."""
        while True:
            await self.station.write(_expire)
            await asyncio.sleep(EXPIRY_S)


def _expire(tx: Tx) -> None:
    for case in announcing.carry_out(tx):
        cases.ended(tx, case, "grant.ended")
    for case in consenting.lapse(tx):
        cases.ended(tx, case, consenting.OVER)
    for case in granting.expire(tx):
        cases.expired(tx, case, granting.EXPIRED)
    delivery.look(tx)
    demands.look(tx)
