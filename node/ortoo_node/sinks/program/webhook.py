"""A sink that posts what is applied to a program of the department (webhook).

The cursor moves, in the station's store, after the program has said 2xx. What dies in between is
posted again, under the same id with the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ortoo_node.sinks.checked import Checker
from ortoo_node.sinks.door import Door
from ortoo_node.sinks.program import standing
from ortoo_node.sinks.program.pages import Page, Pager
from ortoo_node.sinks.program.posting import Poster
from ortoo_node.sinks.program.standing import Place
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.feeds import Changes, TableSchema
from ortoo_protocol.station.ports import Cursor


class WebhookSink:
    """Not for two threads at once."""

    def __init__(self, door: Door, place: Place, poster: Poster, page_bytes: int) -> None:
        self._door = door
        self._place = place
        self._poster = poster
        self._pager = Pager(place.table, page_bytes)
        self._checker: Checker | None = None
        self._left: Cursor | None = None

    def read_cursor(self, feed: str) -> Cursor | None:
        stored = self._door.read(lambda conn: standing.stands(conn, self._place))
        self._left = stored if stored is not None and stored.feed == feed else None
        return self._left

    def apply(self, schema: TableSchema, changes: Changes, cursor: Cursor) -> None:
        checked = self._check(schema).changes(changes)
        stored = self._door.read(lambda conn: standing.owned(conn, self._place, cursor.feed))
        if standing.is_there(self._place, stored, self._left, cursor):
            self._left = stored
            return
        self._post(self._pager.of_changes(schema, checked, cursor), _part("item", cursor))
        self._move(cursor, stored)

    def replace(
        self, schema: TableSchema, rows: Iterable[tuple[Scalar, ...]], cursor: Cursor
    ) -> None:
        chunks = self._check(schema).chunks(rows)
        stored = self._door.read(lambda conn: standing.owned(conn, self._place, cursor.feed))
        self._post(self._pager.of_snapshot(schema, chunks, cursor), _part("snapshot", cursor))
        self._move(cursor, stored)

    def rewind(self, cursor: Cursor) -> None:
        """What follows is posted again under the ids that it had."""
        stored = self._door.read(lambda conn: standing.owned(conn, self._place, cursor.feed))
        self._move(cursor, stored)

    def at_once(self) -> None:
        self._poster.at_once()

    def close(self) -> None:
        self._poster.close()

    def _check(self, schema: TableSchema) -> Checker:
        if self._checker is None or self._checker.schema != schema:
            self._checker = Checker(schema)
        return self._checker

    def _post(self, pages: Iterator[Page], part: str) -> None:
        """Those pages of `part` that the program does not have yet."""
        taken = self._door.read(lambda conn: standing.pages_taken(conn, self._place, part))
        at_rows = True
        try:
            for page in pages:
                at_rows = False
                if page.number > taken:
                    taken = page.number
                    self._note(part, taken)
                if page.number >= taken:
                    self._poster.post(page.id, page.body)
                at_rows = True
        except BaseException:
            if at_rows:  # the rows broke off: whoever mends them may send others
                self._note("", 0)
            raise

    def _note(self, part: str, pages: int) -> None:
        self._door.write(lambda tx: standing.note_page(tx, self._place, part, pages))

    def _move(self, cursor: Cursor, left: Cursor | None) -> None:
        self._door.write(lambda tx: standing.move(tx, self._place, cursor, left))
        self._left = cursor


def _part(kind: str, cursor: Cursor) -> str:
    return f"{kind}:{cursor.feed}:{cursor.incarnation}:{cursor.seq}:{cursor.hash.hex()}"
