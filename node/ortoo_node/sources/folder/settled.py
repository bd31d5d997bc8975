"""The settle rule (落盘判定): which files of a folder may be read; no half-written one leaves.

A file counts once nothing about it has changed for `settle_s` and nobody has it open for writing
(where the file system can tell: local ones can, network mounts cannot); or at once when its writer
says so by an empty ``NAME.ok`` beside it that is not older than the file. Names that writers use
meanwhile (``*.part``, ``*.tmp``, ``~$*``, dotfiles, …) never count. Links are not followed, neither
to files nor through folders: whoever may write here could else have any file of the station read.

The folder's clock is the file system's. On a network mount its server has to agree with this
machine (chrony); where it is ahead, files only wait longer.
"""

from __future__ import annotations

import fcntl
import os
import signal
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from ortoo_protocol.core.errors import SourceFolder

SETTLE_S = 10.0
MARKER = ".ok"
MOST_FILES = 100_000
MOST_DEEP = 64
_UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".swp", "~")


@dataclass(frozen=True)
class Stamp:
    """What a file's state is known by: equal stamps, same content."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, about: os.stat_result) -> Stamp:
        return cls(about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino)


@dataclass(frozen=True)
class Found:
    """A file; `name` counts from the folder, with ``/``. `waits`: it does not count yet."""

    name: str
    path: Path
    stamp: Stamp
    waits: bool


def settled_files(
    folder: Path, pattern: str, settle_s: float, clock: Callable[[], float]
) -> list[Found]:
    """The files of `folder` that match `pattern` and may be read now, by name.

    `pattern` is a name or a path below the folder, with ``*``, ``?``, ``[…]`` in each part and
    ``**`` for any folders; `clock` gives seconds since 1970. Raises SourceFolder.
    """
    return [found for found in look(folder, pattern, settle_s, clock) if not found.waits]


def look(
    folder: Path,
    pattern: str,
    settle_s: float,
    clock: Callable[[], float],
    *,
    need_marker: bool = False,
) -> list[Found]:
    """As `settled_files`, with those that have to wait; `need_marker`: time alone is not enough."""
    parts = pattern_parts(folder, pattern)
    found: list[Found] = []
    try:
        for name, about in _matching(os.fspath(folder), parts, ""):
            if len(found) >= MOST_FILES:
                raise SourceFolder(path=folder, detail=f"more than {MOST_FILES} files")
            path = folder / name
            waits = _waits(path, about, settle_s, clock(), need_marker)
            # Names are bytes that others chose; what is remembered and shown is text.
            text = name.encode("utf-8", "backslashreplace").decode()
            found.append(Found(text, path, Stamp.of(about), waits))
    except OSError as error:
        raise SourceFolder(path=folder, detail=error.strerror or str(error)) from error
    return sorted(found, key=lambda each: each.name)


def pattern_parts(folder: Path, pattern: str) -> Sequence[str]:
    """Raises SourceFolder for what leads out of the folder."""
    parts = pattern.split("/")
    if "\0" in pattern or any(part in ("", ".", "..") for part in parts):
        raise SourceFolder(path=folder, detail=f"{pattern!r} is no pattern below it")
    return parts


def open_plain(path: Path) -> int:
    """A descriptor to read `path`: a plain file and no link. Raises OSError."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(2, "not a plain file", os.fspath(path))
    return descriptor


def is_unfinished(name: str) -> bool:
    """Whether writers use such a name until they are done (or it is a marker)."""
    lower = name.lower()
    return lower.startswith((".", "~$")) or lower.endswith((*_UNFINISHED, MARKER))


def _matching(
    folder: str, parts: Sequence[str], prefix: str
) -> Iterator[tuple[str, os.stat_result]]:
    """Plain files below `folder`; those that vanish meanwhile are none."""
    first, rest = parts[0], parts[1:]
    if first == "**" and rest:
        yield from _matching(folder, rest, prefix)
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_unfinished(entry.name):
                continue
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if name.count("/") >= MOST_DEEP:
                    raise SourceFolder(path=folder, detail=f"more than {MOST_DEEP} folders deep")
                below = parts if first == "**" else rest
                if below and (first == "**" or fnmatchcase(entry.name, first)):
                    yield from _matching(entry.path, below, name + "/")
            elif not rest and fnmatchcase(entry.name, first):
                try:
                    about = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(about.st_mode):
                    yield name, about


def _waits(
    path: Path, about: os.stat_result, settle_s: float, now_s: float, need_marker: bool
) -> bool:
    if _marked(path, about):
        return False
    if need_marker:
        return True
    # The kernel keeps ctime: it moves with every write, rename and copy. mtime can be set by
    # anyone, also to the future.
    times = [t for t in (about.st_ctime, about.st_mtime) if t <= now_s]
    return not times or now_s - max(times) < settle_s or _is_written(path)


def _marked(path: Path, about: os.stat_result) -> bool:
    """A marker that is older than its file speaks of what stood there before."""
    try:
        marker = path.with_name(path.name + MARKER).lstat()
    except OSError:
        return False
    return stat.S_ISREG(marker.st_mode) and marker.st_mtime_ns >= about.st_mtime_ns


def _is_written(path: Path) -> bool:
    """Whether somebody has the file open for writing: then no read lease is given (fcntl(2)).

    False also where nobody can say: network mounts, files of other users.
    """
    try:
        descriptor = open_plain(path)
    except OSError:
        return True  # it cannot be read either: look again later
    try:
        # A writer that opens the file while the lease stands makes a signal, by default SIGIO,
        # which ends the process; SIGURG is ignored.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
