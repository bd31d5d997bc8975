"""Two real stations and a real hub without a broker: the test carries each letter itself, when and
in what order it likes, some twice, some not at all. Stores, handlers and outboxes are the real
ones; what is lost is sent again from the outbox, as the pump would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, select

from ortoo_protocol.bus.memory import MemoryLink
from ortoo_protocol.core.envelope import split
from ortoo_protocol.core.verify import read_header
from ortoo_protocol.station import inbox, receipts
from ortoo_protocol.station.context import LOCAL, Post, Tx
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import outbox, outbox_envelopes
from tests.node.kit import open_node
from tests.support.hubs import PROVIDER, READER, HubKit, Running, methods
from tests.support.requests_rig import Requests, requests
from tests.support.trust import HUB, Region

MOST_ROUNDS = 20
_WAITS = ("feed.key",)  # of a grant that did not come to be: until it is too old


@dataclass(frozen=True)
class Carried:
    """A message on its way; printed it says which, for whoever reads a failure."""

    sender: str
    recipient: str
    kind: str
    raw: bytes

    def is_of(self, kind: str, to: str) -> bool:
        return self.kind == kind and to in ("", self.recipient)

    @property
    def note(self) -> str:
        return f"{self.sender} > {self.recipient} {self.kind}"


@dataclass(repr=False)
class PostOffice:
    """`bag`: what was posted and not delivered. A lost letter is one taken out of it."""

    rig: Requests
    bag: list[Carried] = field(default_factory=list)
    _posted: set[Carried] = field(default_factory=set)

    @property
    def stations(self) -> tuple[Station, ...]:
        return (self.rig.reader.app.station, self.rig.provider.app.station, self.rig.hub)

    async def collect(self) -> None:
        """Everything that the three have to send, into the bag."""
        for station in self.stations:
            await station.write(lambda tx: receipts.send_due(tx, remote=True))
            waiting = await station.read(lambda conn, s=station: _due(conn, s, "waiting"))
            self.bag += [each for each in waiting if each not in self._posted]
            self._posted |= set(waiting)
            self.bag += await station.write(lambda tx, s=station: _pass(tx, s))
            self.bag += [_carried(station, post) for post in _posts(station)]

    async def deliver(self, place: int, *, again: bool = False) -> None:
        """The letter at `place` of the bag; with `again` it stays there and comes once more."""
        letter = self.bag[place] if again else self.bag.pop(place)
        to = next(each for each in self.stations if each.party == letter.recipient)
        await to.write(lambda tx: inbox.accept(tx, letter.raw, letter.sender))
        await to.write(inbox.retry_held)

    async def carry(self, *kinds: str, to: str = "") -> None:
        """Deliver what of these kinds lies in the bag, in that order, and nothing else."""
        for kind in kinds:
            await self.collect()
            for letter in [each for each in self.bag if each.is_of(kind, to)]:
                await self.deliver(self.bag.index(letter))

    async def lose(self, kind: str, to: str = "") -> None:
        await self.collect()
        kept = [each for each in self.bag if not each.is_of(kind, to)]
        assert len(kept) < len(self.bag), f"no {kind} to lose"
        self.bag = kept

    async def settle(self) -> None:
        """Deliver until nothing moves any more; what was lost is sent again."""
        carried: list[str] = []
        for _ in range(MOST_ROUNDS):
            await self.collect()
            if not self.bag and not await self._sends_again():
                return
            carried = [each.note for each in self.bag]
            while self.bag:
                await self.deliver(0)
        raise AssertionError(f"it does not come to rest: {carried}")

    async def _sends_again(self) -> bool:
        for station in self.stations:
            again = await station.read(lambda conn, s=station: _due(conn, s, "waiting"))
            self.bag += [letter for letter in again if letter.kind not in _WAITS]
        return bool(self.bag)


def _pass(tx: Tx, station: Station) -> list[Carried]:
    """What the hub passes on waits for the broker alone."""
    passing = _due(tx.conn, station, "passing")
    tx.conn.execute(outbox.delete().where(outbox.c.state == "passing"))
    known = select(outbox.c.number)
    tx.conn.execute(outbox_envelopes.delete().where(outbox_envelopes.c.number.not_in(known)))
    return passing


def _due(conn: Connection, station: Station, state: str) -> list[Carried]:
    query = (
        select(outbox, outbox_envelopes.c.raw)
        .join(outbox_envelopes, outbox_envelopes.c.number == outbox.c.number)
        .where(outbox.c.state == state)
        .order_by(outbox.c.number)
    )
    rows = conn.execute(query).all()
    return [_to(station, row.exchange, row.routing_key, row.raw) for row in rows]


def _posts(station: Station) -> Iterator[Post]:
    posts, own = station.posts.queue, station.local.queue
    while not posts.empty():
        yield posts.get_nowait()
    while not own.empty():
        yield Post(LOCAL, station.party, own.get_nowait())


def _carried(station: Station, post: Post) -> Carried:
    return _to(station, post.exchange, post.routing_key, post.raw)


def _to(station: Station, exchange: str, routing_key: str, raw: bytes) -> Carried:
    parts, recipient = station.parts, HUB
    if exchange == LOCAL:
        recipient = station.party
    elif exchange != "hub":
        recipient = routing_key.split(".")[1]
    envelope = split(raw, suites=parts.suites, plane=parts.identity.plane)
    kind = read_header(envelope).kind
    return Carried(station.party, recipient, kind, raw)


@asynccontextmanager
async def post_office(folder: Path, profile: str) -> AsyncIterator[PostOffice]:
    """The three resources of `requests_rig` are in every catalog."""
    kit = HubKit(folder, region=Region(profile=profile))
    async with requests(folder, kit=kit):
        pass  # catalogs are exchanged over a broker; from here on there is none
    provider, reader = (open_node(kit, party, online=False) for party in (PROVIDER, READER))
    hub = kit.hub()
    stations = (provider.app.station, reader.app.station)
    running = Running(kit, hub, stations, methods(hub))
    office = PostOffice(Requests(running, provider, reader, {}))
    for station in office.stations:  # without one it posts nothing
        station.wire.link = MemoryLink(kit.broker, station.party)
    try:
        await office.settle()
        yield office
    finally:
        for node in (provider, reader):
            await node.app.queries.close()
            await node.app.station.close()
        await hub.station.close()
