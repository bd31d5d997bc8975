"""Table feeds: a schema, changes, and a shadow from which a snapshot is made at any number.

The shadow (key, row, last item) is written in the transaction that appends the item, so whatever
view of the store a snapshot is read in (snapshots.py), the tail follows without a seam.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, literal_column, select

from ortoo_protocol.core import feeds
from ortoo_protocol.core.batches import batches
from ortoo_protocol.core.codec import decode, encode, unpack
from ortoo_protocol.core.errors import FeedMixed
from ortoo_protocol.core.feeds import EVENT_KEY, UPSERT, RowChange, TableSchema, is_events
from ortoo_protocol.core.row_codec import delete_part, key_bytes, key_picker, upsert_part
from ortoo_protocol.station import feed_writer, shadow
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import upsert
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import feed_schemas

_ASIDE = "aside "  # no feed's name has a space


def current_schema(tx: Tx, feed: str) -> TableSchema | None:
    return schema_of(tx.conn, feed)


def schema_of(conn: Connection, feed: str) -> TableSchema | None:
    for (raw,) in _SCHEMA.rows(conn, feed):
        return decode(raw, TableSchema)
    return None


_SCHEMA = Prepared(
    select(feed_schemas.c.raw)
    .where(feed_schemas.c.feed == bindparam("f"))
    .order_by(feed_schemas.c.number.desc())
    .limit(literal_column("1")),
    ("f",),
)


def changes_all(
    conn: Connection, feed: str, columns: Sequence[feeds.Column], key: Sequence[str]
) -> bool:
    """Whether `declare` would change every row of a table: a job to be written alone."""
    known = schema_of(conn, feed)
    return known is not None and not _same(known, columns, key)


def _same(known: TableSchema, columns: Sequence[feeds.Column], key: Sequence[str]) -> bool:
    return (known.columns, known.key) == (tuple(columns), tuple(key))


def declare(tx: Tx, feed: str, columns: Sequence[feeds.Column], key: Sequence[str]) -> TableSchema:
    """Publish the schema when it is new or has changed; returns the one in force.

    Raises FeedMixed: a feed of events stays one.
    """
    known = current_schema(tx, feed)
    if known is not None and _same(known, columns, key):
        return known
    if known is not None and is_events(known) != (tuple(key) == EVENT_KEY):
        raise FeedMixed(feed=feed)
    number = 1 if known is None else known.number + 1
    schema = TableSchema(number=number, columns=tuple(columns), key=tuple(key))
    feed_writer.publish(tx, feed, schema)
    upsert(tx.conn, feed_schemas, [{"feed": feed, "number": number, "raw": encode(schema)}])
    if known is not None:
        _reshape(tx, feed, known, schema)
    return schema


def _reshape(tx: Tx, feed: str, old: TableSchema, new: TableSchema) -> None:
    """Bring the shadow under the new schema at once, as readers' tables are: else a snapshot made
    before every row was published again would hold rows that its schema does not fit.

    A page at a time, since a table may have more rows than memory. Under another key new rows could
    take the place of old ones that were not looked at yet: they stand aside until all are there.
    """
    places = {column.name: place for place, column in enumerate(old.columns)}
    moves = [places.get(column.name) for column in new.columns]
    key_of = key_picker(new)
    into = feed if new.key == old.key else _ASIDE + feed
    for page in shadow.pages(tx.conn, feed):
        reshaped = []
        for _key, part, seq in page:
            values = feeds.read_row_part(part, old).values
            fitted = tuple([None if place is None else values[place] for place in moves])
            reshaped.append((key_bytes(key_of(fitted)), upsert_part(fitted), seq))
        shadow.put_each(tx, into, reshaped)
    if into != feed:
        shadow.become(tx, feed, into)


def publish_changes(tx: Tx, feed: str, schema: TableSchema, changes: Iterable[RowChange]) -> int:
    """Append `changes` as items and write the shadow along; returns the last number."""
    key_of = key_picker(schema)
    seq = int(feed_writer.feed_row(tx, feed).seq)
    pending = list(changes)
    parts = [feeds.row_part(change) for change in pending]
    at = 0
    for batch in batches(parts):
        seq = feed_writer.publish(tx, feed, feeds.TableRows(schema=schema.number), rows=batch)
        last: dict[bytes, bytes | None] = {}
        for change, part in zip(pending[at : at + len(batch)], batch, strict=True):
            upserted = change.op == UPSERT
            key = key_of(change.values) if upserted else change.values
            last[key_bytes(key)] = part if upserted else None
        _write_shadow(tx, feed, seq, last)
        at += len(batch)
    return seq


def _write_shadow(tx: Tx, feed: str, seq: int, last: Mapping[bytes, bytes | None]) -> None:
    """`last`: what became of each key; None is gone."""
    kept = [(key, part) for key, part in last.items() if part is not None]
    shadow.put(tx, feed, seq, [key for key, _ in kept], [part for _, part in kept])
    shadow.drop(tx, feed, [key for key, part in last.items() if part is None])


def append_rows(
    tx: Tx, feed: str, schema: TableSchema, keys: Sequence[bytes], parts: Sequence[bytes]
) -> int:
    """Append upserts (checked, encoded; no key twice) as items, and the shadow along."""
    seq, at = int(feed_writer.feed_row(tx, feed).seq), 0
    body = feeds.TableRows(schema=schema.number)
    for batch in batches(parts):
        seq = feed_writer.publish(tx, feed, body, rows=batch)
        shadow.put(tx, feed, seq, keys[at : at + len(batch)], batch)
        at += len(batch)
    return seq


def append_new(
    tx: Tx, feed: str, schema: TableSchema, keys: Sequence[bytes], parts: Sequence[bytes]
) -> set[int]:
    """As `append_rows` for a table that was empty when its reading began: nothing is looked up.
    Returns the places of rows whose key stands already; they are not published."""
    body, at = feeds.TableRows(schema=schema.number), 0
    refused: set[int] = set()
    for batch in batches(parts):
        seq = int(feed_writer.feed_row(tx, feed).seq) + 1
        twice = shadow.put_new(tx, feed, seq, keys[at : at + len(batch)], batch)
        rest = [part for place, part in enumerate(batch) if place not in twice] if twice else batch
        if rest:
            feed_writer.publish(tx, feed, body, rows=rest)
        refused |= {at + place for place in twice}
        at += len(batch)
    return refused


def append_deletes(tx: Tx, feed: str, schema: TableSchema, keys: Sequence[bytes]) -> int:
    """Append deletes of rows that are in the shadow."""
    seq, at = int(feed_writer.feed_row(tx, feed).seq), 0
    body = feeds.TableRows(schema=schema.number)
    for batch in batches(delete_part(unpack(key)) for key in keys):
        seq = feed_writer.publish(tx, feed, body, rows=batch)
        shadow.drop(tx, feed, keys[at : at + len(batch)])
        at += len(batch)
    return seq
