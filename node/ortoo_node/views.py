"""Views: a scope narrower than its resource (items, a row filter, masks) as a feed of its own.

All grants of one scope share a view, so its feed id comes from the scope. A hash mask makes the
scope one grant's alone: its secret is drawn for that grant, so that what two readers hold cannot be
joined, and it never leaves this station. A row that leaves the filter becomes a delete, since the
view has a shadow of its own. A view that nobody reads any more rests until it is granted again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, update

from ortoo_node.store.tables import views
from ortoo_protocol.core import masks
from ortoo_protocol.core.batches import MOST_PART_BYTES
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.codec import Scalar, encode, unpack
from ortoo_protocol.core.errors import GrantScope
from ortoo_protocol.core.feeds import (
    DELETE,
    UPSERT,
    Column,
    RowChange,
    TableSchema,
    is_events,
    read_row_part,
)
from ortoo_protocol.core.ids import feed_id
from ortoo_protocol.core.keys import domain
from ortoo_protocol.core.masks import Mask
from ortoo_protocol.core.row_codec import key_bytes, key_picker, upsert_part
from ortoo_protocol.core.row_filters import parse_filter
from ortoo_protocol.station import event_feed, feed_writer, secrets, shadow, table_feed
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store import tables as engine
from ortoo_protocol.station.store.dialect import insert_new
from ortoo_protocol.station.store.prepared import Prepared

ROWS_AT_ONCE = 1_000
Row = tuple[Scalar, ...]


PREFIX = "v-"  # what names of views begin with
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scope:
    """What is asked for or granted: columns (none: all), which rows, what is masked."""

    items: tuple[str, ...] = ()
    row_filter: str = ""
    masks: tuple[Mask, ...] = ()


@dataclass(frozen=True)
class View:
    """`items`: columns in schema order. `conditions`: column equals value, all of them. `salt`:
    the sealed secret of its hash masks."""

    feed: str
    items: tuple[str, ...]
    conditions: tuple[tuple[str, str], ...]
    masks: tuple[Mask, ...] = ()
    salt: bytes = field(default=b"", repr=False)


class Lens:
    """A view's eye on rows of one schema of its resource; compiled once, used for many rows."""

    def __init__(self, tx: Tx, view: View, schema: TableSchema) -> None:
        salt = secrets.unseal(tx.parts.identity, _use(view.feed), view.salt) if view.salt else b""
        changes = {
            mask.column: masks.parse(mask.mask).change(salt, tx.suite, tx.plane)
            for mask in view.masks
        }
        places = {column.name: place for place, column in enumerate(schema.columns)}
        self._tests = [(places.get(name), value) for name, value in view.conditions]
        self._items = [(places[name], changes.get(name)) for name in view.items]
        self._key_of = key_picker(schema)
        self._key_changes = [changes.get(name) for name in schema.key]

    def row(self, values: Sequence[Scalar]) -> Row | None:
        """The row as this view shows it; None when the filter leaves it out."""
        for place, wanted in self._tests:
            if place is None or str(values[place]) != wanted:
                return None
        return tuple(
            [values[at] if change is None else change(values[at]) for at, change in self._items]
        )

    def key_of(self, values: Row) -> Row:
        """The key under which the view holds a row of the resource."""
        return self.key(self._key_of(values))

    def key(self, key: Row) -> Row:
        pairs = zip(key, self._key_changes, strict=True)
        return tuple([value if change is None else change(value) for value, change in pairs])


