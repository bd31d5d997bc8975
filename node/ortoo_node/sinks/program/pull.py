"""A sink that keeps what is applied until a program of the department has fetched it (pull).

Pages, place and cursor are written in one transaction of the station's store. A snapshot takes the
place of everything that was not given out yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from ortoo_node.interfaces import Pull
from ortoo_node.sinks.checked import Checker
from ortoo_node.sinks.door import Door, seal
from ortoo_node.sinks.program import standing
from ortoo_node.sinks.program.fetching import fetch_row, page_use
from ortoo_node.sinks.program.pages import Page, Pager
from ortoo_node.sinks.program.standing import Place
from ortoo_node.store.tables import pull_pages, pulls
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import SinkPullFull
from ortoo_protocol.core.feeds import Changes, TableSchema
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.ports import Cursor
from ortoo_protocol.station.store.dialect import upsert

PAGES_A_JOB = 16
DAY_MS = 86_400_000


class PullSink:
    """Not for two threads at once."""

    def __init__(self, door: Door, place: Place, bounds: Pull) -> None:
        self._door = door
        self._place = place
        self._bounds = bounds
        self._pager = Pager(place.table, bounds.page_kb << 10)
        self._checker: Checker | None = None
        self._left: Cursor | None = None

    def read_cursor(self, feed: str) -> Cursor | None:
        stored = self._door.read(lambda conn: standing.stands(conn, self._place))
        self._left = stored if stored is not None and stored.feed == feed else None
        return self._left

    def apply(self, schema: TableSchema, changes: Changes, cursor: Cursor) -> None:
        checked = self._check(schema).changes(changes)
        stored, last = self._door.read(lambda conn: self._look(conn, cursor.feed))
        if standing.is_there(self._place, stored, self._left, cursor):
            self._left = stored
            return
        self._check_bounds()
        pages = list(self._pager.of_changes(schema, checked, cursor))
        rows = self._sealed(pages, last)
        self._door.write(partial(self._append, rows, last, cursor, stored))
        self._left = cursor

    def replace(
        self, schema: TableSchema, rows: Iterable[tuple[Scalar, ...]], cursor: Cursor
    ) -> None:
        chunks = self._check(schema).chunks(rows)
        stored, last = self._door.read(lambda conn: self._look(conn, cursor.feed))
        self._check_bounds()
        self._door.write(lambda tx: self._forget_unfinished(tx, last))
        pages = self._pager.of_snapshot(schema, chunks, cursor)
        end = last
        while some := list(islice(pages, PAGES_A_JOB)):
            staged = self._sealed(some, end)
            self._door.write(partial(_insert, staged))
            end += len(some)
        self._door.write(partial(self._put_in_place, last, end, cursor, stored))
        self._left = cursor

    def rewind(self, cursor: Cursor) -> None:
        """What follows is kept again, behind what waits."""
        stored = self._door.read(lambda conn: standing.owned(conn, self._place, cursor.feed))
        self._door.write(lambda tx: standing.move(tx, self._place, cursor, stored))
        self._left = cursor

    def close(self) -> None:
        return

    def _check(self, schema: TableSchema) -> Checker:
        if self._checker is None or self._checker.schema != schema:
            self._checker = Checker(schema)
        return self._checker

    def _look(self, conn: Connection, feed: str) -> tuple[Cursor | None, int]:
        row = fetch_row(conn, self._place.subscription)
        return standing.owned(conn, self._place, feed), 0 if row is None else row.last

    def _check_bounds(self) -> None:
        """Before more is kept. Raises SinkPullFull."""
        detail = self._door.read(self._excess)
        if detail:
            raise SinkPullFull(name=self._place.name, table=self._place.table, detail=detail)

    def _excess(self, conn: Connection) -> str:
        row = fetch_row(conn, self._place.subscription)
        if row is None or row.held == 0:
            return ""
        bounds = self._bounds
        if row.held_bytes >= bounds.max_mb << 20:
            return f"{row.held_bytes >> 20} MB"
        if row.held >= bounds.max_items:
            return f"{row.held}"
        oldest = select(pull_pages.c.since_ms).where(
            pull_pages.c.subscription == self._place.subscription
        )
        since_ms = conn.execute(oldest.order_by(pull_pages.c.place).limit(1)).scalar()
        age_ms = self._door.parts.clock() - (since_ms or 0)
        days = age_ms // DAY_MS
        return f"{days} d" if since_ms is not None and days >= bounds.max_days else ""

    def _sealed(self, pages: Sequence[Page], after: int) -> list[dict[str, Any]]:
        subscription, parts = self._place.subscription, self._door.parts
        return [
            {
                "subscription": subscription,
                "place": place,
                "size": len(page.body),
                "since_ms": parts.clock(),
                "body": seal(parts, page_use(subscription, place), page.body),
            }
            for place, page in enumerate(pages, after + 1)
        ]

    # --- in the store ---

    def _append(
        self, rows: list[dict[str, Any]], last: int, cursor: Cursor, left: Cursor | None, tx: Tx
    ) -> None:
        standing.move(tx, self._place, cursor, left)
        self._forget_unfinished(tx, last)
        _insert(rows, tx)
        row = fetch_row(tx.conn, self._place.subscription)
        held, held_bytes = (0, 0) if row is None else (row.held, row.held_bytes)
        size = sum(each["size"] for each in rows)
        self._keep(tx, row, last + len(rows), held + len(rows), held_bytes + size)

    def _put_in_place(
        self, last: int, end: int, cursor: Cursor, left: Cursor | None, tx: Tx
    ) -> None:
        standing.move(tx, self._place, cursor, left)
        row = fetch_row(tx.conn, self._place.subscription)
        given = 0 if row is None else row.given_to
        mine = pull_pages.c.subscription == self._place.subscription
        old = (pull_pages.c.place > given) & (pull_pages.c.place <= last)
        tx.conn.execute(delete(pull_pages).where(mine, old))
        counted = select(func.count(), func.coalesce(func.sum(pull_pages.c.size), 0)).where(mine)
        held, held_bytes = tx.conn.execute(counted).one()
        self._keep(tx, row, end, held, held_bytes)

    def _forget_unfinished(self, tx: Tx, last: int) -> None:
        """What a snapshot left that was never put in place."""
        mine = pull_pages.c.subscription == self._place.subscription
        tx.conn.execute(delete(pull_pages).where(mine, pull_pages.c.place > last))

    def _keep(self, tx: Tx, row: Row[Any] | None, last: int, held: int, held_bytes: int) -> None:
        values = {
            "subscription": self._place.subscription,
            "last": last,
            "given_from": 0 if row is None else row.given_from,
            "given_to": 0 if row is None else row.given_to,
            "held": held,
            "held_bytes": held_bytes,
        }
        upsert(tx.conn, pulls, [values])
        tx.after_commit(self._door.arrived.set)


def _insert(rows: list[dict[str, Any]], tx: Tx) -> None:
    if rows:
        tx.conn.execute(insert(pull_pages), rows)
