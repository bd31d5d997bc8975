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
            jobs = [self._fetch(row[0], row[2], row[1]) for row in some]
            for end in await asyncio.gather(*jobs, return_exceptions=True):
                if isinstance(end, BaseException):
                    raise end

    async def _fetch(self, name: Scalar, sha256: Scalar, size: Scalar) -> None:
        if not isinstance(name, str) or not isinstance(sha256, str) or not isinstance(size, int):
            return
        try:
            check_name(name)
        except FileName as error:
            _log.error("%s: %s", self.subscribed.feed, error)
            return  # no version of it will ever stand here
        if self._fetched.get(name) == (sha256, size):
            return
        there = await asyncio.to_thread(self._is_in_place, name, sha256, size)
        if there or await self._transfer(name, sha256, size):
            self._fetched[name] = (sha256, size)

    async def _transfer(self, name: str, sha256: str, size: int) -> bool:
        """False: its provider has a newer version already, which comes as a later item."""
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
            return True
        if row.error == FileUnknown.code:
            return False
        raise SinkContents(file=name, detail=row.error or row.state)

    def _is_in_place(self, name: str, sha256: str, size: int) -> bool:
        """Known to have been, or found to be; makes the folder that it will stand in."""
        with self.place.locked():
            state = self._state()
            path = self.place.path / name
            with self.place.named():
                self._make_folders(path)
                if state is not None and state.files.get(name) == (sha256, size):
                    return True
                if not path.is_file() or path.is_symlink() or path.stat().st_size != size:
                    return False
                return _sha256(path) == sha256

    def _make_folders(self, path: Path) -> None:
        """Down from the subscription's folder, and never through a link out of it."""
        top = self.place.path
        for folder in reversed(path.relative_to(top).parents[:-1]):
            inner = top / folder
            if inner.is_symlink():
                raise NotADirectoryError(20, "a link stands in the way", os.fspath(inner))
            inner.mkdir(exist_ok=True)

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
            gone = [name for name in files if name not in there] if deletes is None else deletes
            for name in gone:
                if files.pop(name, None) is not None and not self.keep_deleted:
                    self._remove(name)
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
