"""SourceSlot: what PostgreSQL's own log says has changed, by a slot that ``source prepare`` made.

A reading looks into the log without taking anything from it, reads the rows of the keys it finds
there as they stand now, and leaves as its mark how far the log was read. Only the next reading,
which is given that mark because it is on the publisher's disk, moves the slot up to it. So a crash
between read and publish finds the same changes again. A slot that is further on than the mark (a
restored store) compares the whole table.

The log shows a commit a moment before other connections see its rows, and longer with synchronous
replicas. What it shows of transactions that this snapshot does not see yet is left for the next
reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import sqlalchemy as sa

from ortoo_node.captures import How
from ortoo_node.sources.port import Reading
from ortoo_node.sources.tables import naming, pgoutput
from ortoo_node.sources.tables.capture import Capture, Mark, read_mark, shape_of, whole_is_due
from ortoo_node.sources.tables.reader import TableReader
from ortoo_protocol.core.errors import SourceUnprepared
from ortoo_protocol.core.feeds import Column

CHANGES_AT_ONCE = 500_000  # of one reading; the server ends it with a whole transaction
MESSAGES_AT_ONCE = 5_000
MOST_KEYS = 200_000  # beyond, the whole table is compared
KEYS_AT_ONCE = 2_000
_XIDS = 1 << 32


class SourceSlot:
    """The table by its slot, which ``source prepare`` made for `party`.

    Raises DatabaseUrl and RowsSchema at once.
    """

    def __init__(
        self,
        url: str,
        table: str,
        columns: Sequence[Column],
        key: Sequence[str],
        capture: Capture,
        now_ms: int,
        party: str,
    ) -> None:
        self._reader = TableReader(url, table, columns, key)
        self._capture = capture
        self._now_ms = now_ms
        self._slot = naming.slot_name(party, table)
        self._publication = naming.publication_name(party, self._reader.table_name)
        self._shape = shape_of(columns, key, self._slot)

    def check(self) -> None:
        """Raises SourceMissing, SourceColumns, SourceUnprepared and other SourceErrors."""
        with self._reader.connect() as connection:
            self._reader.check_columns(connection)
            self._stands_at(connection)

    def read(self, mark: str) -> Reading:
        known = read_mark(mark, How.SLOT, self._shape)
        published = int(known.at["log"]) if known is not None else 0
        at, changes = self._look(published)
        behind = known is None or at != published
        unclear = changes.emptied or changes.lost or len(changes.keys) > MOST_KEYS
        whole = behind or unclear or whole_is_due(known, self._capture, self._now_ms)
        left = [Mark(How.SLOT, self._shape, self._now_ms, {"log": at})]
        if known is not None and not whole:
            left[0] = replace(left[0], whole_ms=known.whole_ms)
        gone: list[Sequence[object]] = []

        def rows() -> Iterator[Sequence[object]]:
            with self._reader.connect() as connection:
                self._reader.check_columns(connection)
                until = _seen_until(changes, _unseen(connection), at)
                left[0] = replace(left[0], at={"log": until})
                if whole:
                    yield from self._reader.stream(connection, self._reader.select())
                else:
                    yield from self._changed(connection, list(changes.keys), gone)

        return Reading(rows(), whole=whole, deletes=lambda: gone, mark=lambda: left[0].write())

    def close(self) -> None:
        self._reader.close()

    def _look(self, published: int) -> tuple[int, pgoutput.Changes]:
        """Move the slot to what is published, then look on: (where it stands, what it holds)."""
        with self._reader.named(), self._reader.engine.connect() as connection:
            # Outside of any snapshot: each statement sees what is committed by then.
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            at = self._stands_at(connection)
            flushed = lsn(
                connection.exec_driver_sql("SELECT pg_current_wal_flush_lsn()").scalar_one()
            )
            # Not beyond its end: a database that was restored has not come as far as the mark.
            if at < published <= flushed:
                move = sa.text("SELECT pg_replication_slot_advance(:slot, CAST(:to AS pg_lsn))")
                connection.execute(move, {"slot": self._slot, "to": lsn_text(published)})
                at = published
        changes, count = self._peek()
        if count < CHANGES_AT_ONCE:
            # Everything that was committed up to there has been looked at.
            changes.transactions.append(pgoutput.Transaction(0, flushed))
        return at, changes

    def _peek(self) -> tuple[pgoutput.Changes, int]:
        """What the log holds, and how many messages that were."""
        query = sa.text(
            "SELECT data FROM pg_logical_slot_peek_binary_changes(:slot, NULL, :most, "
            "'proto_version', '1', 'publication_names', :names)"
        )
        names = naming.quote(self._publication, "postgresql")
        values = {"slot": self._slot, "most": CHANGES_AT_ONCE, "names": names}
        count = 0

        def messages(found: sa.ScalarResult[bytes]) -> Iterator[bytes]:
            nonlocal count
            for message in found:
                count += 1
                yield message

        with self._reader.connect() as connection:
            streamed = connection.execution_options(yield_per=MESSAGES_AT_ONCE)
            with streamed.execute(query, values) as found:
                changes = pgoutput.read(messages(found.scalars()), self._reader.key)
        return changes, count

    def _stands_at(self, connection: sa.Connection) -> int:
        query = sa.text(
            "SELECT s.confirmed_flush_lsn::text AS at, "
            "EXISTS (SELECT FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid "
            "WHERE p.pubname = :publication AND r.prrelid = CAST(:table AS regclass)) AS told, "
            "coalesce(to_jsonb(s) ->> 'wal_status', '') = 'lost' AS lost "
            "FROM pg_replication_slots s WHERE s.slot_name = :slot "
            "AND s.plugin = 'pgoutput' AND s.database = current_database()"
        )
        values = {
            "slot": self._slot,
            "publication": self._publication,
            "table": naming.regclass(connection, self._reader),
        }
        row = connection.execute(query, values).first()
        if row is None or not row.told or row.lost:
            detail = "it has no slot" if row is None else "its slot or publication is gone"
            raise SourceUnprepared(
                name=self._reader.name,
                table=self._reader.table,
                how=How.SLOT.value,
                detail=f"{detail} ({self._slot})",
            )
        return lsn(row.at)

    def _changed(
        self, connection: sa.Connection, keys: list[pgoutput.Key], gone: list[Sequence[object]]
    ) -> Iterator[Sequence[object]]:
        """Rows of `keys` as they stand now; keys without a row go to `gone`."""
        query = self._lookup(connection)
        width = len(self._reader.key)
        rest = iter(keys)
        while part := list(islice(rest, KEYS_AT_ONCE)):
            values = {f"p{place}": [key[place] for key in part] for place in range(width)}
            for row in connection.execute(query, values):
                if row[width] is None:
                    gone.append(row[:width])
                else:
                    yield row[width + 1 :]

    def _lookup(self, connection: sa.Connection) -> sa.TextClause:
        types = self._key_types(connection)
        keys, q = self._reader.key, _quote
        arrays = ", ".join(f"CAST(:p{place} AS text[])" for place in range(len(keys)))
        names = ", ".join(f"t{place}" for place in range(len(keys)))
        typed = ", ".join(f"t{place}::{kind} AS k{place}" for place, kind in enumerate(types))
        same = " AND ".join(f"source.{q(name)} = given.k{place}" for place, name in enumerate(keys))
        given = ", ".join(f"given.k{place}" for place in range(len(keys)))
        columns = ", ".join(f"source.{q(column.name)}" for column in self._reader.columns)
        table = _escaped(naming.regclass(connection, self._reader))
        return sa.text(
            f"SELECT {given}, source.{q(keys[0])}, {columns} "  # noqa: S608 - names are quoted
            f"FROM (SELECT {typed} FROM unnest({arrays}) AS raw({names})) AS given "
            f"LEFT JOIN {table} AS source ON {same}"
        )

    def _key_types(self, connection: sa.Connection) -> list[str]:
        query = sa.text(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
            "WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND NOT attisdropped"
        )
        table = naming.regclass(connection, self._reader)
        found = {row[0]: str(row[1]) for row in connection.execute(query, {"table": table})}
        return [found[name] for name in self._reader.key]


def _unseen(connection: sa.Connection) -> tuple[int, set[int]]:
    """(the first transaction that this snapshot does not see, those below that it does not)."""
    snapshot = connection.exec_driver_sql("SELECT txid_current_snapshot()::text").scalar_one()
    _, newest, writing = str(snapshot).split(":")
    return int(newest), {int(xid) for xid in writing.split(",") if xid}


def _seen_until(changes: pgoutput.Changes, unseen: tuple[int, set[int]], at: int) -> int:
    """How far the log is covered by what this snapshot sees."""
    newest, writing = unseen
    waiting = {xid % _XIDS for xid in writing}
    for transaction in changes.transactions:
        later = transaction.xid and (transaction.xid - newest) % _XIDS < _XIDS // 2
        if transaction.xid in waiting or later:
            return at
        at = max(at, transaction.end)
    return at


def lsn(text: Any) -> int:
    high, _, low = str(text).partition("/")
    return (int(high, 16) << 32) | int(low, 16)


def lsn_text(value: int) -> str:
    return f"{value >> 32:X}/{value & 0xFFFFFFFF:X}"


def _quote(name: str) -> str:
    return _escaped(naming.quote(name, "postgresql"))


def _escaped(name: str) -> str:
    """sa.text takes a colon for a parameter."""
    return name.replace("\\", "\\\\").replace(":", "\\:")
