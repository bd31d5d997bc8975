"""A file on its way: near its target, written from the beginning on, whole or not there.

Chunks are written in their order, so what is on disk is always a beginning of the file, and one
number says how far it is; what comes ahead of its turn waits in memory, which the window bounds.
The hash is taken as chunks are written. Only a file whose hash is right gets its name.
"""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ortoo_node.files.contents import PIECE_BYTES
from ortoo_node.files.straight import FROM_BYTES, Straight, write_all
from ortoo_node.sinks.folder.place import OWN
from ortoo_protocol.core.errors import FileDiskFull, FileError, FileHash, FileTarget
from ortoo_protocol.core.files import chunk_size

PART = ".part"
WINDOW = 12
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT))


@dataclass(frozen=True)
class Plan:
    """What is to arrive and where. `sha256` hex."""

    transfer: str
    name: str
    sha256: str
    size_bytes: int
    chunk_bytes: int
    chunks: int
    target: Path
    top: Path | None = None
    """The folder of a subscription, below which `target` stands."""

    @property
    def part(self) -> Path:
        """Beside the target; or in our own folder of a subscription's, where it keeps no folder
        alive that the feed empties."""
        name = f".{self.transfer}{PART}"
        return self.target.with_name(name) if self.top is None else self.top / OWN / name


@dataclass
class Incoming:
    """`done` chunks are written. Its methods may be called from any thread."""

    plan: Plan
    done: int = 0
    placed: bool = False
    _descriptor: int = -1
    _straight: Straight | None = None
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    _early: dict[int, bytes] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, done: int) -> None:
        """Take up `done` chunks of an earlier run, as far as they are there. Raises FileError."""
        with self._lock:
            self._open(done)

    def _open(self, done: int) -> None:
        plan = self.plan
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            plan.part.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(plan.part, flags, 0o600)
            size = os.fstat(self._descriptor).st_size
            self.done = min(done, size // plan.chunk_bytes, plan.chunks)
            if done >= plan.chunks and size == plan.size_bytes:
                self.done = plan.chunks
            at, end = 0, min(self.done * plan.chunk_bytes, plan.size_bytes)
            self._digest = hashlib.sha256()
            while at < end:
                piece = os.pread(self._descriptor, min(PIECE_BYTES, end - at), at)
                if not piece:
                    break
                self._digest.update(piece)
                at += len(piece)
            os.ftruncate(self._descriptor, end)
            if plan.size_bytes - end >= FROM_BYTES:
                self._straight = Straight(self._descriptor, plan.chunk_bytes)
        except OSError as error:
            raise self._error(error) from error

    def fits(self, index: int, data: bytes) -> bool:
        """Whether `data` can be chunk `index` at all."""
        plan = self.plan
        size = chunk_size(plan.size_bytes, plan.chunk_bytes, index)
        return index < plan.chunks and len(data) == size

    def put(self, index: int, data: bytes) -> bool:
        """Take a chunk that fits; whether it was new. Raises FileDiskFull, FileTarget: it was not
        taken."""
        with self._lock:
            if self._descriptor < 0 or index < self.done or index >= self.done + WINDOW:
                return False
            if index != self.done:
                self._early.setdefault(index, data)
                return True
            self._write(data)
            while (waiting := self._early.pop(self.done, None)) is not None:
                self._write(waiting)
            return True

    def _write(self, data: bytes) -> None:
        at = self.done * self.plan.chunk_bytes
        try:
            if self._straight is not None:
                self._straight.write(data, at)
            else:
                write_all(self._descriptor, memoryview(data), at)
        except OSError as error:
            self._early.clear()
            raise self._error(error) from error
        self._digest.update(data)
        self.done += 1

    def flush(self) -> int:
        """Make what is written survive a loss of power; returns how many chunks that are."""
        with self._lock:
            done, descriptor = self.done, os.dup(self._descriptor)
        try:
            os.fdatasync(descriptor)  # not under the lock: the next chunks need not wait
        except OSError as error:
            raise self._error(error) from error
        finally:
            os.close(descriptor)
        return done

    def finish(self) -> None:
        """Give the whole file its name. Raises FileHash, FileDiskFull, FileTarget."""
        plan = self.plan
        with self._lock:
            if self._digest.hexdigest() != plan.sha256:
                self._drop()
                raise FileHash(file=plan.name)
            try:
                os.fchmod(self._descriptor, 0o666 & ~_umask())
                os.fsync(self._descriptor)
                if plan.top is not None:
                    make_folders(plan.top, plan.target.parent)
                os.replace(plan.part, plan.target)
                self.placed = True
                _sync(plan.target.parent)
            except OSError as error:
                raise self._error(error) from error
            self._close()

    def close(self) -> None:
        with self._lock:
            self._close()

    def drop(self) -> None:
        """Leave nothing of it."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        self._close()
        remove_part(self.plan)

    def _close(self) -> None:
        self._early.clear()
        if self._straight is not None:
            self._straight.close()
            self._straight = None
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _error(self, error: OSError) -> FileError:
        if error.errno in _FULL:
            return FileDiskFull(file=self.plan.name, path=self.plan.target.parent)
        return FileTarget(path=self.plan.target, detail=error.strerror or str(error))


def make_folders(top: Path, folder: Path) -> None:
    """`folder` and what leads to it, down from `top`, and never through a link out of it. Raises
    OSError."""
    for inner in folders_between(top, folder):
        inner.mkdir(exist_ok=True)


def folders_between(top: Path, folder: Path) -> Iterator[Path]:
    """`folder` and those above it, down from below `top`. Raises OSError: one of them is a link."""
    inner = top
    for part in folder.relative_to(top).parts:
        inner = inner / part
        if inner.is_symlink():
            raise NotADirectoryError(errno.ENOTDIR, "a link stands in the way", os.fspath(inner))
        yield inner


def remove_part(plan: Plan) -> None:
    try:
        plan.part.unlink(missing_ok=True)
    except OSError:
        return  # its folder is gone or away; nobody takes a hidden part for the file


def _umask() -> int:
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    return 0o077


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # file systems of other machines
            raise
    finally:
        os.close(descriptor)
