"""The index follows the entries that are stored: in one transaction, and after an upgrade."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import text, update

from ortoo_node import catalog
from ortoo_node.store import NODE
from ortoo_node.store import tables as node_tables
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.errors import CatalogOwner
from ortoo_protocol.station.catalog.index import AT_ONCE, catch_up
from ortoo_protocol.station.catalog.searching import Asked, search
from ortoo_protocol.station.catalog.stored import pack, unpack
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import catalog_index, catalog_index_made
from tests.support.desk import Desk
from tests.support.made_catalog import entries
from tests.support.stations import Kit


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(Kit(tmp_path), "s150700", None, (NODE,))
    yield made
    made.close()


def found(desk: Desk, words: str) -> set[str]:
    return set(desk.do(lambda tx: search(tx.conn, Asked(words)).codes))


def test_what_is_taken_back_is_not_found(desk: Desk) -> None:
    first, second, third = (
        replace(each, name=name)
        for each, name in zip(entries(3), ("甲种清单", "乙种清单", "丙种清单"), strict=True)
    )

    def job(tx: Tx) -> None:
        catalog.store(tx, first, 1, 1)
        with suppress(CatalogOwner), tx.attempt():
            catalog.store(tx, second, 2, 2)
            catalog.store(tx, replace(first, name="改名", version=2), 3, 3)
            raise CatalogOwner(resource=second.code)
        catalog.store(tx, third, 4, 4)
        catalog.store(tx, replace(third, name="丁种清单", version=2), 5, 5)

    desk.do(job)
    assert found(desk, "清单") == {first.code, third.code}
    assert found(desk, "甲种") == {first.code}
    assert found(desk, "丁种") == {third.code}
    for gone in ("乙种", "改名", "丙种"):
        assert found(desk, gone) == set()
    desk.do(lambda tx: catalog.store(tx, replace(first, name="戊种清单", version=2), 6, 6))
    assert found(desk, "甲种") == set()
    assert found(desk, "戊种") == {first.code}


class _Station:
    """As much of a station as catching up needs."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.jobs = 0

    async def read(self, query: object) -> object:
        raise AssertionError(query)

    async def write(self, work: object) -> object:
        self.jobs += 1
        return self.desk.do(work)  # type: ignore[arg-type]


async def test_entries_of_an_earlier_version_are_indexed(desk: Desk) -> None:
    """Stored as plain msgpack, and with no index at all."""
    made = list(entries(AT_ONCE + 30, ("s150700",)))
    kept = ("code", "version", "name", "provider", "department", "share_type", "status", "feed")
    rows = [
        {
            **{name: getattr(each, name) for name in kept},
            "entry": encode(each),
            "accepted_ms": None if at % 2 else 7,
            "number": at,
        }
        for at, each in enumerate(made)
    ]
    desk.do(lambda tx: tx.conn.execute(node_tables.catalog.insert(), rows))
    assert found(desk, "") == set()
    station = _Station(desk)
    assert await catch_up(station, node_tables.catalog, "accepted_ms") == len(made)  # type: ignore[arg-type]
    assert station.jobs == 3
    assert desk.do(lambda tx: search(tx.conn, Asked("许可")).total) == sum(
        "许可" in f"{each.name}{each.abstract}" for each in made
    )
    assert await catch_up(station, node_tables.catalog, "accepted_ms") == 0  # type: ignore[arg-type]
    # And again when texts are cut otherwise; what is changed meanwhile is there once.
    desk.do(lambda tx: tx.conn.execute(update(catalog_index_made).values(version=0)))

    def both(tx: Tx) -> None:
        catalog.store(tx, replace(made[0], name="另一个名称", version=2), 1, 1)

    assert await catch_up(station, node_tables.catalog, "accepted_ms") == len(made)  # type: ignore[arg-type]
    desk.do(both)
    assert found(desk, "另一个名称") == {made[0].code}
    assert len(desk.rows(catalog_index)) == len(made)
    check = text("INSERT INTO catalog_grams (catalog_grams) VALUES ('integrity-check')")
    desk.do(lambda tx: tx.conn.execute(check))


def test_entries_lie_compressed() -> None:
    (made,) = entries(1)
    assert unpack(pack(made)) == unpack(encode(made)) == made
    assert len(pack(made)) < len(encode(made)) / 2
