"""The folder of one subscription below ``out/``: its errors by name, its lock, its files.

A file is written under a name that nobody looks for, flushed to the disk, and then renamed: whoever
looks sees the old state or the new one. The folder ``.ortoo`` inside is this station's own.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ortoo_node.folders import Folder
from ortoo_protocol.core.errors import (
    RowsSchema,
    SinkBusy,
    SinkError,
    SinkFolder,
    SinkForbidden,
    SinkFull,
    SinkMismatch,
    SinkWaiting,
)
from ortoo_protocol.core.rows import check_name

OWN = ".ortoo"
PART = ".part"
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_FORBIDDEN = frozenset((errno.EACCES, errno.EPERM, errno.EROFS))
_LOCKED = frozenset((errno.EAGAIN, errno.EACCES))
_NO_LOCKS = frozenset((errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS))


class Place:
    """``table`` below what `folder` writes. Raises SinkMismatch for a name that is no folder's."""

    def __init__(self, folder: Folder, table: str) -> None:
        self.name = folder.name
        self.table = table
        self.root = folder.write_path
        try:
            check_name(table)
        except RowsSchema as error:
            raise self.mismatch(str(error.facts["detail"])) from None
        if "/" in table or table.startswith((".", "~")) or table.endswith(PART):
            raise self.mismatch("a name without / that begins with no . or ~")
        self.path = self.root / table
        self.own = self.path / OWN

    def mismatch(self, detail: str) -> SinkMismatch:
        return SinkMismatch(name=self.name, table=self.table, detail=detail)

    @contextmanager
    def named(self) -> Iterator[None]:
        """Errors of the system become SinkErrors."""
        try:
            yield
        except OSError as error:
            raise self.error(error) from error

    def error(self, error: OSError) -> SinkError:
        detail = error.strerror or str(error)
        facts = {"name": self.name, "table": self.table, "path": self.path, "detail": detail}
        if error.errno in _FULL:
            return SinkFull(**facts)
        if error.errno in _FORBIDDEN:
            return SinkForbidden(**facts)
        return SinkFolder(**facts)

    def exists(self) -> bool:
        """Raises SinkFolder when the folder that it would stand in is gone, as with a mount."""
        with self.named():
            os.stat(self.root / ".")
            return self.own.is_dir()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone at work here, across processes; makes the folder. Raises SinkBusy."""
        with self.named():
            os.stat(self.root / ".")  # never made here: it may be a mount that is away
            if not self.own.is_dir():
                self._make()
            descriptor = os.open(self.own / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._take(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _make(self) -> None:
        """The department has to take files away, so it has the rights here that it has in out/."""
        if not self.path.exists():
            self.path.mkdir(exist_ok=True)
            self.path.chmod(stat.S_IMODE(self.root.stat().st_mode))
        self.own.mkdir(mode=0o700, exist_ok=True)
        sync(self.path)
        sync(self.root)

    def _take(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _LOCKED:
                detail = error.strerror
                raise SinkBusy(name=self.name, table=self.table, detail=detail) from None
            if error.errno not in _NO_LOCKS:
                raise self.error(error) from error

    @contextmanager
    def put(self, name: str) -> Iterator[Out]:
        """A file that is there under `name` when this ends, with all of it on the disk; whatever
        stood there is replaced. After an error nothing is."""
        part = self.path / f".{name}{PART}"
        with self.named():
            out = Out(self, part)
        try:
            yield out
            with self.named():
                os.fsync(out.descriptor)
                out.close()
                os.replace(part, self.path / name)
                sync(self.path)
        finally:
            out.close()
            _remove(part)

    def put_own(self, name: str, content: bytes) -> None:
        """As `put`, of a small file of this station's own."""
        part = self.own / f"{name}{PART}"
        with self.named():
            out = Out(self, part)
            try:
                out.write(content)
                os.fsync(out.descriptor)
            finally:
                out.close()
            os.replace(part, self.own / name)
            sync(self.own)

    def read_own(self, name: str) -> bytes | None:
        with self.named():
            try:
                return (self.own / name).read_bytes()
            except FileNotFoundError:
                return None

    def files(self) -> list[str]:
        """Names of what waits here for the department; parts that a crash left are removed."""
        with self.named(), os.scandir(self.path) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            if name.startswith(".") and name.endswith(PART):
                _remove(self.path / name)
        return [name for name in names if not name.startswith(".")]

    def check_room(self, most: int, name: str) -> None:
        """Whether one more, or `name` anew, may wait here. Raises SinkWaiting."""
        waiting = self.files()
        if len(waiting) >= most and name not in waiting:
            raise SinkWaiting(name=self.name, table=self.table, count=len(waiting))

    def remove(self, name: str) -> None:
        with self.named():
            (self.path / name).unlink(missing_ok=True)


class Out(io.RawIOBase):
    """Writes all of what it is given, and keeps nothing back: closing writes no more."""

    def __init__(self, place: Place, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        self.descriptor = os.open(path, flags, 0o666)
        self._place = place
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        """Raises SinkError, not OSError: whoever gives rows may have errors of the system too."""
        if self.closed:
            raise ValueError("the file is closed")
        view = memoryview(data).cast("B")  # type: ignore[arg-type]  # what io promises
        size = len(view)
        with self._place.named():
            while view:
                view = view[os.write(self.descriptor, view) :]
        self._at += size
        return size

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self.descriptor)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # it is overwritten or removed the next time


def sync(folder: Path) -> None:
    """Make what was renamed in `folder` survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # file systems of other machines
            raise
    finally:
        os.close(descriptor)
