"""The journal in the store: rows are appended, never changed; kept subtrees make proofs short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, false, or_, select, update
from sqlalchemy import Row as SqlRow

from ortoo_protocol.core.errors import JournalTree
from ortoo_protocol.core.journal import Direction, Row, State
from ortoo_protocol.core.keys import Suite
from ortoo_protocol.core.merkle import (
    Frontier,
    NodeGetter,
    NodeId,
    consistency_nodes,
    consistency_proof_from,
    frontier_nodes,
    inclusion_nodes,
    inclusion_proof_from,
    leaf_hash,
)
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import journal, journal_frontier, journal_nodes


class Pending(msgspec.Struct, frozen=True):
    """A row that has no number yet (core.journal.Row without seq and time)."""

    direction: Direction
    state: State
    flow: str
    envelope_id: bytes
    kind: str
    sender: str
    header: bytes
    signature: bytes
    body_hash: bytes
    error: str
    framing: bytes = b""


def frontier(conn: Connection, suite: Suite) -> Frontier:
    for (raw,) in _FRONTIER.rows(conn):
        return Frontier.from_bytes(suite.hash, raw, suite.hash_bytes)
    return Frontier(suite.hash)


def append(conn: Connection, suite: Suite, pending: Sequence[Pending], now_ms: int) -> None:
    """Number the rows, write them, and grow the tree by their leaves."""
    if not pending:
        return
    before = frontier(conn, suite)
    rows = [
        Row(
            seq,
            each.direction,
            each.flow,
            each.envelope_id,
            each.kind,
            each.sender,
            each.header,
            each.signature,
            each.body_hash,
            each.state,
            now_ms,
            each.error,
        )
        for seq, each in enumerate(pending, before.size)
    ]
    after, grown = before.grow(leaf_hash(suite.hash, row.leaf_bytes()) for row in rows)
    _ROWS.many(
        conn,
        [(*_values(row), each.framing) for row, each in zip(rows, pending, strict=True)],
    )
    nodes = [
        (level.level, level.first + place, value)
        for level in grown
        for place, value in enumerate(level.hashes)
    ]
    _NODES.many(conn, nodes)
    if not _MOVE.one(conn, after.to_bytes()):
        conn.execute(journal_frontier.insert().values(one=1, raw=after.to_bytes()))


_ROWS = Prepared(
    journal.insert(),
    (
        "seq", "time_ms", "direction", "state", "flow", "envelope_id", "kind", "sender", "header",
        "signature", "body_hash", "error", "framing",
    ),
)  # fmt: skip
_FRONTIER = Prepared(select(journal_frontier.c.raw), ())
_MOVE = Prepared(update(journal_frontier).values(raw=bindparam("r")), ("r",))
_NODES = Prepared(journal_nodes.insert(), ("level", "place", "hash"))


def _values(row: Row) -> tuple[Any, ...]:
    return (
        row.seq, row.time_ms, row.direction.value, row.state.value, row.flow, row.envelope_id,
        row.kind, row.sender, row.header, row.signature, row.body_hash, row.error,
    )  # fmt: skip


def read_row(found: SqlRow[Any]) -> Row:
    values = found._asdict()
    values.pop("framing", None)
    values["direction"] = Direction(values["direction"])
    values["state"] = State(values["state"])
    return Row(**values)


def rows(conn: Connection, first: int = 0, count: int | None = None) -> Iterator[Row]:
    """Rows from `first` on, streamed."""
    query = select(journal).where(journal.c.seq >= first).order_by(journal.c.seq)
    if count is not None:
        query = query.limit(count)
    for found in conn.execution_options(yield_per=1000).execute(query):
        yield read_row(found)


def verify(conn: Connection, suite: Suite) -> Frontier:
    """Compute the tree again from every row and compare it with what was kept.

    Returns the frontier; raises JournalTree naming the first difference. O(journal): asked for.
    """
    kept = frontier(conn, suite)
    grown = Frontier(suite.hash)
    batch: list[bytes] = []
    for expected, row in enumerate(rows(conn)):
        if row.seq != expected:
            raise JournalTree(detail=f"row {expected} is missing")
        batch.append(leaf_hash(suite.hash, row.leaf_bytes()))
        if len(batch) == 1024:
            _compare_leaves(conn, grown.size, batch)
            grown = grown.extend(batch)
            batch = []
    _compare_leaves(conn, grown.size, batch)
    grown = grown.extend(batch)
    if (grown.size, grown.root()) != (kept.size, kept.root()):
        raise JournalTree(detail=f"{grown.size} rows give another root than the one kept")
    return grown


def _compare_leaves(conn: Connection, first: int, leaves: Sequence[bytes]) -> None:
    query = (
        select(journal_nodes.c.place, journal_nodes.c.hash)
        .where(
            journal_nodes.c.level == 0,
            journal_nodes.c.place >= first,
            journal_nodes.c.place < first + len(leaves),
        )
        .order_by(journal_nodes.c.place)
    )
    kept = [row.hash for row in conn.execute(query)]
    for place, leaf in enumerate(leaves):
        if place >= len(kept) or kept[place] != leaf:
            raise JournalTree(detail=f"row {first + place} was changed")


def consistency_proof(conn: Connection, suite: Suite, old_size: int, size: int) -> list[bytes]:
    """Proof that the tree of `size` extends the tree of `old_size`: O(log n) reads."""
    node = _nodes(conn, consistency_nodes(old_size, size))
    return consistency_proof_from(suite.hash, node, old_size, size)


def inclusion_proof(conn: Connection, suite: Suite, index: int, size: int) -> list[bytes]:
    """Proof that row `index` stands in the tree of `size`: O(log n) reads."""
    return inclusion_proof_from(suite.hash, _nodes(conn, inclusion_nodes(index, size)), index, size)


def _nodes(conn: Connection, names: Sequence[NodeId]) -> NodeGetter:
    """The subtrees `names`, read at once and each by its key, as no list of pairs would be."""
    each = [(journal_nodes.c.level == level) & (journal_nodes.c.place == at) for level, at in names]
    found = {
        (row.level, row.place): bytes(row.hash)
        for row in conn.execute(select(journal_nodes).where(or_(false(), *each)))
    }
    return lambda level, place: found[level, place]


def frontier_at(conn: Connection, suite: Suite, size: int) -> Frontier:
    """The tree as it was at `size` rows."""
    return Frontier.at(suite.hash, _nodes(conn, frontier_nodes(size)), size)
