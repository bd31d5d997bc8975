"""FilesSource: the files of a front-end folder as the rows of a file feed; contents stay there.

A file is hashed when it is new or its stamp changed. One that is still being written is left out;
if it was published before, that row stays as it is until the file has settled, and its old content
is not to be had meanwhile.
"""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ortoo_node.files.contents import Known, hash_file
from ortoo_node.folders import Folder
from ortoo_node.settings import NodeSettings
from ortoo_node.sources import mounts
from ortoo_node.sources.folder.rows import shown
from ortoo_node.sources.folder.settled import Found, look, pattern_parts
from ortoo_node.sources.port import Reading, Unread
from ortoo_protocol.core.errors import (
    FileChanged,
    FileName,
    OrtooError,
    SettingsLacking,
    SourceFile,
    SourceSettling,
)
from ortoo_protocol.core.files import check_name
from ortoo_protocol.core.rows import CIVIL_ZONE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNKNOWN_TYPE = "application/octet-stream"


@dataclass
class FilesSource:
    """Files of `folder` that match `pattern`. `known`: their hashes from earlier; `learned`: what
    the reading found. `clock`: seconds since 1970. `foreign`: by hash, why one is not passed on."""

    folder: Folder
    pattern: str
    known: Mapping[str, Known]
    clock: Callable[[], float]
    foreign: Callable[[str], OrtooError | None] = lambda _sha256: None
    learned: dict[str, Known] = field(default_factory=dict)

    def check(self) -> None:
        """Raises SourceFolder."""
        pattern_parts(self.folder.read_path, self.pattern)
        self._look()

    def read(self, mark: str) -> Reading:
        """Raises SourceFolder: also when files are gone because their file system is.
        SourceSettling when all that there is to read is still being written."""
        found, types = self._look(), mimetypes.MimeTypes()
        waiting = [each for each in found if each.waits and each.name not in self.known]
        if waiting and len(waiting) == len(found):
            raise SourceSettling(
                name=self.folder.name,
                file=shown(waiting[0].name),
                settle_s=f"{self.folder.settle_s:g}",
            )
        top, names = self.folder.read_path, [each.name for each in found]
        mounts.check(top, names, mounts.read(mark))
        devices = mounts.written(mounts.seen(top, names))
        reading = Reading(rows=iter(()), mark=lambda: devices)
        reading.rows = self._rows(found, types, reading)
        return reading

    def close(self) -> None:
        return

    def _look(self) -> list[Found]:
        folder = self.folder
        return look(
            folder.read_path,
            self.pattern,
            folder.settle_s,
            self.clock,
            need_marker=folder.marker,
        )

    def _rows(
        self, found: Sequence[Found], types: mimetypes.MimeTypes, reading: Reading
    ) -> Iterator[Sequence[object]]:
        for each in found:
            try:
                name = check_name(each.name)
                known = self._known(each)
            except FileName as error:
                yield Unread(error)
                continue
            except OSError as error:
                reading.whole = False  # it is there; its row stays
                detail = error.strerror or str(error)
                yield Unread(
                    SourceFile(file=shown(each.name), name=self.folder.name, detail=detail)
                )
                continue
            refused = None if known is None else self.foreign(known.sha256)
            if refused is not None:
                yield Unread(refused)
            elif known is not None:
                media_type = types.guess_type(name)[0] or _UNKNOWN_TYPE
                stamp = known.stamp
                yield name, stamp.size, known.sha256, _civil(stamp.mtime_ns), media_type

    def _known(self, found: Found) -> Known | None:
        """What the row says; None: nothing yet. Raises OSError."""
        known = self.known.get(found.name)
        if found.waits or (known is not None and known.stamp == found.stamp):
            return known
        try:
            fresh = hash_file(found.path)
        except (FileChanged, FileNotFoundError):
            return known  # written to or taken away just now: the next reading sees it
        self.learned[found.name] = fresh
        return fresh


def open_files_source(
    settings: NodeSettings,
    name: str,
    pattern: str,
    known: Mapping[str, Known],
    foreign: Callable[[str], OrtooError | None],
) -> FilesSource:
    """The folder `name` of the settings. Raises SettingsLacking."""
    folder = settings.folder_named(name)
    if folder is None or not folder.read:
        raise SettingsLacking(place=str(settings.folder), key=f"folders: name = {name!r}")
    return FilesSource(folder, pattern, known, time.time, foreign)


def _civil(mtime_ns: int) -> str:
    """北京时间; whoever sets the time of a file may set any."""
    try:
        moment = _EPOCH + timedelta(microseconds=mtime_ns // 1000)
        return moment.astimezone(CIVIL_ZONE).replace(tzinfo=None).isoformat()
    except (OverflowError, ValueError):
        return "1970-01-01T08:00:00"
