"""From a backup to a folder to run on: nothing stands there until all is verified."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

from ortoo_protocol.core.errors import BackupTarget
from ortoo_protocol.core.keys import Suites
from ortoo_protocol.station.backup import archive
from ortoo_protocol.station.backup.archive import OUTSIDE
from ortoo_protocol.station.backup.contents import STORE, Manifest, check_store
from ortoo_protocol.station.backup.sealing import Opener
from ortoo_protocol.station.keyfile import write_whole

MARK = "restored.json"


class RestoredMark(msgspec.Struct, frozen=True):
    """Stands in a folder from its restoration until its feeds have begun anew."""

    backup_ms: int
    restored_ms: int
    file: str


def verify(file: Path, suites: Suites, opener: Opener) -> Manifest:
    """Every byte of it, and that its store is a whole database. Raises BackupErrors."""
    with tempfile.TemporaryDirectory(prefix=".verify-", dir=file.parent) as work:
        store = Path(work) / STORE

        def place(name: str) -> IO[bytes] | None:
            return _open_new(store) if name == STORE else None

        _, manifest = archive.read(file, suites, opener, place)
        if store.exists():
            check_store(store)
    return manifest


def restore(
    file: Path, folder: Path, suites: Suites, opener: Opener, now_ms: int, *, in_place: bool
) -> Manifest:
    """Into `folder`, which must be empty or missing. Files that lay elsewhere come to
    `folder/outside`, and with `in_place` to their old places where nothing stands.

    Raises BackupTarget, BackupUnreadable, BackupLocked, BackupDamaged, BackupSource; then nothing
    was changed.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupTarget(path=folder, detail="it is not empty")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise BackupTarget(path=folder.parent, detail=error.strerror) from None
    try:
        _, manifest = archive.read(file, suites, opener, lambda name: _open_new(work / name))
        if (work / STORE).exists():
            check_store(work / STORE)
        mark = RestoredMark(manifest.made_ms, now_ms, str(file))
        write_whole(work / MARK, msgspec.json.encode(mark) + b"\n")
        work.chmod(0o750)
        with suppress(FileNotFoundError):
            folder.rmdir()
        os.rename(work, folder)
    except OSError as error:
        raise BackupTarget(path=folder, detail=error.strerror or str(error)) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if in_place:
        _put_outside(folder, manifest)
    return manifest


def _put_outside(folder: Path, manifest: Manifest) -> None:
    for each in manifest.entries:
        place = Path(each.place)
        if not each.place or place.exists():
            continue
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(place, (folder / each.name).read_bytes())
        except OSError as error:
            raise BackupTarget(path=place, detail=error.strerror) from None


def _open_new(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def read_mark(folder: Path) -> RestoredMark | None:
    """None: this folder was not restored, or its feeds began anew since."""
    try:
        return msgspec.json.decode((folder / MARK).read_bytes(), type=RestoredMark)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return RestoredMark(0, 0, "?")  # somebody has been at it: rather once too often


def forget_mark(folder: Path) -> None:
    (folder / MARK).unlink(missing_ok=True)


__all__ = ["MARK", "OUTSIDE", "RestoredMark", "forget_mark", "read_mark", "restore", "verify"]
