"""What belongs into a backup: every file that the settings name, trust, and a copy of the store.

Files of the station's folder keep their place in it. Those that lie elsewhere (keys in /etc) go
along with the place they came from.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from ortoo_protocol.core.errors import BackupSource
from ortoo_protocol.station.settings import Settings, Table

STORE = "store.sqlite"
MAX_FILE_BYTES = 16 << 20  # of a file that settings name; data of departments are not ours


def copy_store(store: Path, target: Path) -> None:
    """A consistent copy of the store as of one moment, while its daemon writes. In a thread; its
    memory does not grow with the store. Raises BackupSource."""
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=30)) as conn:
            target.touch(mode=0o600)
            conn.execute("VACUUM INTO ?", (str(target),))
    except (OSError, sqlite3.Error) as error:
        target.unlink(missing_ok=True)
        raise BackupSource(path=store, detail=str(error)) from None


def check_store(store: Path) -> None:
    """Raises BackupSource: the copy is no whole database."""
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro&immutable=1", uri=True)) as conn:
            ((said,),) = conn.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.Error as error:
        raise BackupSource(path=store, detail=str(error)) from None
    if said != "ok":
        raise BackupSource(path=store, detail=said)


def files_of(settings: Settings, settings_file: Path) -> dict[Path, bool]:
    """Absolute paths of small files that this party runs by, beside the store; whether it cannot do
    without: one that is named and missing is none."""
    found = {settings_file: True, settings.keys.file: True}
    for path in _paths(settings):
        if path.is_file() and path.stat().st_size <= MAX_FILE_BYTES:
            found.setdefault(path, False)
    if settings.trust_folder.is_dir():
        for path in sorted(settings.trust_folder.iterdir()):
            if path.is_file():
                found.setdefault(path, False)
    return found


def _paths(value: object) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _paths(each)
    elif isinstance(value, Table):
        for name in value.__struct_fields__:
            yield from _paths(getattr(value, name))


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`name` in the archive; `place` where it lay, if outside the folder."""

    name: str
    sha256: str
    size_bytes: int
    place: str = ""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Last in the archive, since hashes are known when all is written."""

    party: str
    plane: str
    made_ms: int
    version: str
    folder: str
    settings: str
    entries: tuple[Entry, ...]
