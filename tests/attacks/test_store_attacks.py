"""Attacks on what a station keeps: its store, its key file, its journal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ortoo_protocol.core.errors import (
    JournalConsistency,
    JournalTree,
    KeyFilePlane,
    StorePlane,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.merkle import Frontier, leaf_hash
from ortoo_protocol.station import (
    checkpoints,
    keyfile,
)
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.keyfile import KeyFile
from ortoo_protocol.station.store import journal_rows, store
from ortoo_protocol.station.store.dialect import upsert
from ortoo_protocol.station.store.migrate import STATION
from ortoo_protocol.station.store.tables import (
    journal,
    journal_frontier,
    journal_nodes,
)
from tests.support.desk import Desk
from tests.support.hostile import (
    FEED,
    B,
    C,
    NewDesk,
    desk,
    read_by,
)
from tests.support.mutation import removed, replaced, stands_by
from tests.support.trust import HUB, Region, seeded

__all__ = ["desk"]


# --- store, keys, journal -------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"plane": Plane.INTRANET}, {"party": C}])
def test_the_store_of_another_plane_or_party(desk: NewDesk, change: dict[str, Any]) -> None:
    def attack() -> None:
        """Closing and opening are part of it: two cannot hold one store."""
        station = desk(B)
        station.close()
        facts = {"party": B, "plane": Plane.EXTRANET, **change}
        try:
            other = store.open_store(station.path, facts["party"], facts["plane"], (STATION,))
            other.writing.dispose()
            os.close(other.lock)
        finally:
            station._open()

    stands_by(attack, StorePlane, removed(store._check_stamp, "StorePlane"))


@pytest.mark.parametrize("change", [{"plane": Plane.INTRANET}, {"party": C}])
def test_the_key_file_of_another_plane_or_party(tmp_path: Path, change: dict[str, Any]) -> None:
    region = Region()
    keys = KeyFile.create(
        plane=Plane.EXTRANET, party=B, role="station", suite=region.suite, rand=seeded("keys"),
        now_ms=region.now_ms,
    )  # fmt: skip
    facts = {"plane": Plane.EXTRANET, "party": B, **change}

    def attack() -> None:
        path = tmp_path / "station.key"
        keys.save(path, "open sesame", rand=seeded("save"), replace_existing=True)
        KeyFile.load(path, "open sesame", suites=region.suites, **facts)

    stands_by(
        attack,
        KeyFilePlane,
        removed(KeyFile.load, "KeyFilePlane"),
        replaced(keyfile, "_context", lambda *_: b""),
    )


def history(desk: NewDesk) -> Desk:
    publisher, _ = read_by(desk, B)
    publisher.publish(FEED, ("002", "乙"), ("003", "丙"))
    return publisher


def test_an_edited_journal_row(desk: NewDesk) -> None:
    def attack() -> None:
        station = history(desk)
        station.change(journal, journal.c.seq == 2, error="nothing happened")
        station.do(lambda tx: journal_rows.verify(tx.conn, tx.suite))

    stands_by(
        attack,
        JournalTree,
        replaced(journal_rows, "_compare_leaves", lambda *_: None),
        removed(journal_rows.verify, "JournalTree"),
    )


def test_a_journal_row_taken_out(desk: NewDesk) -> None:
    def attack() -> None:
        station = history(desk)
        station.erase(journal, journal.c.seq == 2)
        station.do(lambda tx: journal_rows.verify(tx.conn, tx.suite))

    stands_by(
        attack,
        JournalTree,
        removed(journal_rows.verify, "JournalTree"),
        replaced(journal_rows, "_compare_leaves", lambda *_: None),
    )


def test_a_journal_made_anew(desk: NewDesk) -> None:
    """Row, tree and signature are made to fit: only who cosigned the old one notices."""

    def attack() -> None:
        station, hub = history(desk), desk(HUB)
        station.do(checkpoints.make)
        hub.take(*station.posts("journal.checkpoint"))
        station.take(*hub.posts("journal.cosigned"))
        station.change(journal, journal.c.seq == 2, error="nothing happened")
        station.do(rebuild)
        station.publish(FEED, ("004", "丁"))
        station.do(lambda tx: journal_rows.verify(tx.conn, tx.suite))
        station.do(checkpoints.make)
        hub.take(*station.posts("journal.checkpoint"))

    stands_by(
        attack,
        JournalConsistency.code,
        replaced(checkpoints, "check_extension", lambda *_: None),
    )


def rebuild(tx: Tx) -> None:
    rows = list(journal_rows.rows(tx.conn))
    empty = Frontier(tx.suite.hash)
    after, grown = empty.grow(leaf_hash(tx.suite.hash, row.leaf_bytes()) for row in rows)
    nodes = [
        {"level": level.level, "place": level.first + place, "hash": value}
        for level in grown
        for place, value in enumerate(level.hashes)
    ]
    upsert(tx.conn, journal_nodes, nodes)
    upsert(tx.conn, journal_frontier, [{"one": 1, "raw": after.to_bytes()}])
