"""The shadow of a table feed (影子表): each row as it was published last, by key.

It is written in the transaction that appends the item, so a snapshot is one read of it, and what
differs from a source is found by looking here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat

from sqlalchemy import Connection, bindparam, delete, func, select

from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import insert_new_of, upsert_of
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import shadow

KEYS_A_LOOK = 500
_NAMES = ("feed", "key", "row", "seq")
_PUT = {name: Prepared(upsert_of(shadow, name), _NAMES) for name in ("sqlite", "postgresql")}
_NEW = {name: Prepared(insert_new_of(shadow, name), _NAMES) for name in _PUT}
_DROP = Prepared(
    delete(shadow).where(shadow.c.feed == bindparam("f"), shadow.c.key == bindparam("k")),
    ("f", "k"),
)


def put(tx: Tx, feed: str, seq: int, keys: Sequence[bytes], rows: Sequence[bytes]) -> None:
    """`rows` (as they travel) stand at item `seq`."""
    values = list(zip(repeat(feed), keys, rows, repeat(seq), strict=False))
    _PUT[tx.conn.dialect.name].many(tx.conn, values)


def put_new(tx: Tx, feed: str, seq: int, keys: Sequence[bytes], rows: Sequence[bytes]) -> set[int]:
    """As `put`, of keys that should not be there; the places of those that are, and stay."""
    values = list(zip(repeat(feed), keys, rows, repeat(seq), strict=False))
    if _NEW[tx.conn.dialect.name].many(tx.conn, values) == len(values):
        return set()
    before = {key for key, (_row, at) in look(tx.conn, feed, keys).items() if at != seq}
    return {place for place, key in enumerate(keys) if key in before}


def drop(tx: Tx, feed: str, keys: Sequence[bytes]) -> None:
    _DROP.many(tx.conn, [(feed, key) for key in keys])


def is_empty(conn: Connection, feed: str) -> bool:
    return conn.execute(select(shadow.c.seq).where(shadow.c.feed == feed).limit(1)).first() is None


def count(conn: Connection, feed: str) -> int:
    query = select(func.count()).where(shadow.c.feed == feed)
    return conn.execute(query).scalar() or 0


def look(conn: Connection, feed: str, keys: Sequence[bytes]) -> dict[bytes, tuple[bytes, int]]:
    """Row and item of those `keys` that are there."""
    found: dict[bytes, tuple[bytes, int]] = {}
    for at in range(0, len(keys), KEYS_A_LOOK):
        query = select(shadow.c.key, shadow.c.row, shadow.c.seq).where(
            shadow.c.feed == feed, shadow.c.key.in_(keys[at : at + KEYS_A_LOOK])
        )
        found.update((key, (row, seq)) for key, row, seq in conn.execute(query))
    return found


def rows(conn: Connection, feed: str) -> Iterator[bytes]:
    """Every row, by key."""
    query = select(shadow.c.row).where(shadow.c.feed == feed).order_by(shadow.c.key)
    yield from conn.execution_options(yield_per=1000).execute(query).scalars()


def keys_after(conn: Connection, feed: str, after: bytes, most: int) -> Sequence[bytes]:
    """The next `most` keys behind `after`, in order; `after` empty: from the first."""
    query = (
        select(shadow.c.key)
        .where(shadow.c.feed == feed, shadow.c.key > after)
        .order_by(shadow.c.key)
        .limit(most)
    )
    return conn.execute(query).scalars().all()