def check_scope(
    entry: Entry, items: Sequence[str], row_filter: str
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The columns of `items` (none: all) in the entry's order, and what the filter asks for.
    Raises GrantScope: of this nothing can be granted."""
    columns = [item.column for item in entry.items]
    unknown = set(items) - set(columns)
    if unknown:
        raise GrantScope(detail=f"no such items: {', '.join(sorted(unknown))}")
    chosen = tuple(name for name in columns if not items or name in items)
    keys = {item.column for item in entry.items if item.key}
    if not keys <= set(chosen):
        missing = ", ".join(sorted(keys - set(chosen)))
        raise GrantScope(detail=f"the key items must be among those granted: {missing}")
    return chosen, parse_filter(row_filter, columns)


def feed_of(tx: Tx, entry: Entry, scope: Scope, grant: str) -> str:
    """The feed of this scope: the resource's own when nothing is left out, else its view, made
    and filled if it is new. Raises GrantScope."""
    columns = [item.column for item in entry.items]
    chosen, conditions = check_scope(entry, scope.items, scope.row_filter)
    masks.check_masks(scope.masks, chosen)
    masks.check_fit(scope.masks, entry.items)
    told = {name for name, _ in conditions} & {mask.column for mask in scope.masks}
    if told:
        detail = f"the row filter tells what the mask hides: {', '.join(sorted(told))}"
        raise GrantScope(detail=detail)
    feed_writer.open_feed(tx, entry.feed, sealed=True)
    if len(chosen) == len(columns) and not conditions and not scope.masks:
        return entry.feed
    ordered = tuple(sorted(scope.masks, key=lambda mask: columns.index(mask.column)))
    feed = _name(tx, entry, Scope(chosen, scope.row_filter, ordered), grant)
    if find(tx.conn, feed) is None:
        _make(tx, entry, Scope(chosen, scope.row_filter, ordered), feed)
    view = find(tx.conn, feed)
    if view is not None and not feed_writer.active_readers(tx, feed):
        _fill(tx, entry.feed, view)
    return feed


def _name(tx: Tx, entry: Entry, scope: Scope, grant: str) -> str:
    parts = [entry.feed.encode(), scope.row_filter.encode(), encode(list(scope.items))]
    if scope.masks:
        parts.append(encode(list(scope.masks)))
    if masks.needs_key(scope.masks):
        parts.append(grant.encode())
    named = tx.suite.hash(domain("ortoo/view", tx.plane, *parts))
    return feed_id(tx.party, f"{PREFIX}{named[:12].hex()}")


def _make(tx: Tx, entry: Entry, scope: Scope, feed: str) -> None:
    feed_writer.open_feed(tx, feed, sealed=True)
    salt = b""
    if masks.needs_key(scope.masks):
        secret = tx.parts.rand(tx.suite.key_bytes)
        salt = secrets.seal(tx.parts.identity, tx.parts.rand, _use(feed), secret)
    row = {
        "feed": feed,
        "resource": entry.code,
        "items": encode(list(scope.items)),
        "row_filter": scope.row_filter,
        "masks": encode(list(scope.masks)),
        "salt": salt,
    }
    insert_new(tx.conn, views, [row])


def _use(feed: str) -> str:
    return f"mask {feed}"


def find(conn: Connection, feed: str) -> View | None:
    row = conn.execute(select(views).where(views.c.feed == feed)).first()
    return None if row is None else _view(row)


def of_resource(conn: Connection, resource: str) -> list[View]:
    """Those that somebody reads, or will when a suspension is lifted."""
    return [_view(_Row(*row)) for row in _READ.rows(conn, resource)]


class _Row(NamedTuple):
    """A row of `views`."""

    feed: str
    items: bytes
    row_filter: str
    masks: bytes | None
    salt: bytes | None


_READERS = engine.feed_readers
_READ = Prepared(
    select(*(views.c[name] for name in _Row._fields)).where(
        views.c.resource == bindparam("r"),
        select(_READERS.c.feed)
        .where(
            _READERS.c.feed == views.c.feed,
            _READERS.c.fence.is_(None) | _READERS.c.suspended_epoch.is_not(None),
        )
        .exists(),
    ),
    ("r",),
)


def _view(row: Any) -> View:
    hidden = tuple(Mask(*each) for each in unpack(row.masks)) if row.masks else ()
    conditions = parse_filter(row.row_filter, None)
    return View(row.feed, tuple(unpack(row.items)), conditions, hidden, row.salt or b"")


def forget(tx: Tx, feed: str) -> None:
    """A grant on `feed` ended. What was hashed for it alone is of no more use: its rows and its
    secret go; items that were sent stay with the engine."""
    view = find(tx.conn, feed)
    if view is not None and view.salt and not feed_writer.active_readers(tx, feed):
        tx.conn.execute(delete(engine.shadow).where(engine.shadow.c.feed == feed))
        tx.conn.execute(update(views).where(views.c.feed == feed).values(salt=None))


# --- following the resource ---------------------------------------------------------------------


def _fill(tx: Tx, resource_feed: str, view: View) -> None:
    """Bring the view to what the resource holds now: a new one, or one that rested."""
    schema = table_feed.current_schema(tx, resource_feed)
    narrow = None if schema is None else declare(tx, view, schema)
    if schema is None or narrow is None:
        return
    if not shadow.is_empty(tx.conn, view.feed):
        _drop_gone(tx, resource_feed, view, schema, narrow)
    for page in shadow.pages(tx.conn, resource_feed):
        follow(tx, view, schema, [read_row_part(part, schema) for _key, part, _seq in page])


def _drop_gone(
    tx: Tx, resource_feed: str, view: View, schema: TableSchema, narrow: TableSchema
) -> None:
    """Rows of a view that rested which the resource no longer has, or shows no more. Its keys are
    the resource's: a view that hashes them is one grant's and never taken up again."""
    lens, after = Lens(tx, view, schema), b""
    while keys := shadow.keys_after(tx.conn, view.feed, after, ROWS_AT_ONCE):
        after = keys[-1]
        held = shadow.look(tx.conn, resource_feed, keys)
        gone = [
            key
            for key in keys
            if key not in held or lens.row(read_row_part(held[key][0], schema).values) is None
        ]
        table_feed.append_deletes(tx, view.feed, narrow, gone)


def follow(tx: Tx, view: View, schema: TableSchema, changes: Sequence[RowChange]) -> None:
    """Carry changes of the resource over to the view."""
    narrow = declare(tx, view, schema)
    if narrow is not None:
        table_feed.publish_changes(tx, view.feed, narrow, _changes(tx, view, schema, changes))


def declare(tx: Tx, view: View, schema: TableSchema) -> TableSchema | None:
    """The view's schema in force, of the types that its masks make; None when the resource no
    longer has one of its items, or changed one so that its mask no longer fits it: then the view
    stands still, and shows nothing that the grant did not say."""
    columns = {column.name: column for column in schema.columns}
    if not set(view.items) <= set(columns):
        return None
    for mask in view.masks:
        masking = masks.parse(mask.mask)
        if columns[mask.column].type not in masking.types:
            return None
        if mask.column in schema.key and not masking.hashes:
            return None
        columns[mask.column] = masking.makes(columns[mask.column])
    chosen: tuple[Column, ...] = tuple(columns[name] for name in view.items)
    if is_events(schema):
        return event_feed.declare(tx, view.feed, chosen)
    return table_feed.declare(tx, view.feed, chosen, schema.key)


def follow_events(tx: Tx, view: View, schema: TableSchema, rows: Sequence[Row]) -> None:
    """Carry events over to the view; `rows` and `schema` with the two columns of their place."""
    if declare(tx, view, schema) is None:
        return
    lens = Lens(tx, view, schema)
    shown = [row for values in rows if (row := lens.row(values)) is not None]
    parts = [part for row in shown if (part := _part(view, row)) is not None]
    event_feed.append(tx, view.feed, parts)


def _part(view: View, row: Row) -> bytes | None:
    """None: masks made the row larger than an item may be. It is not shown, as one that the filter
    leaves out; it would stop the resource, and all other views of it."""
    part = upsert_part(row)
    if len(part) <= MOST_PART_BYTES:
        return part
    _log.warning("%s shows not a row that its masks make %d bytes long", view.feed, len(part))
    return None


def _changes(
    tx: Tx, view: View, schema: TableSchema, changes: Sequence[RowChange]
) -> Iterator[RowChange]:
    lens = Lens(tx, view, schema)
    shown: dict[bytes, tuple[Row, Row | None, bytes | None]] = {}
    for change in changes:
        deleted = change.op == DELETE
        key = lens.key(change.values) if deleted else lens.key_of(change.values)
        row = None if deleted else lens.row(change.values)
        shown[key_bytes(key)] = key, row, None if row is None else _part(view, row)
    held = shadow.look(tx.conn, view.feed, list(shown))
    for name, (key, row, part) in shown.items():
        stands = held.get(name)
        if row is None or part is None:
            if stands is not None:
                yield RowChange(DELETE, key)
        elif stands is None or stands[0] != part:
            yield RowChange(UPSERT, row)
