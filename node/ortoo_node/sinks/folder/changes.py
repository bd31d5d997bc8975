"""FolderSink: each item of a feed becomes a file, at least once, under a name that tells it.

``FEED-INCARNATION-NUMBER-changes.csv`` and ``…-snapshot.csv``: in order of their names they are the
feed; a snapshot states the whole table, and files that were written before it and wait are removed.
After a crash at any moment the last file may be written once more, under the same name and with the
same bytes: whoever took it away already knows it by its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from ortoo_node.folders import TableOptions
from ortoo_node.sinks.checked import Checker
from ortoo_node.sinks.folder import formats
from ortoo_node.sinks.folder.cursors import check_owner, is_there
from ortoo_node.sinks.folder.place import Place
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.feeds import Changes, TableSchema
from ortoo_protocol.station.ports import Cursor

CURSOR = "cursor.json"


class _Kept(msgspec.Struct, frozen=True):
    feed: str
    incarnation: int
    seq: int
    hash: bytes


class FolderSink:
    """Into `place`, as its `options` say. Not for two threads at once."""

    def __init__(self, place: Place, options: TableOptions) -> None:
        self._place = place
        self._options = options
        self._left: Cursor | None = None

    def read_cursor(self, feed: str) -> Cursor | None:
        stored = self._stored() if self._place.exists() else None
        self._left = stored if stored is not None and stored.feed == feed else None
        return self._left

    def apply(self, schema: TableSchema, changes: Changes, cursor: Cursor) -> None:
        checker = Checker(schema)
        with self._place.locked():
            stored = self._stored()
            check_owner(self._place, stored, cursor.feed)
            if is_there(self._place, stored, self._left, cursor):
                self._left = stored
                return
            checked = checker.changes(changes)
            if checked.upserts or checked.deletes:
                gone = [formats.whole_row(schema, key) for key in checked.deletes]
                rows = ((gone, formats.DELETED), (checked.upserts, formats.UPSERTED))
                self._write(schema, cursor, "changes", rows)
            self._store(cursor)

    def replace(
        self, schema: TableSchema, rows: Iterable[tuple[Scalar, ...]], cursor: Cursor
    ) -> None:
        checker = Checker(schema)
        with self._place.locked():
            check_owner(self._place, self._stored(), cursor.feed)
            chunks = ((chunk, formats.UPSERTED) for chunk in checker.chunks(rows))
            name = self._write(schema, cursor, "snapshot", chunks)
            self._remove_before(cursor.feed, name)
            self._store(cursor)

    def rewind(self, cursor: Cursor) -> None:
        """What follows is written again under the names that it had."""
        with self._place.locked():
            check_owner(self._place, self._stored(), cursor.feed)
            self._store(cursor)

    def close(self) -> None:
        return

    def _write(
        self,
        schema: TableSchema,
        cursor: Cursor,
        kind: str,
        rows: Iterable[tuple[Sequence[formats.Row], str]],
    ) -> str:
        name = f"{_stem(cursor)}-{kind}{formats.suffix(self._options)}"
        self._place.check_room(self._options.most_files, name)
        with (
            self._place.put(name) as out,
            formats.writing(out, schema, self._options, with_op=True) as writer,
        ):
            for some, op in rows:
                writer.write(some, op)
        return name

    def _remove_before(self, feed: str, snapshot: str) -> None:
        """Names of `feed` that wait and that the snapshot made void, also those with higher
        numbers: a snapshot may lead back, and whoever reads in order of names must end with it."""
        for name in self._place.files():
            if name.startswith(f"{feed}-") and name != snapshot:
                self._place.remove(name)

    # --- the cursor ---

    def _stored(self) -> Cursor | None:
        raw = self._place.read_own(CURSOR)
        if raw is None:
            return None
        try:
            kept = msgspec.json.decode(raw, type=_Kept)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._place.mismatch(f"{CURSOR} in it is not this program's") from None
        return Cursor(kept.feed, kept.incarnation, kept.seq, kept.hash)

    def _store(self, cursor: Cursor) -> None:
        kept = _Kept(cursor.feed, cursor.incarnation, cursor.seq, cursor.hash)
        self._place.put_own(CURSOR, msgspec.json.encode(kept))
        self._left = cursor


def _stem(cursor: Cursor) -> str:
    """What names an item for ever: the key by which a file that comes twice is known."""
    return f"{cursor.feed}-{cursor.incarnation:04}-{cursor.seq:012}"
