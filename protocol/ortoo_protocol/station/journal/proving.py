"""Proofs that a third party checks without us: checkpoints as signed, rows by their leaf, trees by
their consistency. O(log n) reads each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from ortoo_protocol.core.errors import JournalNone, JournalSize, JournalUnknown
from ortoo_protocol.core.journal import Note, journal_origin
from ortoo_protocol.core.keys import Suite
from ortoo_protocol.core.merkle import leaf_hash
from ortoo_protocol.station.context import Parts
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.tables import checkpoints, journal

MOST_ROWS = 200
MOST_CHECKPOINTS = 200


@dataclass(frozen=True)
class Prover:
    conn: Connection
    parts: Parts

    @property
    def suite(self) -> Suite:
        return self.parts.identity.suite

    @property
    def origin(self) -> str:
        return journal_origin(self.parts.identity.plane, self.parts.identity.party)

    @property
    def size(self) -> int:
        return journal_rows.frontier(self.conn, self.suite).size

    def root(self, size: int) -> str:
        return journal_rows.frontier_at(self.conn, self.suite, size).root().hex()

    # --- checkpoints ---

    def checkpoint(self) -> dict[str, Any]:
        """The newest that this party signed. Raises JournalNone."""
        row = self._newest()
        return {"size": row.size, "root": self.root(row.size), "note": bytes(row.note).decode()}

    def checkpoints(self, before: int, count: int) -> dict[str, Any]:
        """Those of fewer than `before` rows (0: all), the newest first; who signed each."""
        query = select(checkpoints).where(checkpoints.c.origin == self.origin)
        if before:
            query = query.where(checkpoints.c.size < before)
        most = max(1, min(count, MOST_CHECKPOINTS))
        rows = self.conn.execute(query.order_by(checkpoints.c.size.desc()).limit(most + 1)).all()
        return {
            "origin": self.origin,
            "checkpoints": [self._checkpoint(row) for row in rows[:most]],
            "next_before": rows[most - 1].size if len(rows) > most else 0,
        }

    def _checkpoint(self, row: Row[Any]) -> dict[str, Any]:
        note = Note.parse(bytes(row.note))
        return {
            "size": row.size,
            "root": note.checkpoint.root.hex(),
            "time_ms": row.time_ms,
            "cosigned": row.cosigned,
            "signers": [each.name for each in note.signatures],
        }

    # --- proofs ---

    def consistency(self, first: int, second: int = 0) -> dict[str, Any]:
        """That the journal of `second` rows (0: the newest checkpoint's) begins with the `first`
        ones as they were. The signed checkpoints of both sizes, where there are such. Raises
        JournalSize, JournalNone."""
        size = second or self._newest().size
        whole = self.size
        if not 0 < first <= size <= whole:
            raise JournalSize(size=max(first, size), whole=whole)
        proof = journal_rows.consistency_proof(self.conn, self.suite, first, size)
        return {
            "first": first,
            "second": size,
            "first_root": self.root(first),
            "second_root": self.root(size),
            "proof": [each.hex() for each in proof],
        }

    def inclusion(self, flow: str, size: int = 0) -> dict[str, Any]:
        """Of each row of `flow`, a case, grant or correction, in the tree of `size` rows (0: the
        newest checkpoint's). Raises JournalSize, JournalNone."""
        within = self._within(size)
        query = select(journal).where(journal.c.flow == flow, journal.c.seq < within)
        found = self.conn.execute(query.order_by(journal.c.seq).limit(MOST_ROWS)).all()
        root = self.root(within)
        return {"rows": [self._included(row, within, root) for row in found]}

    def proof(self, seq: int, size: int = 0) -> dict[str, Any]:
        """All that shows that row `seq` stands in the journal of `size` rows (0: the newest
        checkpoint's): the bytes of its leaf, the path to the root, and the note that signs the
        root, if there is one of that size. Raises JournalUnknown, JournalSize, JournalNone."""
        found = row_at(self.conn, seq)
        within = self._within(size)
        if seq >= within:
            raise JournalSize(size=seq + 1, whole=within)
        leaf = journal_rows.read_row(found).leaf_bytes()
        return {
            **self._included(found, within, self.root(within)),
            "leaf_bytes": leaf.hex(),
            "suite": self.suite.number,
            "origin": self.origin,
            "note": self.note(within),
        }

    def note(self, size: int) -> str:
        """As it was signed; "" where no checkpoint has this size."""
        here = (checkpoints.c.origin == self.origin) & (checkpoints.c.size == size)
        raw = self.conn.execute(select(checkpoints.c.note).where(here)).scalar()
        return "" if raw is None else bytes(raw).decode()

    def _within(self, size: int) -> int:
        whole = self.size
        within = size or self._newest().size
        if not 0 < within <= whole:
            raise JournalSize(size=within, whole=whole)
        return within

    def _included(self, found: Row[Any], size: int, root: str) -> dict[str, Any]:
        row = journal_rows.read_row(found)
        proof = journal_rows.inclusion_proof(self.conn, self.suite, row.seq, size)
        return {
            "kind": row.kind,
            "direction": row.direction.name.lower(),
            "envelope": row.envelope_id.hex(),
            "time_ms": row.time_ms,
            "index": row.seq,
            "leaf": leaf_hash(self.suite.hash, row.leaf_bytes()).hex(),
            "size": size,
            "root": root,
            "proof": [each.hex() for each in proof],
        }

    def _newest(self) -> Row[Any]:
        query = select(checkpoints).where(checkpoints.c.origin == self.origin)
        row = self.conn.execute(query.order_by(checkpoints.c.size.desc()).limit(1)).first()
        if row is None:
            raise JournalNone()
        return row


def row_at(conn: Connection, seq: int) -> Row[Any]:
    """Raises JournalUnknown."""
    found = conn.execute(select(journal).where(journal.c.seq == seq)).first()
    if found is None:
        raise JournalUnknown(seq=seq)
    return found
