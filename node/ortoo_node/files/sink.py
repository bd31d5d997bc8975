"""A feed of files in a folder: each new or changed file is fetched and put in place.

What the folder ``.ortoo`` inside remembers: the cursor, and which contents of which name were put
in place. A file that the department has moved away since is not fetched again; the cursor moves
only when the contents are there.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import msgspec

from ortoo_node.files.contents import hash_open
from ortoo_node.files.fetching import Fetcher
from ortoo_node.files.incoming import folders_between
from ortoo_node.files.transfers import DONE, Wanted
from ortoo_node.sinks.folder.cursors import check_owner, is_there
from ortoo_node.sinks.folder.place import Place, sync
from ortoo_node.sources.folder.settled import open_plain
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import (
    FileName,
    FileUnknown,
    SinkContents,
    SinkMismatch,
)
from ortoo_protocol.core.feeds import Changes, TableSchema
from ortoo_protocol.core.files import check_name, is_files
from ortoo_protocol.station.ports import Cursor, Sink

AT_ONCE = 8
_STATE = "files"
_log = logging.getLogger(__name__)


class State(msgspec.Struct):
    """What `.ortoo/files` holds. `files`: name → [sha256, size] of what was put in place."""

    feed: str
    incarnation: int
    seq: int
    hash: bytes
    files: dict[str, tuple[str, int]]

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.feed, self.incarnation, self.seq, self.hash)


@dataclass(frozen=True)
class Subscribed:
    """For what the files come here."""

    subscription: str
    resource: str
    feed: str
    grant: str


@dataclass
class FileSink(Sink):
    """`keep_deleted`: a file that the feed deletes stays here."""

    place: Place
    fetcher: Fetcher
    subscribed: Subscribed
    keep_deleted: bool
    _left: Cursor | None = None
    _fetched: dict[str, tuple[str, int]] = field(default_factory=dict)

    def read_cursor(self, feed: str) -> Cursor | None:
        if not self.place.exists():
            self._left = None
            return None
        state = self._state()
        self._left = None if state is None else state.cursor
        check_owner(self.place, self._left, feed)
        return self._left

    # --- contents ---

    async def fetch(self, schema: TableSchema, rows: Iterable[tuple[Scalar, ...]]) -> None:
        """Raises SinkContents: rows wait, and this is called again."""
        if not is_files(schema):
            raise SinkMismatch(
                name=self.place.name, table=self.place.table, detail="the feed holds no files"
            )
        each = iter(rows)
        while some := await asyncio.to_thread(lambda: list(islice(each, AT_ONCE))):
            jobs = [self._fetch(*one) for one in await asyncio.to_thread(self._lacking, some)]
            for end in await asyncio.gather(*jobs, return_exceptions=True):
                if isinstance(end, BaseException):
                    raise end

    def _lacking(self, rows: Sequence[tuple[Scalar, ...]]) -> list[tuple[str, str, int]]:
        """Of `rows`, what has to be fetched: (name, sha256, size). Once for all of them, since only
        one at a time is at work here."""
        lacking = []
        with self.place.locked(), self.place.named():
            state = self._state()
            known = {} if state is None else state.files
            for row in rows:
                if (named := self._named(row)) is None:
                    continue
                name, version = named[0], named[1:]
                if known.get(name) == version or self._is_in_place(*named):
                    self._fetched[name] = version
                elif self._fetched.get(name) != version:
                    lacking.append(named)
        return lacking

    def _named(self, row: tuple[Scalar, ...]) -> tuple[str, str, int] | None:
        """(name, sha256, size); None: no version of it will ever stand here."""
        name, size, sha256 = row[:3]
        if not isinstance(name, str) or not isinstance(sha256, str) or not isinstance(size, int):
            return None
        try:
            return check_name(name), sha256, size
        except FileName as error:
            _log.error("%s: %s", self.subscribed.feed, error)
            return None

    async def _fetch(self, name: str, sha256: str, size: int) -> None:
        """What its provider has a newer version of already is passed over: that comes as a later
        item."""
        about = self.subscribed
        wanted = Wanted(
            resource=about.resource,
            feed=about.feed,
            grant=about.grant,
            name=name,
            sha256=sha256,
            size_bytes=size,
            target=self.place.path / name,
            subscription=about.subscription,
        )
        row = await self.fetcher.until_ended(await self.fetcher.begin(wanted))
        if row.state == DONE:
            self._fetched[name] = (sha256, size)
        elif row.error != FileUnknown.code:
            raise SinkContents(file=name, detail=row.error or row.state)

    def _is_in_place(self, name: str, sha256: str, size: int) -> bool:
        """Raises OSError: a link leads out of this folder."""
        path = self.place.path / name
        if not all(folder.is_dir() for folder in folders_between(self.place.path, path.parent)):
            return False
        if not path.is_file() or path.is_symlink() or path.stat().st_size != size:
            return False
        return _sha256(path) == sha256

    # --- rows ---

    def apply(self, schema: TableSchema, changes: Changes, cursor: Cursor) -> None:
        self._move(changes.upserts, [str(key[0]) for key in changes.deletes], cursor)

    def replace(
        self, schema: TableSchema, rows: Iterable[tuple[Scalar, ...]], cursor: Cursor
    ) -> None:
        self._move(list(rows), None, cursor)

    def rewind(self, cursor: Cursor) -> None:
        """Files stay; what was put in place is not fetched again for the same contents."""
        with self.place.locked():
            state = self._state()
            check_owner(self.place, None if state is None else state.cursor, cursor.feed)
            if state is not None:
                back = State(cursor.feed, cursor.incarnation, cursor.seq, cursor.hash, state.files)
                self._keep(back)
                self._left = cursor

    def _move(
        self,
        upserts: Sequence[tuple[Scalar, ...]],
        deletes: Sequence[str] | None,
        cursor: Cursor,
    ) -> None:
        """`deletes` None: what is not among `upserts` is gone."""
        with self.place.locked():
            state = self._state()
            stored = None if state is None else state.cursor
            check_owner(self.place, stored, cursor.feed)
            if is_there(self.place, stored, self._left, cursor):
                self._left = stored
                return
            files = {} if state is None else state.files
            there = {str(row[0]) for row in upserts}
            ours = files | self._fetched  # fetched for what was never applied: it lies here too
            gone = [name for name in ours if name not in there] if deletes is None else deletes
            for name in gone:
                if name in ours and not self.keep_deleted:
                    self._remove(name)
                files.pop(name, None)
                self._fetched.pop(name, None)
            for name in there:
                if name in self._fetched:
                    files[name] = self._fetched.pop(name)
            self._keep(State(cursor.feed, cursor.incarnation, cursor.seq, cursor.hash, files))
            self._left = cursor

    def _remove(self, name: str) -> None:
        """The file, and folders below ours that it leaves empty."""
        path = self.place.path / name
        with self.place.named():
            path.unlink(missing_ok=True)
            sync(path.parent) if path.parent.is_dir() else None
            for folder in path.parents:
                if folder == self.place.path or not folder.is_dir() or any(folder.iterdir()):
                    return
                folder.rmdir()

    def _state(self) -> State | None:
        raw = self.place.read_own(_STATE)
        return None if raw is None else msgspec.msgpack.decode(raw, type=State)

    def _keep(self, state: State) -> None:
        self.place.put_own(_STATE, msgspec.msgpack.encode(state))

    def close(self) -> None:
        return


def _sha256(path: Path) -> str:
    descriptor = open_plain(path)
    try:
        return hash_open(descriptor)
    finally:
        os.close(descriptor)
