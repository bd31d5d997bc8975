"""Table feeds: a schema, changes, and a shadow from which a snapshot is made at any number.

The shadow (key, row, last item) is written in the transaction that appends the item, so a snapshot
is one read of it and the tail follows without a seam.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select

from ortoo_protocol.core import diff, feeds
from ortoo_protocol.core.codec import Scalar, decode, encode
from ortoo_protocol.core.feeds import DELETE, UPSERT, RowChange, TableSchema
from ortoo_protocol.station import feed_writer
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.dialect import upsert
from ortoo_protocol.station.store.tables import feed_schemas, shadow

HASH_BYTES = 16


def current_schema(tx: Tx, feed: str) -> TableSchema | None:
    query = (
        select(feed_schemas.c.raw)
        .where(feed_schemas.c.feed == feed)
        .order_by(feed_schemas.c.number.desc())
        .limit(1)
    )
    raw = tx.conn.execute(query).scalar()
    return None if raw is None else decode(raw, TableSchema)


def declare(tx: Tx, feed: str, columns: Sequence[feeds.Column], key: Sequence[str]) -> TableSchema:
    """Publish the schema when it is new or has changed; returns the one in force."""
    known = current_schema(tx, feed)
    if known is not None and (known.columns, known.key) == (tuple(columns), tuple(key)):
        return known
    number = 1 if known is None else known.number + 1
    schema = TableSchema(number=number, columns=tuple(columns), key=tuple(key))
    feed_writer.publish(tx, feed, schema)
    upsert(tx.conn, feed_schemas, [{"feed": feed, "number": number, "raw": encode(schema)}])
    if known is not None:
        _reshape(tx, feed, known, schema)
    return schema


def _reshape(tx: Tx, feed: str, old: TableSchema, new: TableSchema) -> None:
    """Bring the shadow under the new schema at once, as readers' tables are: else a snapshot made
    before every row was published again would hold rows that its schema does not fit."""
    places = {column.name: place for place, column in enumerate(old.columns)}
    query = select(shadow.c.row, shadow.c.seq).where(shadow.c.feed == feed)
    kept = []
    for row in tx.conn.execute(query).all():
        values = feeds.read_row_part(row.row, old).values
        fitted = tuple(
            values[places[column.name]] if column.name in places else None for column in new.columns
        )
        part = feeds.row_part(RowChange(UPSERT, fitted))
        kept.append(_shadow_row(tx, feed, _key_places(new), row.seq, fitted, part))
    tx.conn.execute(delete(shadow).where(shadow.c.feed == feed))
    upsert(tx.conn, shadow, kept)


def _key_places(schema: TableSchema) -> list[int]:
    """In key order, as deletes carry their values."""
    names = [column.name for column in schema.columns]
    return [names.index(name) for name in schema.key]


def _shadow_row(
    tx: Tx, feed: str, places: Sequence[int], seq: int, values: Sequence[Scalar], part: bytes
) -> dict[str, object]:
    key = encode([values[place] for place in places])
    return {"feed": feed, "key": key, "hash": row_hash(tx, part), "row": part, "seq": seq}


def row_hash(tx: Tx, row: bytes) -> bytes:
    return tx.suite.hash(row)[:HASH_BYTES]


def shadow_hashes(tx: Tx, feed: str) -> dict[bytes, bytes]:
    """Key bytes to row hash, for the comparison with a source."""
    query = select(shadow.c.key, shadow.c.hash).where(shadow.c.feed == feed)
    return {row.key: row.hash for row in tx.conn.execute(query)}


def publish_changes(tx: Tx, feed: str, schema: TableSchema, changes: Iterable[RowChange]) -> int:
    """Append `changes` as items and write the shadow along; returns the last number."""
    places = _key_places(schema)
    seq = int(feed_writer.feed_row(tx, feed).seq)
    pending = list(changes)
    parts = [feeds.row_part(change) for change in pending]
    at = 0
    for batch in diff.batches(parts):
        seq = feed_writer.publish(tx, feed, feeds.TableRows(schema=schema.number), rows=batch)
        _write_shadow(tx, feed, places, seq, pending[at : at + len(batch)], batch)
        at += len(batch)
    return seq


def _write_shadow(
    tx: Tx,
    feed: str,
    places: Sequence[int],
    seq: int,
    changes: Sequence[RowChange],
    parts: Sequence[bytes],
) -> None:
    kept = []
    for change, part in zip(changes, parts, strict=True):
        if change.op == UPSERT:
            kept.append(_shadow_row(tx, feed, places, seq, change.values, part))
    upsert(tx.conn, shadow, kept)
    gone = [encode(list(change.values)) for change in changes if change.op == DELETE]
    for at in range(0, len(gone), 500):
        tx.conn.execute(
            delete(shadow).where(shadow.c.feed == feed, shadow.c.key.in_(gone[at : at + 500]))
        )


def send_snapshot(tx: Tx, feed: str, reader: str) -> int:
    """Send the table as it stands after the last item, in letters that only `reader` opens.
    Returns how many bytes of rows that were."""
    row = feed_writer.feed_row(tx, feed)
    schema = current_schema(tx, feed)
    if schema is None:
        return 0
    query = select(shadow.c.row).where(shadow.c.feed == feed).order_by(shadow.c.key)
    batches = list(diff.batches(tx.conn.execute(query).scalars())) or [()]
    snapshot = uuid.UUID(bytes=tx.new_id()).hex
    for part, rows in enumerate(batches):
        body = feeds.SnapshotPart(
            feed=feed,
            snapshot=snapshot,
            incarnation=row.incarnation,
            seq=row.seq,
            hash=row.hash,
            part=part,
            parts=len(batches),
            schema=schema,
        )
        send(tx, reader, body, rows=rows, case=None)
    return sum(len(row) for rows in batches for row in rows)
