"""Rows that did not leave, and why: what a department has to mend (剔除记录).

A reject names the row by its key, or by its place in the reading where the key could not be read.
No other value is kept. A key that the rules call personal, or that is an identity card number
whatever they say, is kept as its mark alone: a hash with a secret of this station, by which a row
that was mended is found again. The newest 10,000 rejects of a resource are kept, and all counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from ortoo_node.publishing.gate import Reject
from ortoo_node.quality.numbers import looks_personal
from ortoo_node.store.tables import quality_runs, reject_counts, rejects
from ortoo_protocol.core.keys import domain
from ortoo_protocol.core.row_codec import key_bytes
from ortoo_protocol.station.context import Identity, Tx
from ortoo_protocol.station.store.dialect import upsert

MOST_KEPT = 10_000
MARK_BYTES = 8
_AT_ONCE = 500


def mark(identity: Identity, resource: str, key: bytes) -> str:
    """What stands for a key of `resource` here, and tells nobody the key."""
    context = domain("ortoo/key-mark", identity.plane, resource.encode(), key)
    return identity.suite.kdf(identity.store_key, context, MARK_BYTES).hex()


@dataclass
class SetAside:
    """What one reading set aside. `open_marks`: rejects of before that it may find mended (a whole
    reading needs none, it says all there is)."""

    open_marks: Collection[str] = ()
    newest: list[Reject] = field(default_factory=list)
    totals: Counter[tuple[str, str]] = field(default_factory=Counter)
    mended: set[str] = field(default_factory=set)

    def take(self, found: Sequence[Reject]) -> None:
        self.newest.extend(found)
        del self.newest[:-MOST_KEPT]
        self.totals.update((reject.code, reject.column) for reject in found)

    def passed(self, identity: Identity, resource: str, keys: Sequence[bytes]) -> None:
        """Rows with these keys may leave, or are gone."""
        if self.open_marks:
            marks = {mark(identity, resource, key) for key in keys}
            self.mended |= marks.intersection(self.open_marks)


def open_marks(conn: Connection, resource: str) -> frozenset[str]:
    query = select(rejects.c.mark).where(rejects.c.resource == resource, rejects.c.mark != "")
    return frozenset(conn.execute(query).scalars())


def keep(
    tx: Tx,
    resource: str,
    found: SetAside,
    *,
    whole: bool,
    hides: Callable[[str], bool],
    key_columns: Sequence[str],
) -> None:
    """Note what a reading set aside. A `whole` one says all there is: earlier rejects that it did
    not find again were mended."""
    if not whole and not found.totals and not found.mended:
        return  # a push of a few good rows
    run = next_run(tx, resource)
    mine = rejects.c.resource == resource
    known = _known(tx.conn, resource)
    hidden = [hides(column) for column in key_columns]
    rows = [_row(tx, resource, run, reject, hidden, known) for reject in found.newest]
    if whole:
        tx.conn.execute(delete(rejects).where(mine))
    else:
        _drop(tx.conn, resource, {row["mark"] for row in rows if row["mark"]} | found.mended)
    if rows:
        tx.conn.execute(insert(rejects), rows)
        newest = select(rejects.c.number).where(mine).order_by(rejects.c.number.desc())
        first = tx.conn.execute(newest.offset(MOST_KEPT).limit(1)).scalar()
        if first is not None:
            tx.conn.execute(delete(rejects).where(mine, rejects.c.number <= first))
    _count(tx, resource, found.totals if whole else _still_open(tx.conn, resource))


def next_run(tx: Tx, resource: str) -> int:
    query = select(quality_runs.c.run).where(quality_runs.c.resource == resource)
    return (tx.conn.execute(query).scalar() or 0) + 1


def _known(conn: Connection, resource: str) -> dict[tuple[str, str, str], tuple[int, int]]:
    """How often, and since when, each reject that is open was found."""
    query = select(rejects).where(rejects.c.resource == resource, rejects.c.mark != "")
    return {
        (row.mark, row.column, row.error): (row.times, row.first_ms) for row in conn.execute(query)
    }


def _row(
    tx: Tx,
    resource: str,
    run: int,
    reject: Reject,
    hidden: Sequence[bool],
    known: Mapping[tuple[str, str, str], tuple[int, int]],
) -> dict[str, Any]:
    marked = "" if reject.key is None else mark(tx.parts.identity, resource, key_bytes(reject.key))
    times, first_ms = known.get((marked, reject.column, reject.code), (0, tx.now_ms))
    return {
        "resource": resource,
        "run": run,
        "row": reject.number,
        "key": _shown(reject, hidden, marked),
        "mark": marked,
        "column": reject.column,
        "error": reject.code,
        "detail": reject.detail[:500],
        "times": times + 1,
        "first_ms": first_ms,
        "time_ms": tx.now_ms,
    }


def _shown(reject: Reject, hidden: Sequence[bool], marked: str) -> str:
    """The key as people may read it."""
    if reject.key is None:
        return ""
    texts = [str(value) for value in reject.key]
    if any(hidden) or any(map(looks_personal, texts)):
        return f"#{marked}"
    return " ".join(texts)[:200]


def _drop(conn: Connection, resource: str, marks: Collection[str]) -> None:
    listed = sorted(marks)
    for at in range(0, len(listed), _AT_ONCE):
        part = listed[at : at + _AT_ONCE]
        conn.execute(
            delete(rejects).where(rejects.c.resource == resource, rejects.c.mark.in_(part))
        )


def _still_open(conn: Connection, resource: str) -> Mapping[tuple[str, str], int]:
    query = (
        select(rejects.c.error, rejects.c.column, func.count())
        .where(rejects.c.resource == resource)
        .group_by(rejects.c.error, rejects.c.column)
    )
    return {(error, column): number for error, column, number in conn.execute(query)}


def _count(tx: Tx, resource: str, totals: Mapping[tuple[str, str], int]) -> None:
    tx.conn.execute(delete(reject_counts).where(reject_counts.c.resource == resource))
    rows = [
        {"resource": resource, "error": error, "column": column, "total": number}
        for (error, column), number in totals.items()
    ]
    upsert(tx.conn, reject_counts, rows)


def counts(conn: Connection) -> dict[str, int]:
    """Open rejects of each resource."""
    query = select(reject_counts.c.resource, func.sum(reject_counts.c.total))
    found = conn.execute(query.group_by(reject_counts.c.resource))
    return {resource: int(number) for resource, number in found}


def by_reason(conn: Connection, resource: str) -> Sequence[Row[Any]]:
    query = select(reject_counts).where(reject_counts.c.resource == resource)
    return conn.execute(query.order_by(reject_counts.c.total.desc())).all()


def listed(conn: Connection, resource: str, most: int = 100, offset: int = 0) -> Sequence[Row[Any]]:
    query = select(rejects).where(rejects.c.resource == resource)
    query = query.order_by(rejects.c.number.desc()).limit(most).offset(offset)
    return conn.execute(query).all()


def kept(conn: Connection, resource: str) -> int:
    """How many `listed` can show: of more than MOST_KEPT the newest."""
    query = select(func.count()).select_from(rejects).where(rejects.c.resource == resource)
    return conn.execute(query).scalar() or 0
