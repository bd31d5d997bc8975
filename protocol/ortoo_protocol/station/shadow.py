"""The shadow of a table feed (影子表): each row as it was published last, by key.

It is written in the transaction that appends the item, so a snapshot is one read of it, and what
differs from a source is found by looking here.

On SQLite the rows of an item are written by one statement: keys and rows lie end to end in one
blob, and a JSON list says where each begins and how long it is. A statement for each row would cost
twice as much, and give up Python's lock and fight for it again at each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, repeat

from sqlalchemy import Connection, Integer, bindparam, delete, func, select, text, update

from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import insert_new_of, upsert_of
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import shadow

KEYS_A_LOOK = 500
ROWS_A_PAGE = 1_000
_NAMES = ("feed", "key", "row", "seq")
_PUT = Prepared(upsert_of(shadow, "postgresql"), _NAMES)
_NEW = Prepared(insert_new_of(shadow, "postgresql"), _NAMES)
# A span is 25 bits of place, 19 of the key's length, 19 of the row's: more than an item holds.
_ROWS = 19
_KEYS = _ROWS * 2
_MOST = (1 << _ROWS) - 1
_SPANS = f"""
INSERT INTO shadow (feed, "key", "row", seq)
SELECT :feed,
  substr(:bytes, (value >> {_KEYS}) + 1, (value >> {_ROWS}) & {_MOST}),
  substr(:bytes, (value >> {_KEYS}) + ((value >> {_ROWS}) & {_MOST}) + 1, value & {_MOST}),
  :seq
FROM json_each(:spans) WHERE true
ON CONFLICT """  # noqa: S608  # numbers of our own
_SPAN_NAMES = ("feed", "bytes", "spans", "seq")
_PUT_SPANS = Prepared(
    text(_SPANS + '(feed, "key") DO UPDATE SET "row" = excluded."row", seq = excluded.seq'),
    _SPAN_NAMES,
)
_NEW_SPANS = Prepared(text(_SPANS + "DO NOTHING"), _SPAN_NAMES)
_PAGE = Prepared(
    select(shadow.c.key, shadow.c.row, shadow.c.seq)
    .where(shadow.c.feed == bindparam("f"), shadow.c.key > bindparam("a"))
    .order_by(shadow.c.key)
    .limit(bindparam("n", type_=Integer)),
    ("f", "a", "n"),
)
_DROP = Prepared(
    delete(shadow).where(shadow.c.feed == bindparam("f"), shadow.c.key == bindparam("k")),
    ("f", "k"),
)


def put(tx: Tx, feed: str, seq: int, keys: Sequence[bytes], rows: Sequence[bytes]) -> None:
    """`rows` (as they travel, at most an item of them) stand at item `seq`."""
    _write(tx.conn, _PUT_SPANS, _PUT, feed, seq, keys, rows)


def put_new(tx: Tx, feed: str, seq: int, keys: Sequence[bytes], rows: Sequence[bytes]) -> set[int]:
    """As `put`, of keys that should not be there; the places of those that are, and stay."""
    if _write(tx.conn, _NEW_SPANS, _NEW, feed, seq, keys, rows) == len(keys):
        return set()
    before = {key for key, (_row, at) in look(tx.conn, feed, keys).items() if at != seq}
    return {place for place, key in enumerate(keys) if key in before}


def _write(
    conn: Connection,
    at_once: Prepared,
    one_by_one: Prepared,
    feed: str,
    seq: int,
    keys: Sequence[bytes],
    rows: Sequence[bytes],
) -> int:
    if conn.dialect.name != "sqlite":
        return one_by_one.many(conn, list(zip(repeat(feed), keys, rows, repeat(seq), strict=False)))
    if not keys:
        return 0
    pieces = list(chain.from_iterable(zip(keys, rows, strict=True)))
    ends = list(accumulate(map(len, pieces), initial=0))
    spans = [
        start << _KEYS | middle - start << _ROWS | end - middle
        for start, middle, end in zip(ends[::2], ends[1::2], ends[2::2], strict=False)
    ]
    return at_once.one(conn, feed, b"".join(pieces), str(spans), seq)


def put_each(tx: Tx, feed: str, rows: Sequence[tuple[bytes, bytes, int]]) -> None:
    """Rows (key, row, item) of several items."""
    _PUT.many(tx.conn, [(feed, *row) for row in rows])


def become(tx: Tx, feed: str, other: str) -> None:
    """What stands under `other` stands under `feed` instead of what stood there."""
    tx.conn.execute(delete(shadow).where(shadow.c.feed == feed))
    tx.conn.execute(update(shadow).where(shadow.c.feed == other).values(feed=feed))


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


def pages(
    conn: Connection, feed: str, most: int = ROWS_A_PAGE
) -> Iterator[Sequence[tuple[bytes, bytes, int]]]:
    """Every row (key, row, item), by key, `most` at a time: it may be written to between them."""
    after = b""
    while page := _PAGE.rows(conn, feed, after, most):
        after = page[-1][0]
        yield page


def keys_after(conn: Connection, feed: str, after: bytes, most: int) -> Sequence[bytes]:
    """The next `most` keys behind `after`, in order; `after` empty: from the first."""
    query = (
        select(shadow.c.key)
        .where(shadow.c.feed == feed, shadow.c.key > after)
        .order_by(shadow.c.key)
        .limit(most)
    )
    return conn.execute(query).scalars().all()
