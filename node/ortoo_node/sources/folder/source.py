"""FolderSource: files that departments put into a folder, read as the rows of a feed.

A publication's files either each state the whole table (`whole`, the newest counts), or are changes
that are read in the order of their names. A file that is still written stops those behind it; one
that cannot be used is set aside with its reason, stays where it is, and the others go on.

What was read is remembered in the mark, which the publisher keeps with the last rows: a crash
before that reads the same files again, and the comparison with what was published doubles nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ortoo_node.folders import Folder
from ortoo_node.sources.folder.csv_reader import read_csv
from ortoo_node.sources.folder.deleted import DeletedKeys
from ortoo_node.sources.folder.marks import Mark, Read, read_mark
from ortoo_node.sources.folder.parquet_reader import read_parquet
from ortoo_node.sources.folder.places import Places
from ortoo_node.sources.folder.rows import Asked, Line, Reader, shown
from ortoo_node.sources.folder.settled import MARKER, Found, Stamp, look, pattern_parts
from ortoo_node.sources.folder.spool import Changed, Copied, copied
from ortoo_node.sources.folder.xlsx_reader import read_xlsx
from ortoo_node.sources.port import Reading, Unread
from ortoo_node.sources.values import canonical
from ortoo_protocol.core.errors import (
    RowsValue,
    SourceFile,
    SourceMissing,
    SourceRow,
    SourceRowKey,
    SourceRowOp,
    SourceSettling,
)
from ortoo_protocol.core.feeds import Column, TableSchema
from ortoo_protocol.core.rows import check_schema
from ortoo_protocol.i18n import mark as say

READERS: Mapping[str, Reader] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".txt": read_csv,
    ".xlsx": read_xlsx,
    ".xlsm": read_xlsx,
    ".parquet": read_parquet,
}
_DELETES = frozenset(("d", "del", "delete", "删", "删除", "-"))
_UPSERTS = frozenset(("", "u", "upsert", "update", "i", "insert", "a", "add", "c", "r", "+"))
_UPSERTS |= frozenset(("新增", "增加", "添加", "修改", "更新", "变更"))
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileState:
    """`state`: read, failed (`error` says why), being written, ready, or older than a whole file
    that was read."""

    file: str
    size_bytes: int
    state: str
    error: dict[str, Any] | None = None


@dataclass(frozen=True)
class FolderSource:
    """Files of `folder` that match `pattern`. `titles`: the items' names by column; `spool`: a
    folder of the station for copies; `clock`: seconds since 1970. Not for two threads at once."""

    folder: Folder
    pattern: str
    columns: Sequence[Column]
    key: Sequence[str]
    titles: Mapping[str, str]
    spool: Path
    clock: Callable[[], float]

    def check(self) -> None:
        """Raises SourceFolder, RowsSchema."""
        check_schema(TableSchema(number=1, columns=tuple(self.columns), key=tuple(self.key)))
        pattern_parts(self.folder.read_path, self.pattern)
        self._look()

    def read(self, mark: str) -> Reading:
        """Raises SourceFolder; SourceMissing when there never was a file, SourceSettling when all
        that there is to read is still being written."""
        run = _Run(self, read_mark(mark, self._asked(), self.key))
        found = self._look()
        if not found and not mark:
            raise SourceMissing(name=self.folder.name, table=self.pattern)
        run.mark.keep_only(each.name for each in found)
        wanted = run.newest(found) if self._asked().options.whole else run.next(found)
        waiting = [each for each in found if each.waits]
        if not wanted and waiting:
            raise SourceSettling(
                name=self.folder.name,
                file=shown(waiting[0].name),
                settle_s=f"{self.folder.settle_s:g}",
            )
        return run.reading(wanted)

    def close(self) -> None:
        return

    def files(self, mark: str) -> list[FileState]:
        """What is there, and what became of it. Raises SourceFolder."""
        known = read_mark(mark, self._asked(), self.key)
        whole = self._asked().options.whole
        return [_state(found, known, whole=whole) for found in self._look()]

    def _look(self) -> list[Found]:
        folder = self.folder
        return look(
            folder.read_path,
            self.pattern,
            folder.settle_s,
            self.clock,
            need_marker=folder.marker,
        )

    def _asked(self) -> Asked:
        options = self.folder.options_of(self.pattern)
        return Asked(self.folder.name, self.columns, self.titles, options)


def _state(found: Found, mark: Mark, *, whole: bool) -> FileState:
    read = mark.files.get(found.name)
    if read is not None and read.is_state_of(found):
        state = "failed" if read.error else "read"
        return FileState(shown(found.name), found.stamp.size, state, read.error)
    if found.waits:
        state = "being written"
    else:
        state = "older" if whole and age(found) <= mark.newest else "ready"
    return FileState(shown(found.name), found.stamp.size, state)


@dataclass
class _Run:
    """One reading: which files, their rows, and what is remembered of them afterwards."""

    source: FolderSource
    mark: Mark
    asked: Asked = field(init=False)
    deleted: DeletedKeys = field(default_factory=DeletedKeys)
    places: Places = field(default_factory=Places)
    finished: list[Found] = field(default_factory=list)
    _reading: Reading | None = None

    def __post_init__(self) -> None:
        self.asked = self.source._asked()
        schema = TableSchema(
            number=1, columns=tuple(self.source.columns), key=tuple(self.source.key)
        )
        names = [column.name for column in schema.columns]
        changes = canonical(schema)
        self._key = [(names.index(name), changes[names.index(name)]) for name in schema.key]

    # --- which files ---

    def newest(self, found: Sequence[Found]) -> list[Found]:
        """The newest whole file, unless it was read or a newer one was."""
        settled = [each for each in found if not each.waits]
        self.finished += [each for each in settled if age(each) <= self.mark.newest]
        last = max(settled, key=age, default=None)
        if last is None or age(last) <= self.mark.newest:
            return []
        return [last]

    def next(self, found: Sequence[Found]) -> list[Found]:
        wanted = []
        for each in found:
            known = self.mark.files.get(each.name)
            if each.waits:
                break
            if known is None or not known.is_state_of(each):
                wanted.append(each)
            elif not known.error:
                self.finished.append(each)
        return wanted

    # --- their rows ---

    def reading(self, wanted: Sequence[Found]) -> Reading:
        whole = self.asked.options.whole and bool(wanted)
        self._reading = Reading(
            rows=self._all(wanted),
            whole=whole,
            deletes=lambda: self.deleted,
            mark=self.mark.text,
            done=self.done,
            where=self.places.where,
            in_order=not whole,
        )
        return self._reading

    def _all(self, wanted: Sequence[Found]) -> Iterator[Sequence[object]]:
        for found in wanted:
            try:
                with copied(found, self.source.spool) as copy:
                    yield from self._file(found, copy)
            except Changed:
                _log.info("%s changed while it was read: later", shown(found.name))
                self._not_whole()
                return

    def _file(self, found: Found, copy: Copied) -> Iterator[Sequence[object]]:
        known = self.mark.files.get(found.name)
        if (
            known is not None
            and not known.error
            and known.digest == Read.of(found, copy.digest).digest
        ):
            self._note(found, copy)  # touched, and the same as before
            self._not_whole()
            return
        try:
            lines = _reader(copy, self.asked)(copy, self.asked)
            yield from self._lines(found, lines)
        except SourceFile as error:
            if self.asked.options.whole:
                raise
            _log.warning("%s", error)
            self.mark.files[found.name] = Read.of(found, copy.digest, error)
            self.places.note(0, found.name)
            yield Unread(error)
            return
        self._note(found, copy)

    def _lines(self, found: Found, lines: Iterator[Line]) -> Iterator[Sequence[object]]:
        has_op = bool(self.asked.options.op_column)
        for number, values in lines:
            row: Sequence[object] | None = None
            if isinstance(values, SourceRow):
                row = self._unread(values)
            elif has_op or self.deleted.any:
                row = self._changed(number, found, values)
            else:
                row = values
            if row is not None:
                self.places.note(number, found.name)
                yield row

    def _changed(
        self, number: int, found: Found, values: tuple[object, ...]
    ) -> Sequence[object] | None:
        """A row with its operation: what leaves of it, None if it is a delete."""
        where = {"line": number, "file": shown(found.name)}
        operation = ""
        if self.asked.options.op_column:
            operation = str(values[-1] or "").strip().casefold()
            values = values[:-1]
        try:
            key = [change(values[place]) for place, change in self._key]
        except RowsValue as error:
            if operation in _DELETES:
                return self._unread(SourceRowKey(column=error.facts.get("column"), **where))
            key = []
        if operation in _DELETES:
            if not self.asked.options.whole:
                self.deleted.add(key)
            return None
        if operation not in _UPSERTS:
            return self._unread(SourceRowOp(column=self.asked.options.op_column, **where))
        if key:
            self.deleted.remove(key)
        return values

    def _unread(self, error: SourceRow) -> Unread:
        """Which key a row has that cannot be read nobody knows: absent keys were not deleted."""
        self._not_whole()
        return Unread(error)

    def _not_whole(self) -> None:
        if self._reading is not None:
            self._reading.whole = False

    # --- afterwards ---

    def _note(self, found: Found, copy: Copied) -> None:
        self.mark.files[found.name] = Read.of(found, copy.digest)
        if self.asked.options.whole:
            self.mark.newest = age(found)
        self.finished.append(found)

    def done(self) -> None:
        """Move what was read to the folder for that, if there is one."""
        self.deleted.close()
        folder = self.source.folder
        if folder.done:
            for found in self.finished:
                _move(found, folder.path / folder.done)


def age(found: Found) -> tuple[int, str]:
    """What orders whole files, the newest last."""
    return found.stamp.mtime_ns, found.name


def _reader(copy: Copied, asked: Asked) -> Reader:
    """Raises SourceFile."""
    kind = os.path.splitext(copy.name)[1].lower()
    if kind not in READERS:
        detail = say("its name ends in none of .csv .tsv .txt .xlsx .xlsm .parquet")
        raise SourceFile(file=shown(copy.name), name=asked.source, detail=detail)
    return READERS[kind]


def _move(found: Found, done: Path) -> None:
    """Under its name, or one with the time it changed where that is taken. What changed since it
    was read stays, as does what cannot be moved: neither is read twice."""
    target = done / found.name
    try:
        if Stamp.of(os.lstat(found.path)) != found.stamp:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(target):
            target = target.with_stem(f"{target.stem}-{found.stamp.mtime_ns}")
        os.rename(found.path, target)
        found.path.with_name(found.path.name + MARKER).unlink(missing_ok=True)
    except OSError as error:
        _log.warning("%s cannot be moved to %s: %s", shown(found.name), done, error.strerror)
