"""The journal at ten million rows: what a row costs to append, to keep and to verify.

Rows as a station writes them, in commits of 256: numbered, hashed into the tree, indexed. Peer: the
same bytes in a plain SQLite table with a hash chain, which proves nothing to a third party but the
whole.
"""

from __future__ import annotations

import hashlib
import resource
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ortoo_protocol.core.envelope import PREFIX_BYTES
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.core.journal import Row as JournalRow
from ortoo_protocol.core.keys import Suite1
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.journal_rows import Pending
from tests.bench.measuring import Row, against, alone
from tests.bench.rig import Rig
from tests.support.desk import Desk
from tests.support.stations import Kit
from tests.support.trust import STATIONS

A_COMMIT = 256
PEER = "plain SQLite with a SHA-256 hash chain over the same rows"
HEADER_BYTES = 220  # of an item of a table feed
FLOWS = 200


async def run(rig: Rig) -> list[Row]:
    count = rig.size(10_000_000, 5_000)
    suite = Suite1()
    desk = Desk(Kit(rig.folder), STATIONS[0], None)
    try:
        spent_s = _append(desk, count)
        size_bytes = _size(desk.path)
        begun = time.perf_counter()
        with desk.store.writing.begin() as conn:
            frontier = journal_rows.verify(conn, suite)
        verified_s = time.perf_counter() - begun
        proof_ms = _prove(desk, suite, count)
    finally:
        await desk.store.reading.dispose()
        desk.close()
    if frontier.size < count:
        raise RuntimeError(f"{frontier.size} rows of {count}")
    peer_append_s, peer_verify_s, peer_bytes = _chain(rig.folder / "chain.sqlite", count)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    a_million = 1e6 / count
    return [
        against("journal append", "rows/s", [count / spent_s], PEER, [count / peer_append_s],
                bar=None, better="higher",
                note=f"{count} rows, {A_COMMIT} a commit, with tree and four indexes"),
        against("journal verify", "s a 1,000,000 rows", [verified_s * a_million], PEER,
                [peer_verify_s * a_million], bar=None, better="lower",
                note=f"every leaf and the root anew; peak memory {peak_mib:.0f} MiB"),
        against("journal size", "bytes a row", [size_bytes / count], PEER, [peer_bytes / count],
                bar=None, better="lower",
                note=f"header {HEADER_BYTES} bytes, signature, hash, indexes, tree; no body"),
        alone("journal proof", "ms", [proof_ms], better="lower",
              note="inclusion of one row, median of 200 anywhere"),
    ]  # fmt: skip


def _pending(number: int) -> Pending:
    named = hashlib.sha512(number.to_bytes(8, "big")).digest()
    header = (named * 4)[:HEADER_BYTES]
    feed = f"s150700.feed-{number % FLOWS}"
    return Pending(
        Direction.RECEIVED, State.ACCEPTED, feed, named[:16], "table.rows", "s150700", header,
        named, named[:32], "", (named + named)[: PREFIX_BYTES + 24],
    )  # fmt: skip


def _commits(count: int) -> Iterator[Sequence[Pending]]:
    for first in range(0, count, A_COMMIT):
        yield [_pending(number) for number in range(first, min(first + A_COMMIT, count))]


def _append(desk: Desk, count: int) -> float:
    """Seconds, without those in which the rows are made up."""
    spent_s = 0.0
    for rows in _commits(count):
        begun = time.perf_counter()
        with desk.store.writing.begin() as conn:
            journal_rows.append(conn, desk.parts.identity.suite, rows, 1_780_000_000_000)
        spent_s += time.perf_counter() - begun
    return spent_s


def _size(path: Path) -> int:
    with sqlite3.connect(path) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


def _prove(desk: Desk, suite: Suite1, count: int) -> float:
    spent = []
    with desk.store.writing.begin() as conn:
        for turn in range(200):
            index = (turn * 7_919_113) % count
            begun = time.perf_counter()
            journal_rows.inclusion_proof(conn, suite, index, count)
            spent.append((time.perf_counter() - begun) * 1_000)
    return sorted(spent)[len(spent) // 2]


def _chain(path: Path, count: int) -> tuple[float, float, int]:
    """Seconds of appending and of verifying, and bytes."""
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("PRAGMA journal_mode=WAL")
    conn.execute("PRAGMA synchronous=FULL")
    conn.execute("CREATE TABLE rows (seq INTEGER PRIMARY KEY, leaf BLOB, hash BLOB)")
    head, spent_s, seq = bytes(32), 0.0, 0
    for rows in _commits(count):
        leaves = [_leaf(seq + place, row) for place, row in enumerate(rows)]
        begun = time.perf_counter()
        made = []
        for leaf in leaves:
            head = hashlib.sha256(head + leaf).digest()
            made.append((seq, leaf, head))
            seq += 1
        conn.execute("BEGIN")
        conn.executemany("INSERT INTO rows VALUES (?, ?, ?)", made)
        conn.execute("COMMIT")
        spent_s += time.perf_counter() - begun
    begun = time.perf_counter()
    head = bytes(32)
    for leaf, kept in conn.execute("SELECT leaf, hash FROM rows ORDER BY seq"):
        head = hashlib.sha256(head + leaf).digest()
        if head != kept:
            raise RuntimeError("the chain is broken")
    verified_s = time.perf_counter() - begun
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()
    return spent_s, verified_s, path.stat().st_size


def _leaf(seq: int, row: Pending) -> bytes:
    return JournalRow(
        seq, row.direction, row.flow, row.envelope_id, row.kind, row.sender, row.header,
        row.signature, row.body_hash, row.state, 1_780_000_000_000,
    ).leaf_bytes()  # fmt: skip
