"""A member that speaks of feeds that are not its own: by itself to the hub, and to a station with
the hub's help."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from unittest import mock

import pytest

from ortoo_node import app as node_app
from ortoo_node import catalog
from ortoo_node.files.desk import Files
from ortoo_node.store import NODE
from ortoo_protocol.core import feeds
from ortoo_protocol.core.catalog import Federated, freshness
from ortoo_protocol.core.catalog.freshness import Carriage, Carried, check_carried
from ortoo_protocol.core.envelope import Position, envelope_hash, split
from ortoo_protocol.core.errors import CatalogCarried, OrtooError
from ortoo_protocol.core.ids import Plane, feed_id
from ortoo_protocol.station import feed_reader
from ortoo_protocol.station.catalog import index
from ortoo_protocol.station.store.tables import catalog_index
from tests.support import hubs
from tests.support.desk import Desk, Refused
from tests.support.letters import make_letter
from tests.support.mutation import removed, stands_by
from tests.support.stations import Kit
from tests.support.trust import HUB, NOW_MS

A, B, C = "s150700", "s150200", "s152900"
REGION = feed_id(HUB, "catalog")


class Mirror:
    """B's station, which holds an entry of A; `brought` is what the hub passes on."""

    def __init__(self, folder: Path) -> None:
        self.kit = Kit(folder)
        self.desk = Desk(self.kit, B, node_app.hooks(Files()), (NODE,))
        self.desk.do(lambda tx: feed_reader.join(tx, REGION, feed_reader.HISTORY))
        self.desk.do(lambda tx: catalog.store(tx, hubs.entry(), 1, 1))
        suite, plane = self.kit.region.suite, self.kit.region.plane
        self._seq, self._previous = 0, feeds.genesis(suite, plane, REGION, 1)

    def brought(self, sender: str, *resources: Carriage, time_ms: int = NOW_MS) -> None:
        suite, self._seq = self.kit.region.suite, self._seq + 1
        inner = make_letter(
            self.kit,
            sender,
            f"{sender}.catalog",
            Carried(time_ms=time_ms, resources=resources),
            position=Position(1, self._seq, bytes(suite.hash_bytes)),
        )
        outer = Federated(envelope=inner, accepted_ms=1)
        position = Position(1, self._seq, self._previous)
        item = make_letter(self.kit, HUB, REGION, outer, position=position)
        envelope = split(item, suites=self.kit.region.suites, plane=Plane.EXTRANET)
        self._previous = envelope_hash(envelope)
        self.desk.take(item)

    @property
    def carried_ms(self) -> int | None:
        (row,) = self.desk.rows(catalog_index)
        found: int | None = row.carried_ms
        return found


@pytest.fixture
async def mirror(tmp_path: Path) -> AsyncIterator[Callable[[], Mirror]]:
    made: list[Mirror] = []

    def new() -> Mirror:
        made.append(Mirror(tmp_path / str(len(made))))
        return made[-1]

    yield new
    for each in made:
        each.desk.close()


async def test_a_provider_speaks_of_its_feeds(mirror: Callable[[], Mirror]) -> None:
    station = mirror()
    assert station.carried_ms is None
    station.brought(A, Carriage(hubs.RESOURCE, 3, NOW_MS - 5))
    assert station.carried_ms == NOW_MS - 5
    station.brought(A, Carriage(hubs.RESOURCE, 2, NOW_MS - 9), Carriage("3unknown", 1, 1))
    assert station.carried_ms == NOW_MS - 5, "the later word counts"


async def test_anothers_feed_is_not_spoken_of(mirror: Callable[[], Mirror]) -> None:
    def attack() -> None:
        station = mirror()
        station.brought(C, Carriage(hubs.RESOURCE, 3, NOW_MS - 5))
        if station.carried_ms is None:
            raise OrtooError()

    stands_by(
        attack,
        OrtooError,
        removed(index.check_owner, "CatalogOwner"),
        # What is kept is kept where the provider is the one who said it.
        lambda: mock.patch.object(index, "_CARRIED", _WITHOUT_PROVIDER),
    )
    with pytest.raises(Refused) as caught:
        mirror().brought(C, Carriage(hubs.RESOURCE, 3, 5))
    assert caught.value.code == "catalog.owner"


async def test_nothing_is_carried_after_it_was_said(mirror: Callable[[], Mirror]) -> None:
    """It would look fresh for as long as its provider likes."""

    def attack() -> None:
        mirror().brought(A, Carriage(hubs.RESOURCE, 3, NOW_MS * 2), time_ms=NOW_MS)

    stands_by(attack, CatalogCarried.code, removed(check_carried, "CatalogCarried"))


@pytest.mark.parametrize("count", [0, freshness.MAX_STATED + 1])
async def test_how_many_are_spoken_of(mirror: Callable[[], Mirror], count: int) -> None:
    many = [Carriage(f"3{number}", 1, 1) for number in range(count)]
    with pytest.raises(Refused) as caught:
        mirror().brought(A, *many)
    assert caught.value.code == CatalogCarried.code


class _Unguarded:
    """`index._CARRIED` without its condition on the provider."""

    def many(self, conn: object, rows: list[tuple[str, str, int, int, int]]) -> None:
        for code, _by, _newer, carried_ms, seq in rows:
            where = catalog_index.c.code == code
            values = {"carried_ms": carried_ms, "carried_seq": seq}
            conn.execute(catalog_index.update().where(where).values(values))  # type: ignore[attr-defined]


_WITHOUT_PROVIDER = _Unguarded()
