"""SourceChangeLog: keys of changed rows, that triggers put into a table beside the source's.

A reading first claims what the log holds (numbers it as a batch), then joins it with the table:
what is there travels, what is not there was deleted. Its mark is the batch. The next reading with
that mark deletes the batches up to it - they are on the publisher's disk, since the mark is - and
claims anew. So a crash between read and publish finds the same keys again, and a reading that
begins before a mark whose keys are deleted already (a restored store) compares the whole table.

Claiming needs no order among transactions: what is committed later is claimed later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from ortoo_node.captures import How
from ortoo_node.databases import open_writer
from ortoo_node.sources.port import Reading
from ortoo_node.sources.tables import naming
from ortoo_node.sources.tables.capture import Capture, Mark, read_mark, shape_of, whole_is_due
from ortoo_node.sources.tables.reader import TableReader, quoted
from ortoo_protocol.core.errors import SourceUnprepared
from ortoo_protocol.core.feeds import Column

EMPTIED = "T"
IDS_AT_ONCE = 5_000


@dataclass(frozen=True)
class _Claim:
    batch: int
    floor: int  # keys up to this batch are deleted
    emptied: bool  # the table was truncated


class SourceChangeLog:
    """The table by its log, which ``source prepare`` made for `party`.

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
        self._writer = open_writer(self._reader.url)
        self._capture = capture
        self._now_ms = now_ms
        self._name = naming.log_name(party, self._reader.table_name)
        self._shape = shape_of(columns, key, self._name)
        schema = self._reader.schema_name
        names = [naming.ID, naming.BATCH, naming.OP, *key]
        self._log = sa.table(quoted(self._name), *map(_column, names), schema=schema)
        self._state = sa.table(
            naming.STATE, *map(_column, ("log_name", "batch", "floor")), schema=schema
        )

    def check(self) -> None:
        """Raises SourceMissing, SourceColumns, SourceUnprepared and other SourceErrors."""
        with self._reader.connect() as connection:
            self._reader.check_columns(connection)
            self._check_log(connection)

    def read(self, mark: str) -> Reading:
        self.check()
        known = read_mark(mark, How.LOG, self._shape)
        claim = self._claim(int(known.at["batch"]) if known is not None else 0)
        after = 0 if known is None else int(known.at["batch"])
        behind = known is None or claim.floor > after or claim.batch <= after
        whole = behind or claim.emptied or whole_is_due(known, self._capture, self._now_ms)
        left = Mark(How.LOG, self._shape, self._now_ms, {"batch": claim.batch})
        if known is not None and not whole:
            left = replace(left, whole_ms=known.whole_ms)
        gone: list[Sequence[object]] = []
        return Reading(
            self._whole() if whole else self._changed(after, claim.batch, gone),
            whole=whole,
            deletes=lambda: gone,
            mark=left.write,
        )

    def close(self) -> None:
        self._reader.close()
        self._writer.dispose()

    def _check_log(self, connection: sa.Connection) -> None:
        inspector, schema = sa.inspect(connection), self._reader.schema_name
        for name in (self._name, naming.STATE):
            if not inspector.has_table(name, schema=schema):
                raise self._unprepared(f"it has no table {name}")
        found = {each["name"] for each in inspector.get_columns(self._name, schema=schema)}
        if not set(self._reader.key) <= found:
            raise self._unprepared("its key items are others than when it was prepared")
        if not naming.has_triggers(connection, self._reader, self._name):
            raise self._unprepared("its triggers are gone")

    def _unprepared(self, detail: str) -> SourceUnprepared:
        return SourceUnprepared(
            name=self._reader.name, table=self._reader.table, how=How.LOG.value, detail=detail
        )

    def _claim(self, published: int) -> _Claim:
        """One transaction of the department's database: forget what is published, take the rest."""
        state, log = self._state, self._log
        mine = state.c.log_name == self._name
        batch = log.c[naming.BATCH]
        with self._reader.named(), self._writer.begin() as connection:
            # The row's lock lets one reading in at a time.
            moved = connection.execute(sa.update(state).where(mine).values(batch=state.c.batch + 1))
            if moved.rowcount != 1:
                raise self._unprepared(f"{naming.STATE} does not know it")
            now = connection.execute(sa.select(state.c.batch, state.c.floor).where(mine)).one()
            # A log that was restored or made anew has not come as far as the mark says.
            published = min(published, int(now.batch) - 1)
            if published > now.floor:
                for some in self._rows_where(connection, batch <= published):
                    connection.execute(sa.delete(log).where(some))
                connection.execute(sa.update(state).where(mine).values(floor=published))
            for some in self._rows_where(connection, batch.is_(None)):
                connection.execute(sa.update(log).where(some).values({batch: now.batch}))
            emptied = sa.select(sa.literal(1)).where(log.c[naming.OP] == EMPTIED).limit(1)
            found = connection.execute(emptied.where(batch > published)).first()
        return _Claim(int(now.batch), int(now.floor), found is not None)

    def _rows_where(
        self, connection: sa.Connection, condition: sa.ColumnElement[bool]
    ) -> Iterator[sa.ColumnElement[bool]]:
        """`condition`; on MySQL as numbers of rows, since a search that writes would wait there for
        every row that somebody has not committed yet."""
        if connection.dialect.name != "mysql":
            yield condition
            return
        number = self._log.c[naming.ID]
        found = connection.execute(sa.select(number).where(condition)).scalars().all()
        for at in range(0, len(found), IDS_AT_ONCE):
            yield number.in_(found[at : at + IDS_AT_ONCE])

    def _whole(self) -> Iterator[Sequence[object]]:
        with self._reader.connect() as connection:
            self._reader.check_columns(connection)
            yield from self._reader.stream(connection, self._reader.select())

    def _changed(
        self, after: int, until: int, gone: list[Sequence[object]]
    ) -> Iterator[Sequence[object]]:
        """Rows of the claimed keys as they stand now; keys without a row go to `gone`. An empty key
        is no row's: all rows with such a one come, to be set aside by name."""
        reader, batch = self._reader, self._log.c[naming.BATCH]
        keys = [self._log.c[name].label(f"k{place}") for place, name in enumerate(reader.key)]
        changed = (
            sa.select(*keys).distinct().where(batch > after, batch <= until).subquery("changed")
        )
        table = reader.clause(alias="source")
        same = [changed.c[f"k{n}"] == table.c[name] for n, name in enumerate(reader.key)]
        query = sa.select(
            *changed.c, table.c[reader.key[0]], *(table.c[c.name] for c in reader.columns)
        ).select_from(changed.outerjoin(table, sa.and_(*same)))
        width, empty = len(reader.key), False
        with reader.connect() as connection:
            reader.check_columns(connection)
            for row in reader.stream(connection, query):
                if row[width] is not None:
                    yield row[width + 1 :]
                elif None in row[:width]:
                    empty = True
                else:
                    gone.append(row[:width])
            if empty:
                rows = reader.select(*reader.key)
                lacking = sa.or_(*(sa.column(quoted(name)).is_(None) for name in reader.key))
                yield from reader.stream(connection, rows.where(lacking))


def _column(name: str) -> sa.ColumnClause[object]:
    return sa.column(quoted(name))
