"""Stations for attacks: each attack begins with new ones, and the test is the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ortoo_protocol.core import envelope, feeds, verify
from ortoo_protocol.core.envelope import Position, split
from ortoo_protocol.core.feeds import SnapshotPart, TableRows
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.station import (
    feed_reader,
    feed_writer,
)
from ortoo_protocol.station.apply_work import Work, load
from ortoo_protocol.station.context import Hooks, Tx
from ortoo_protocol.station.opening import Opening
from ortoo_protocol.station.ports import Cursor
from tests.support.desk import Desk, Refused
from tests.support.letters import make_letter
from tests.support.stations import COLUMNS, Kit

A, B, C = "s150700", "s150200", "s152900"
FEED = f"{A}.townships"

NewDesk = Callable[..., Desk]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[NewDesk]:
    """Makes stations; each attack begins with new ones in a folder of its own."""
    made: list[Desk] = []
    rounds: list[Kit] = []

    def new(party: str, hooks: Hooks | None = None) -> Desk:
        taken = bool(rounds) and party in {each.party for each in made if each.kit is rounds[-1]}
        if not rounds or taken:
            rounds.append(Kit(tmp_path / str(len(rounds))))
        made.append(Desk(rounds[-1], party, hooks))
        return made[-1]

    yield new
    for each in made:
        each.close()


def read_by(desk: NewDesk, *readers: str) -> tuple[Desk, list[Desk]]:
    """A publisher with one item and `readers` that hold it."""
    publisher = desk(A)
    publisher.publish(FEED, ("001", "甲"))
    stations = []
    for number, party in enumerate(readers, start=1):
        reader = desk(party)
        publisher.grant(reader, FEED, number)
        stations.append(reader)
    return publisher, stations


def forge_item(
    publisher: Desk, seq: int, previous: bytes, name: str, signer: Desk | None = None
) -> bytes:
    """Another item `seq`, under the present key of the feed."""

    def key(tx: Tx) -> tuple[int, bytes]:
        row = feed_writer.feed_row(tx, FEED)
        return row.epoch, feed_writer._unseal(tx, row)

    by = signer or publisher
    return make_letter(
        publisher.kit,
        by.party,
        FEED,
        TableRows(schema=1),
        rows=[feeds.row_part(feeds.RowChange(feeds.UPSERT, ("666", name)))],
        position=Position(1, seq, previous),
        feed_key=publisher.do(key),
    )


def hash_of(publisher: Desk, seq: int) -> bytes:
    raw = publisher.items(FEED)[seq]
    return envelope.envelope_hash(split(raw, suites=publisher.parts.suites, plane=Plane.EXTRANET))


def reached(reader: Desk, seq: int) -> None:
    """The attack was to bring `reader` there."""
    if reader.watermark(FEED) != seq:
        raise Refused("feed.gap")


def open_item(reader: Desk, raw: bytes) -> None:
    """With every key that `reader` has. Raises FeedEpoch and what opening raises."""
    message = feed_reader.read_stored(raw, reader.parts.suites, Plane.EXTRANET)
    opening = Opening(reader.parts, FEED, 1, with_keys(reader))
    verify.open_content(message, lambda header: opening._key(header, message))


def with_keys(reader: Desk) -> Work:
    """As its worker reads it; the cursor is beyond all there is, so that nothing else is due."""
    cursor = Cursor(FEED, 1, 1 << 40, b"")
    work = reader.do(lambda tx: load(tx.conn, reader.parts, FEED, "-", cursor))
    assert work.snapshot is None
    return work


def snapshot(publisher: Desk, seq: int, digest: bytes) -> SnapshotPart:
    schema = feeds.TableSchema(number=1, columns=COLUMNS, key=("code",))
    return SnapshotPart(
        feed=FEED, snapshot="d" * 32, incarnation=1, seq=seq, hash=digest, part=0, parts=1,
        schema=schema,
    )  # fmt: skip
