"""WholeFolderSink: a folder holds one current file of the table, replaced at most every so often.

Rows and cursor are kept in SQLite beside it and are exactly once; the file follows them. When it
may not be written yet, a timer writes it once it may, so that the last change is never left out.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from ortoo_node.folders import TableOptions
from ortoo_node.sinks.checked import Checker
from ortoo_node.sinks.folder import formats, held
from ortoo_node.sinks.folder.cursors import check_owner, is_there
from ortoo_node.sinks.folder.held import Held
from ortoo_node.sinks.folder.place import Place
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import (
    SinkBusy,
    SinkError,
    SinkFolder,
    SinkForbidden,
    SinkFull,
)
from ortoo_protocol.core.feeds import Changes, TableSchema
from ortoo_protocol.station.ports import Cursor

_ERRORS: dict[int, type[SinkError]] = {
    sqlite3.SQLITE_FULL: SinkFull,
    sqlite3.SQLITE_BUSY: SinkBusy,
    sqlite3.SQLITE_LOCKED: SinkBusy,
    sqlite3.SQLITE_READONLY: SinkForbidden,
    sqlite3.SQLITE_PERM: SinkForbidden,
}
_log = logging.getLogger(__name__)


class WholeFolderSink:
    """Into `place`, as its `options` say; `now` counts seconds. Its timer is the only other thread
    that may call it."""

    def __init__(self, place: Place, options: TableOptions, now: Callable[[], float]) -> None:
        self._place = place
        self._options = options
        self._now = now
        self._left: Cursor | None = None
        self._written: float | None = None
        self._timer: threading.Timer | None = None
        self._alone = threading.RLock()

    def read_cursor(self, feed: str) -> Cursor | None:
        with self._alone:
            self._left = None
            if not self._place.exists():
                return None
            with self._transaction() as table:
                state = table.state()
                behind = state is not None and not state.current
            if state is not None and state.cursor.feed == feed:
                self._left = state.cursor
            if behind:
                self._follow()
            return self._left

    def apply(self, schema: TableSchema, changes: Changes, cursor: Cursor) -> None:
        checker = Checker(schema)
        with self._alone:
            with self._transaction() as table:
                state = table.state()
                stored = state.cursor if state is not None else None
                check_owner(self._place, stored, cursor.feed)
                if is_there(self._place, stored, self._left, cursor):
                    self._left = stored
                    return
                if state is not None and state.schema != schema:
                    table.fit(state.schema, checker.codec)
                table.change(checker.codec, checker.changes(changes))
                table.move(cursor, schema)
            self._left = cursor
            self._follow()

    def replace(
        self, schema: TableSchema, rows: Iterable[tuple[Scalar, ...]], cursor: Cursor
    ) -> None:
        checker = Checker(schema)
        with self._alone:
            with self._transaction() as table:
                state = table.state()
                check_owner(self._place, state.cursor if state else None, cursor.feed)
                table.replace(checker.codec, checker.chunks(rows))
                table.move(cursor, schema)
            self._left = cursor
            self._follow()

    def rewind(self, cursor: Cursor) -> None:
        with self._alone, self._transaction() as table:
            state = table.state()
            check_owner(self._place, state.cursor if state else None, cursor.feed)
            if state is not None:
                table.move(cursor, state.schema)
                self._left = cursor

    def close(self) -> None:
        """The file is written once more if it is behind."""
        with self._alone:
            if self._timer is not None:
                self._timer.cancel()
                self._later()

    # --- the file ---

    def _follow(self) -> None:
        """Write the file now, or as soon as it may be."""
        waited_s = self._options.every_s if self._written is None else self._now() - self._written
        if waited_s >= self._options.every_s:
            self._write()
        elif self._timer is None:
            self._timer = threading.Timer(self._options.every_s - waited_s, self._later)
            self._timer.daemon = True
            self._timer.start()

    def _later(self) -> None:
        with self._alone:
            self._timer = None
            try:
                self._write()
            except SinkError as error:
                # Whoever reads the cursor next, before any further change, tries again and says so.
                _log.warning("%s", error)

    def _write(self) -> None:
        name = f"{self._place.table}{formats.suffix(self._options)}"
        with self._transaction() as table:
            state = table.state()
            if state is None or state.current:
                return
            with (
                self._place.put(name) as out,
                formats.writing(out, state.schema, self._options, with_op=False) as writer,
            ):
                writer.write(table.rows(), "")
            table.is_current()
        self._written = self._now()

    @contextmanager
    def _transaction(self) -> Iterator[Held]:
        """Under the folder's lock; errors of SQLite become SinkErrors."""
        with self._place.locked():
            try:
                with held.opened(self._place.own) as table:
                    yield table
            except held.Misfit as error:
                raise self._place.mismatch(str(error)) from None
            except sqlite3.Error as error:
                code = getattr(error, "sqlite_errorcode", None) or sqlite3.SQLITE_IOERR
                kind = _ERRORS.get(code & 0xFF, SinkFolder)
                place = self._place
                raise kind(
                    name=place.name, table=place.table, path=place.path, detail=str(error)
                ) from error
