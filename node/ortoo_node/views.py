"""Views: a scope narrower than its resource (named items, a row filter) as a feed of its own.

All grants of one scope share a view, so its feed id comes from the scope. A row that leaves the
filter becomes a delete, since the view has a shadow of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from ortoo_node.store.tables import views
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.codec import Scalar, encode, unpack
from ortoo_protocol.core.errors import GrantScope
from ortoo_protocol.core.feeds import (
    DELETE,
    UPSERT,
    Column,
    RowChange,
    TableSchema,
    read_row_part,
)
from ortoo_protocol.core.ids import feed_id
from ortoo_protocol.core.keys import domain
from ortoo_protocol.core.row_codec import key_bytes, key_picker, upsert_part
from ortoo_protocol.station import feed_writer, shadow, table_feed
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import insert_new

# Nothing here steps back: the text is another member's, and it is read by the writer itself.
_TERM = re.compile(r"\s*+([^\s=]++)\s*+=\s*+'([^']*+(?:''[^']*+)*+)'")
_NEXT = re.compile(r"\s++AND(?=\s)|\s*+\Z", re.IGNORECASE)


@dataclass(frozen=True)
class View:
    """`items`: columns in schema order. `conditions`: column equals value, all of them."""

    feed: str
    items: tuple[str, ...]
    conditions: tuple[tuple[str, str], ...]

    def of_row(self, schema: TableSchema, values: Sequence[Scalar]) -> tuple[Scalar, ...] | None:
        """The row as this view shows it; None when the filter leaves it out."""
        row = dict(zip((column.name for column in schema.columns), values, strict=True))
        if any(str(row.get(name)) != value for name, value in self.conditions):
            return None
        return tuple(row[name] for name in self.items)


def parse_filter(text: str, columns: Collection[str] | None) -> tuple[tuple[str, str], ...]:
    """``column = 'value' AND …``: the one form of row filter; `columns` None: checked before.
    Raises GrantScope."""
    terms: list[tuple[str, str]] = []
    at = 0 if text.strip() else len(text)
    while at < len(text):
        match = _TERM.match(text, at)
        following = match and _NEXT.match(text, match.end())
        if not match or not following or (columns is not None and match[1] not in columns):
            detail = f"the row filter {text[at : at + 60]!r} is not column = 'value'"
            raise GrantScope(detail=detail)
        terms.append((match[1], match[2].replace("''", "'")))
        at = following.end()
    return tuple(terms)


def feed_of(tx: Tx, entry: Entry, items: Sequence[str], row_filter: str) -> str:
    """The feed of this scope: the resource's own when nothing is left out, else its view, made
    and filled if it is new. Raises GrantScope."""
    columns = [item.column for item in entry.items]
    chosen = tuple(name for name in columns if not items or name in items)
    unknown = set(items) - set(columns)
    if unknown:
        raise GrantScope(detail=f"no such items: {', '.join(sorted(unknown))}")
    keys = {item.column for item in entry.items if item.key}
    if not keys <= set(chosen):
        missing = ", ".join(sorted(keys - set(chosen)))
        raise GrantScope(detail=f"the key items must be among those granted: {missing}")
    parse_filter(row_filter, columns)
    feed_writer.open_feed(tx, entry.feed, sealed=True)
    if len(chosen) == len(columns) and not row_filter.strip():
        return entry.feed
    scope = domain(
        "ortoo/view", tx.plane, entry.feed.encode(), row_filter.encode(), encode(list(chosen))
    )
    feed = feed_id(tx.party, f"v-{tx.suite.hash(scope)[:12].hex()}")
    if find(tx.conn, feed) is None:
        feed_writer.open_feed(tx, feed, sealed=True)
        row = {
            "feed": feed,
            "resource": entry.code,
            "items": encode(list(chosen)),
            "row_filter": row_filter,
        }
        insert_new(tx.conn, views, [row])
        _fill(tx, entry.feed, feed)
    return feed


def find(conn: Connection, feed: str) -> View | None:
    row = conn.execute(select(views).where(views.c.feed == feed)).first()
    return None if row is None else _view(row)


def of_resource(conn: Connection, resource: str) -> list[View]:
    rows = conn.execute(select(views).where(views.c.resource == resource))
    return [_view(row) for row in rows]


def _view(row: Any) -> View:
    return View(row.feed, tuple(unpack(row.items)), parse_filter(row.row_filter, None))


def _fill(tx: Tx, resource_feed: str, feed: str) -> None:
    """Publish what the resource holds now."""
    schema = table_feed.current_schema(tx, resource_feed)
    view = find(tx.conn, feed)
    if schema is None or view is None:
        return
    rows = [read_row_part(raw, schema) for raw in shadow.rows(tx.conn, resource_feed)]
    follow(tx, view, schema, rows)


def follow(tx: Tx, view: View, schema: TableSchema, changes: Sequence[RowChange]) -> None:
    """Carry changes of the resource over to the view."""
    narrow = declare(tx, view, schema)
    if narrow is not None:
        table_feed.publish_changes(tx, view.feed, narrow, _changes(tx, view, schema, changes))


def declare(tx: Tx, view: View, schema: TableSchema) -> TableSchema | None:
    """The view's schema in force; None when the resource no longer has one of its items."""
    columns = {column.name: column for column in schema.columns}
    if not set(view.items) <= set(columns):
        return None
    chosen: tuple[Column, ...] = tuple(columns[name] for name in view.items)
    return table_feed.declare(tx, view.feed, chosen, schema.key)


def _changes(
    tx: Tx, view: View, schema: TableSchema, changes: Sequence[RowChange]
) -> Iterator[RowChange]:
    key_of = key_picker(schema)
    shown: dict[bytes, tuple[tuple[Scalar, ...], tuple[Scalar, ...] | None]] = {}
    for change in changes:
        deleted = change.op == DELETE
        key = change.values if deleted else key_of(change.values)
        row = None if deleted else view.of_row(schema, change.values)
        shown[key_bytes(key)] = key, row
    held = shadow.look(tx.conn, view.feed, list(shown))
    for name, (key, row) in shown.items():
        stands = held.get(name)
        if row is None:
            if stands is not None:
                yield RowChange(DELETE, key)
        elif stands is None or stands[0] != upsert_part(row):
            yield RowChange(UPSERT, row)
