"""From a row to the items that brought it: as its publisher knows it by the shadow, as its reader
knows it by what was received."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from ortoo_node import catalog, subscribing
from ortoo_node.catalog.mirror import resource_name
from ortoo_node.corrections.keys import read_key
from ortoo_node.store.tables import publications, views
from ortoo_node.tracing import items
from ortoo_node.tracing.behind import behind
from ortoo_node.tracing.said import entries_at, limit
from ortoo_protocol.core.errors import CatalogUnknown, CorrectionKey, GrantUnknown
from ortoo_protocol.core.feeds import EVENT_KEY, event_place, is_events
from ortoo_protocol.core.ids import feed_owner
from ortoo_protocol.station import shadow, table_feed
from ortoo_protocol.station.context import Parts
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.tables import (
    feed_in_items,
    feed_out_items,
    feed_readers,
    feeds_in,
    feeds_out,
)

MOST_READERS = 200


@dataclass(frozen=True)
class Tracer:
    """Over one view of the store."""

    conn: Connection
    parts: Parts
    now_ms: int

    @property
    def size(self) -> int:
        return journal_rows.frontier(self.conn, self.parts.identity.suite).size

    def row(self, resource: str, key: Mapping[str, str]) -> dict[str, Any]:
        """Raises CatalogUnknown for a resource of which nothing is known here, CorrectionKey."""
        published = [self._published(resource, row, key) for row in self._own_feeds(resource)]
        received = [
            self._received(row, key)
            for row in subscribing.listed(self.conn)
            if row.resource == resource and row.feed is not None
        ]
        if not published and not received:
            raise CatalogUnknown(resource=resource)
        return {
            "resource": resource,
            "resource_name": resource_name(self.conn, resource),
            "key": dict(key),
            "published": published,
            "received": received,
        }

    # --- at the publisher ---

    def _own_feeds(self, resource: str) -> list[Row[Any]]:
        """The resource's own and those of its narrower scopes, as far as they are published."""
        narrower = self.conn.execute(select(views.c.feed).where(views.c.resource == resource))
        names = [*self._named(resource), *narrower.scalars()]
        query = select(feeds_out).where(feeds_out.c.feed.in_(names))
        return list(self.conn.execute(query.order_by(feeds_out.c.feed)))

    def _named(self, resource: str) -> list[str]:
        try:
            return [catalog.entry(self.conn, resource).feed]
        except CatalogUnknown:
            return []

    def _published(self, resource: str, feed: Row[Any], key: Mapping[str, str]) -> dict[str, Any]:
        name, unknown = feed.feed, []
        item = _event(self.conn, name, key)
        if item is not None:
            here = self._sent_ms(name, feed.incarnation, item) is not None
            item, touching = (item, [item]) if here else (None, [])
            if item is None:
                unknown.append(limit("item-away"))
        else:
            packed = read_key(table_feed.schema_of(self.conn, name), key)
            found = shadow.look(self.conn, name, [packed]).get(packed)
            here, item = found is not None, None if found is None else found[1]
            looked = items.look_through(
                self.conn, self.parts, name, feed.incarnation, packed, own=True
            )
            touching = sorted({*looked.touching, *([item] if item else [])}, reverse=True)
            unknown += _limits(looked)
            if not here:
                unknown.append(limit("not-here"))
        return {
            "feed": name,
            "narrower": name not in self._named(resource),
            "incarnation": feed.incarnation,
            "here": here,
            "item": item,
            "items": [self._item(name, feed.incarnation, each) for each in touching],
            "readers": self._readers(name, touching[-1] if touching else 0),
            "source": self._source(resource),
            "unknown": unknown,
        }

    def _item(self, feed: str, incarnation: int, seq: int) -> dict[str, Any]:
        numbers = items.entries(self.conn, feed, (incarnation, seq), self.size)
        return {
            "item": seq,
            "time_ms": self._sent_ms(feed, incarnation, seq) or 0,
            "entries": entries_at(self.conn, numbers),
        }

    def _sent_ms(self, feed: str, incarnation: int, seq: int) -> int | None:
        table = feed_out_items
        here = (table.c.feed == feed) & (table.c.incarnation == incarnation) & (table.c.seq == seq)
        return self.conn.execute(select(table.c.created_ms).where(here)).scalar()

    def _readers(self, feed: str, item: int) -> list[dict[str, Any]]:
        """To whom the item went, or the snapshot that holds its row."""
        query = select(feed_readers).where(feed_readers.c.feed == feed).limit(MOST_READERS)
        return [
            {**self._behind(row.grant), "from_item": row.first_seq, "until_item": row.fence}
            for row in self.conn.execute(query)
            if row.fence is None or row.fence >= item
        ]

    def _source(self, resource: str) -> dict[str, Any] | None:
        query = select(publications).where(publications.c.resource == resource)
        found = self.conn.execute(query).first()
        return None if found is None else {"source": found.source, "table": found.table}

    # --- at the reader ---

    def _received(self, one: Row[Any], key: Mapping[str, str]) -> dict[str, Any]:
        query = select(feeds_in).where(feeds_in.c.feed == one.feed)
        feed = self.conn.execute(query).first()
        answer = {
            "subscription": one.subscription,
            "department": one.department,
            "sink": one.sink,
            "table": one.table,
            "feed": one.feed,
            "publisher": feed_owner(one.feed),
            "purpose": one.purpose,
            **self._behind(one.grant or ""),
        }
        if feed is None:  # of this very station, or not begun
            unknown = [] if feed_owner(one.feed) == self.parts.identity.party else ["nothing-read"]
            return {**answer, "items": [], "unknown": [limit(code) for code in unknown]}
        return {**answer, **self._items(feed, key)}

    def _items(self, feed: Row[Any], key: Mapping[str, str]) -> dict[str, Any]:
        name, unknown = feed.feed, []
        event = _event(self.conn, name, key)
        if event is not None:
            touching = [event] if self._was_read(feed, event) else []
            if not touching:
                unknown.append(limit("item-away"))
        else:
            packed = read_key(table_feed.schema_of(self.conn, name), key)
            looked = items.look_through(
                self.conn, self.parts, name, feed.incarnation, packed, own=False
            )
            touching = looked.touching
            last = looked.first - 1 if looked.first else feed.seq
            unknown.append(limit("publisher-knows", last=last, publisher=feed_owner(name)))
        found = [
            {
                "item": seq,
                "time_ms": 0,
                "entries": entries_at(
                    self.conn,
                    items.entries(self.conn, name, (feed.incarnation, seq), self.size),
                ),
            }
            for seq in touching
        ]
        return {"items": found, "unknown": unknown}

    def _was_read(self, feed: Row[Any], seq: int) -> bool:
        table = feed_in_items
        here = (table.c.feed == feed.feed) & (table.c.incarnation == feed.incarnation)
        query = select(func.count()).where(here, table.c.seq == seq)
        return bool(self.conn.execute(query).scalar())

    def _behind(self, grant: str) -> dict[str, Any]:
        try:
            return behind(self.conn, grant, self.now_ms)
        except GrantUnknown:
            return {"grant": None, "application": None, "answer": None, "steps": []}


def _event(conn: Connection, feed: str, key: Mapping[str, str]) -> int | None:
    """The item that holds an event, whose key is its place; None for rows of a table. Raises
    CorrectionKey."""
    schema = table_feed.schema_of(conn, feed)
    if schema is None or not is_events(schema):
        return None
    try:
        return event_place(int(key[EVENT_KEY[0]]))[1]
    except (KeyError, ValueError):
        raise CorrectionKey(detail=f"its key is {', '.join(EVENT_KEY)}") from None


def _limits(looked: items.Looked) -> list[dict[str, Any]]:
    found = []
    if not looked.first:
        found.append(limit("all-erased"))
    elif looked.first > 1:
        found.append(limit("bodies-erased", first=looked.first))
    if looked.shut:
        found.append(limit("older-key", count=looked.shut))
    if not looked.whole:
        found.append(limit("too-many", count=items.MOST_OPENED))
    return found
