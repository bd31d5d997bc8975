"""A reader whose grant masks items is after the values themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ortoo_node import app as node_app
from ortoo_node import cases, catalog, views
from ortoo_node.files.desk import Files
from ortoo_node.store import NODE
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.errors import EnvelopeError
from ortoo_protocol.core.feeds import (
    UPSERT,
    ItemsAsk,
    KeyAsk,
    RowChange,
    SnapshotAsk,
)
from ortoo_protocol.core.masks import Mask
from ortoo_protocol.core.rows import schema_of
from ortoo_protocol.core.verify import Message, open_content
from ortoo_protocol.station import feed_reader, feed_writer, grants_held, table_feed
from ortoo_protocol.station.context import Tx
from tests.support import hubs
from tests.support.desk import Desk, Refused
from tests.support.letters import make_letter
from tests.support.mutation import replaced, stands_by
from tests.support.stations import Kit, receive

PROVIDER, READER = hubs.PROVIDER, hubs.READER
FEED, SECRET = hubs.FEED, "乌云其木格"


class Provider(Desk):
    """It has granted `READER` its resource with the names masked."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit, PROVIDER, node_app.hooks(Files()), migrations=(NODE,))
        self.do(self._publish)
        asked = hubs.application(items=())
        self.take(make_letter(kit, READER, PROVIDER, asked))
        hidden = (Mask("name", "name"),)
        grant = self.do(lambda tx: cases.answer_yes(tx, asked.case, (), "甲", "丙", "", 0, hidden))
        self.terms = self.do(lambda tx: grants_held.terms_of(grants_held.row(tx, grant)))

    def _publish(self, tx: Tx) -> None:
        entry = hubs.entry()
        catalog.publish(tx, entry)
        feed_writer.open_feed(tx, FEED, sealed=True)
        schema = schema_of(entry.items, 1)
        schema = table_feed.declare(tx, FEED, schema.columns, schema.key)
        table_feed.publish_changes(tx, FEED, schema, [RowChange(UPSERT, ("001", SECRET))])


def _change(tx: Tx) -> None:
    schema = table_feed.current_schema(tx, FEED)
    assert schema is not None
    changes = [RowChange(UPSERT, ("002", SECRET))]
    table_feed.publish_changes(tx, FEED, schema, changes)
    for view in views.of_resource(tx.conn, hubs.RESOURCE):
        views.follow(tx, view, schema, changes)


def _last(provider: Provider, feed: str) -> Message:
    raw = list(provider.items(feed).values())[-1]
    return feed_reader.read_stored(raw, provider.parts.suites, provider.kit.region.plane)


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[tuple[Provider, Desk]]:
    kit = Kit(tmp_path)
    provider, reader = Provider(kit), Desk(kit, READER)
    yield provider, reader
    provider.close()
    reader.close()


def ask(provider: Provider, body: Any, kind: str) -> list[bytes]:
    """What READER gets for an ask; raises Refused with the code that it is told."""
    provider.sent.clear()
    provider.take(make_letter(provider.kit, READER, PROVIDER, body))
    refused = [post for post in provider.sent if post.routing_key.endswith("feed.refusal")]
    found = provider.posts(kind)
    if refused or not found:
        raise Refused("grant.ended")
    return found


def test_what_the_reader_gets_is_masked(desks: tuple[Provider, Desk]) -> None:
    provider, reader = desks
    feed = provider.terms.feed
    assert feed != FEED
    reader.do(lambda tx: receive(tx, provider.terms))
    reader.take(*provider.letters("feed.key", READER))
    raws = list(provider.items(feed).values())
    assert len(raws) == 2
    assert all(SECRET.encode() not in raw for raw in raws)
    assert encode(provider.terms).count(b"masks") == 1


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (SnapshotAsk(feed=FEED), "feed.snapshot"),
        (ItemsAsk(feed=FEED, incarnation=1, first=1, last=2), "feed.again"),
    ],
    ids=["snapshot", "items"],
)
def test_the_feed_of_the_values_is_not_given(
    desks: tuple[Provider, Desk], body: Any, kind: str
) -> None:
    provider, _ = desks
    stands_by(
        lambda: ask(provider, body, kind),
        "grant.ended",
        replaced(feed_writer, "may_read", lambda *_: True),
    )


def test_the_key_of_the_values_is_not_given(desks: tuple[Provider, Desk]) -> None:
    """Twice refused: no grant reaches the feed, and no reader of it is known to send a key to."""
    provider, _ = desks
    keys = provider.letters("feed.key", READER)
    with pytest.raises(Refused):
        ask(provider, KeyAsk(feed=FEED, epoch=1), "feed.key")
    with replaced(feed_writer, "may_read", lambda *_: True)(), pytest.raises(Refused):
        ask(provider, KeyAsk(feed=FEED, epoch=1), "feed.key")
    assert provider.letters("feed.key", READER) == keys


def test_the_masked_feeds_key_does_not_open_the_values(desks: tuple[Provider, Desk]) -> None:
    """By whatever way the items came: the broker's disk, another reader."""
    provider, reader = desks
    reader.do(lambda tx: receive(tx, provider.terms))
    reader.take(*provider.letters("feed.key", READER))
    feed = provider.terms.feed
    provider.do(_change)
    key = reader.do(lambda tx: feed_reader.held_key(tx, feed, 1, 2))
    assert key is not None
    open_content(_last(provider, feed), lambda _header: key)
    with pytest.raises(EnvelopeError):
        open_content(_last(provider, FEED), lambda _header: key)


def test_the_refusal_names_no_value(desks: tuple[Provider, Desk]) -> None:
    provider, _ = desks
    provider.sent.clear()
    provider.take(make_letter(provider.kit, READER, PROVIDER, SnapshotAsk(feed=FEED)))
    assert [post.routing_key.rpartition(".")[2] for post in provider.sent] == ["refusal"]
    assert all(SECRET.encode() not in post.raw for post in provider.sent)
