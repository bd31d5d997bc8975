"""Views against their definition: whatever happens to the resource, a view holds its rows as its
filter and masks show them, and its readers are sent what changed and nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ortoo_node import app as node_app
from ortoo_node import catalog, views
from ortoo_node.store import NODE
from ortoo_node.views import Lens, Scope, View
from ortoo_protocol.core.batches import MOST_PART_BYTES
from ortoo_protocol.core.catalog import Item
from ortoo_protocol.core.feeds import DELETE, UPSERT, RowChange, read_row_part
from ortoo_protocol.core.masks import Mask
from ortoo_protocol.core.row_codec import key_bytes, upsert_part
from ortoo_protocol.core.rows import schema_of
from ortoo_protocol.station import feed_writer, shadow, table_feed
from ortoo_protocol.station.context import Tx
from tests.support import hubs
from tests.support.desk import Desk
from tests.support.stations import Kit

ITEMS = tuple(
    Item(name=name, column=name, type=kind, length=0, share_type=2, key=name in ("year", "id"))
    for name, kind in (("name", "C"), ("id", "C"), ("age", "I"), ("year", "I"), ("place", "C"))
)
ENTRY = hubs.entry(items=ITEMS)
SCHEMA = schema_of(ITEMS, 1)
SCOPES = (
    Scope(("id", "year", "place")),
    Scope((), "place = '150702'"),
    Scope((), "", (Mask("name", "name"), Mask("age", "age(18,60)"))),
    Scope((), "place = '150702'", (Mask("id", "hash"), Mask("name", "suppress"))),
    Scope(("id", "year", "age"), "", (Mask("id", "hash"), Mask("age", "range(10)"))),
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(Kit(tmp_path), hubs.PROVIDER, node_app.hooks(), migrations=(NODE,))
    made.do(lambda tx: catalog.publish(tx, ENTRY))
    made.do(_declare)
    yield made
    made.close()


def _declare(tx: Tx) -> None:
    feed_writer.open_feed(tx, ENTRY.feed, sealed=True)
    table_feed.declare(tx, ENTRY.feed, SCHEMA.columns, SCHEMA.key)


def _grant(tx: Tx, scope: Scope, number: int) -> str:
    grant = f"{number:032x}"
    feed = views.feed_of(tx, ENTRY, scope, grant)
    feed_writer.add_reader(tx, feed, grant, b"", hubs.READER)
    return feed


def _end(tx: Tx, feed: str, number: int) -> None:
    feed_writer.end_reader(tx, feed, f"{number:032x}")
    views.forget(tx, feed)


def _change(tx: Tx, chance: random.Random) -> None:
    """Some rows come, change or go; each at most once, as from a publication."""
    changes = []
    keys = {(f"{chance.randrange(12)}", chance.choice((2025, 2026))) for _ in range(6)}
    for id_, year in sorted(keys):
        if chance.random() < 0.3:
            changes.append(RowChange(DELETE, (id_, year) if SCHEMA.key[0] == "id" else (year, id_)))
        else:
            name, place = chance.choice(("张三", "乌云", None)), chance.choice(("150702", "150721"))
            row = (name, id_, chance.choice((5, 30, 70, None)), year, place)
            changes.append(RowChange(UPSERT, row))
    table_feed.publish_changes(tx, ENTRY.feed, SCHEMA, changes)
    for view in views.of_resource(tx.conn, ENTRY.code):
        views.follow(tx, view, SCHEMA, changes)


def _held(tx: Tx, feed: str) -> dict[bytes, bytes]:
    keys = shadow.keys_after(tx.conn, feed, b"", 1_000)
    return {key: part for key, (part, _) in shadow.look(tx.conn, feed, keys).items()}


def _wanted(tx: Tx, view: View) -> dict[bytes, bytes]:
    lens, wanted = Lens(tx, view, SCHEMA), {}
    for part in _held(tx, ENTRY.feed).values():
        values = read_row_part(part, SCHEMA).values
        shown = lens.row(values)
        if shown is not None:
            wanted[key_bytes(lens.key_of(values))] = upsert_part(shown)
    return wanted


def _agree(tx: Tx) -> None:
    for view in views.of_resource(tx.conn, ENTRY.code):
        assert _held(tx, view.feed) == _wanted(tx, view)


@pytest.mark.parametrize("seed", range(3))
def test_views_follow_whatever_happens(desk: Desk, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    live: list[tuple[str, int]] = []
    for step in range(30):
        act = chance.random()
        if act < 0.2 and len(live) < 6:
            scope = chance.choice(SCOPES)
            feed = desk.do(lambda tx, s=scope, n=step: _grant(tx, s, n))  # type: ignore[misc]
            live.append((feed, step))
        elif act < 0.3 and live:
            feed, number = live.pop(chance.randrange(len(live)))
            desk.do(lambda tx, f=feed, n=number: _end(tx, f, n))  # type: ignore[misc]
        else:
            desk.do(lambda tx: _change(tx, chance))
        desk.do(_agree)


def test_what_is_the_same_is_not_sent_again(desk: Desk) -> None:
    """A change that a view does not show is no item of it."""
    feed = desk.do(lambda tx: _grant(tx, Scope((), "", (Mask("age", "age(18,60)"),)), 1))
    row = ("张三", "1", 30, 2026, "150702")

    def put(tx: Tx, age: int) -> int:
        changes = [RowChange(UPSERT, (*row[:2], age, *row[3:]))]
        table_feed.publish_changes(tx, ENTRY.feed, SCHEMA, changes)
        for view in views.of_resource(tx.conn, ENTRY.code):
            views.follow(tx, view, SCHEMA, changes)
        return int(feed_writer.feed_row(tx, feed).seq)

    first = desk.do(lambda tx: put(tx, 30))
    assert desk.do(lambda tx: put(tx, 31)) == first  # the same band
    assert desk.do(lambda tx: put(tx, 61)) == first + 1


def test_a_row_that_its_masks_make_too_large(desk: Desk) -> None:
    """It is not shown, and stops neither the resource nor the other rows; what was shown of it
    goes."""
    scope = Scope((), "", (Mask("name", "hash"),))
    feed = desk.do(lambda tx: _grant(tx, scope, 1))
    small = ("甲", "1", 30, 2026, "150702")
    large = ("甲", "2", 30, 2026, "x" * (MOST_PART_BYTES - 30))
    assert len(upsert_part(large)) <= MOST_PART_BYTES

    def put(tx: Tx, *rows: tuple[Any, ...]) -> None:
        changes = [RowChange(UPSERT, row) for row in rows]
        table_feed.publish_changes(tx, ENTRY.feed, SCHEMA, changes)
        for view in views.of_resource(tx.conn, ENTRY.code):
            views.follow(tx, view, SCHEMA, changes)

    desk.do(lambda tx: put(tx, small, (*large[:4], "short")))
    assert len(desk.do(lambda tx: _held(tx, feed))) == 2
    desk.do(lambda tx: put(tx, large, (*small[:2], 31, *small[3:])))
    assert len(desk.do(lambda tx: _held(tx, ENTRY.feed))) == 2
    (shown,) = desk.do(lambda tx: _held(tx, feed)).values()
    assert read_row_part(shown, SCHEMA).values[1:3] == ("1", 31)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": {"type": "D"}},  # no longer what its mask is for
        {"name": {"key": True}},  # two rows would have one masked key
        {"name": {"column": "full_name"}},  # gone
    ],
    ids=["type", "key", "name"],
)
def test_a_view_whose_mask_no_longer_fits_stands_still(
    desk: Desk, changed: dict[str, dict[str, object]]
) -> None:
    feed = desk.do(lambda tx: _grant(tx, Scope((), "", (Mask("name", "name"),)), 1))
    chance = random.Random(1)  # noqa: S311
    desk.do(lambda tx: _change(tx, chance))
    before = desk.do(lambda tx: (feed_writer.feed_row(tx, feed).seq, _held(tx, feed)))
    items = tuple(replace(item, **changed.get(item.column, {})) for item in ITEMS)
    schema = schema_of(items, 2)

    def change(tx: Tx) -> None:
        rows = [RowChange(UPSERT, ("2000-01-01", "1", 5, 2026, "150702"))]
        for view in views.of_resource(tx.conn, ENTRY.code):
            assert views.declare(tx, view, schema) is None
            views.follow(tx, view, schema, rows)

    desk.do(change)
    assert desk.do(lambda tx: (feed_writer.feed_row(tx, feed).seq, _held(tx, feed))) == before


def test_a_scope_is_one_feed_whatever_its_order(desk: Desk) -> None:
    one = Scope(("id", "year", "name", "age"), "", (Mask("name", "name"), Mask("age", "suppress")))
    other = Scope(
        ("age", "name", "year", "id"), "", (Mask("age", "suppress"), Mask("name", "name"))
    )
    assert desk.do(lambda tx: _grant(tx, one, 1)) == desk.do(lambda tx: _grant(tx, other, 2))
    everything = Scope(tuple(item.column for item in ITEMS))
    assert desk.do(lambda tx: _grant(tx, everything, 3)) == ENTRY.feed
