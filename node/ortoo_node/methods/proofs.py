"""journal.checkpoint, journal.consistency, journal.inclusion: what a third party checks us by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from ortoo_protocol.core.errors import JournalNone, JournalSize
from ortoo_protocol.core.journal import journal_origin
from ortoo_protocol.core.merkle import leaf_hash
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.tables import checkpoints, journal

MOST_ROWS = 200


@dataclass(frozen=True)
class ProofMethods:
    station: Station

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "journal.checkpoint": self.checkpoint,
            "journal.consistency": self.consistency,
            "journal.inclusion": self.inclusion,
        }

    async def checkpoint(self) -> dict[str, Any]:
        """The newest that this station signed. Raises JournalNone."""

        def read(conn: Connection) -> dict[str, Any]:
            row = self._newest(conn)
            return {
                "size": row.size,
                "root": self._root(conn, row.size),
                "note": bytes(row.note).decode(),
            }

        return await self.station.read(read)

    async def consistency(self, first: int, second: int = 0) -> dict[str, Any]:
        """`second` 0: the newest checkpoint's. Raises JournalSize, JournalNone."""

        def read(conn: Connection) -> dict[str, Any]:
            size = second or self._newest(conn).size
            whole = journal_rows.frontier(conn, self._suite).size
            if not 0 < first <= size <= whole:
                raise JournalSize(size=max(first, size), whole=whole)
            proof = journal_rows.consistency_proof(conn, self._suite, first, size)
            return {
                "first": first,
                "second": size,
                "first_root": self._root(conn, first),
                "second_root": self._root(conn, size),
                "proof": [each.hex() for each in proof],
            }

        return await self.station.read(read)

    async def inclusion(self, flow: str, size: int = 0) -> dict[str, Any]:
        """Of each row of `flow`, a case, grant or correction, in the tree of `size` rows (0: the
        newest checkpoint's). Raises JournalSize, JournalNone."""

        def read(conn: Connection) -> dict[str, Any]:
            whole = journal_rows.frontier(conn, self._suite).size
            within = size or self._newest(conn).size
            if not 0 < within <= whole:
                raise JournalSize(size=within, whole=whole)
            query = select(journal).where(journal.c.flow == flow, journal.c.seq < within)
            found = conn.execute(query.order_by(journal.c.seq).limit(MOST_ROWS)).all()
            root = self._root(conn, within)
            return {"rows": [self._included(conn, row, within, root) for row in found]}

        return await self.station.read(read)

    def _included(self, conn: Connection, found: Any, size: int, root: str) -> dict[str, Any]:
        row = journal_rows.read_row(found)
        proof = journal_rows.inclusion_proof(conn, self._suite, row.seq, size)
        return {
            "kind": row.kind,
            "direction": row.direction.name.lower(),
            "envelope": row.envelope_id.hex(),
            "time_ms": row.time_ms,
            "index": row.seq,
            "leaf": leaf_hash(self._suite.hash, row.leaf_bytes()).hex(),
            "size": size,
            "root": root,
            "proof": [each.hex() for each in proof],
        }

    def _newest(self, conn: Connection) -> Any:
        identity = self.station.parts.identity
        origin = journal_origin(identity.plane, identity.party)
        query = select(checkpoints).where(checkpoints.c.origin == origin)
        row = conn.execute(query.order_by(checkpoints.c.size.desc()).limit(1)).first()
        if row is None:
            raise JournalNone()
        return row

    def _root(self, conn: Connection, size: int) -> str:
        return journal_rows.frontier_at(conn, self._suite, size).root().hex()

    @property
    def _suite(self) -> Any:
        return self.station.parts.identity.suite
