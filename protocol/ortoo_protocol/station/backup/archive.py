"""Writing and reading backups: a tar within a sealed stream, its manifest last."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

import msgspec

from ortoo_protocol.core.errors import (
    BackupDamaged,
    BackupSource,
    BackupTarget,
    BackupUnreadable,
)
from ortoo_protocol.core.keys import Random, Suite, Suites
from ortoo_protocol.station.backup.contents import STORE, Entry, Manifest
from ortoo_protocol.station.backup.sealing import (
    Header,
    Opener,
    SealingWriter,
    new_header,
    open_stream,
)

MANIFEST, OUTSIDE = "manifest.json", "outside"
MAX_MANIFEST_BYTES = 4 << 20
_BUFFER = 64 << 10


@dataclass(frozen=True)
class Locks:
    """For whom a backup is sealed: a passphrase, public keys, or both."""

    passphrase: str = ""
    to: tuple[bytes, ...] = ()


def create(
    target: Path,
    *,
    suite: Suite,
    rand: Random,
    locks: Locks,
    about: Manifest,
    store: Path | None,
    files: Mapping[Path, bool],
) -> Manifest:
    """Write `target` whole or not at all, mode 0600, on the disk when this returns.

    `about` says whose and when; its entries are made here. `store`: a copy, taken with
    `copy_store`; None: the store is a server's, and its operator backs it up.
    Raises BackupTarget, BackupSource.
    """
    key = rand(suite.key_bytes)
    header = new_header(
        suite, key, plane=_plane(about), party=about.party, made_ms=about.made_ms,
        version=about.version, passphrase=locks.passphrase, to=locks.to, rand=rand,
    )  # fmt: skip
    with _new_file(target) as file:
        writer = SealingWriter(file, suite, key, header, rand)
        with tarfile.open(fileobj=writer, mode="w|", bufsize=tarfile.RECORDSIZE) as tar:
            entries = [_add(tar, path, *_named(about, path)) for path in _there(files)]
            if store is not None:
                entries.append(_add(tar, store, STORE, ""))
            made = msgspec.structs.replace(about, entries=tuple(entries))
            _add_bytes(tar, MANIFEST, msgspec.json.encode(made))
        writer.finish()
    return made


def _plane(about: Manifest) -> Any:
    from ortoo_protocol.core.ids import Plane

    return Plane(about.plane)


def _there(files: Mapping[Path, bool]) -> Iterator[Path]:
    for path, needed in sorted(files.items()):
        if path.is_file():
            yield path
        elif needed:
            raise BackupSource(path=path, detail="it is not there")


def _named(about: Manifest, path: Path) -> tuple[str, str]:
    folder = Path(about.folder)
    if path.is_relative_to(folder):
        return str(path.relative_to(folder)), ""
    return f"{OUTSIDE}{path}", str(path)


def _add(tar: tarfile.TarFile, path: Path, name: str, place: str) -> Entry:
    try:
        with path.open("rb") as file:
            info = tarfile.TarInfo(name)
            about = os.fstat(file.fileno())
            info.size, info.mode, info.mtime = about.st_size, 0o600, int(about.st_mtime)
            hashed = _Hashing(file)
            tar.addfile(info, hashed)
    except OSError as error:
        raise BackupSource(path=path, detail=error.strerror or str(error)) from None
    return Entry(name, hashed.digest.hexdigest(), info.size, place)


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    tar.addfile(info, io.BytesIO(content))


class _Hashing:
    """Reads `file`, and knows the hash of what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        part = self._file.read(size)
        self.digest.update(part)
        return part


@contextmanager
def _new_file(target: Path) -> Iterator[IO[bytes]]:
    """Raises BackupTarget: it is there already, or cannot be written."""
    part = target.with_name(f".{target.name}.part")
    if target.exists():
        raise BackupTarget(path=target, detail="it is there already")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        os.link(part, target)
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise BackupTarget(path=target, detail=error.strerror or str(error)) from None
    finally:
        with suppress(OSError):
            part.unlink()


# --- reading ------------------------------------------------------------------------------------

Place = Callable[[str], IO[bytes] | None]


def read(file: Path, suites: Suites, opener: Opener, place: Place) -> tuple[Header, Manifest]:
    """Read all of `file`, each member into what `place` gives for its name (None: nowhere), and
    hold every byte against the manifest.

    Raises BackupUnreadable, BackupLocked, BackupDamaged: then nothing that was written counts.
    """
    try:
        with file.open("rb") as raw:
            header, reader = open_stream(raw, suites, opener)
            found, manifest = _members(reader, place)
            reader.finish()
    except OSError as error:
        raise BackupUnreadable(detail=error.strerror or str(error)) from None
    except tarfile.TarError as error:
        raise BackupDamaged(detail=str(error)) from None
    _compare(header, manifest, found)
    return header, manifest


def _members(reader: IO[bytes] | Any, place: Place) -> tuple[dict[str, tuple[str, int]], Manifest]:
    found: dict[str, tuple[str, int]] = {}
    manifest: Manifest | None = None
    with tarfile.open(fileobj=reader, mode="r|", bufsize=tarfile.RECORDSIZE) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            if content is None or not _safe(member.name) or manifest is not None:
                raise BackupDamaged(detail=f"{member.name} does not belong into a backup")
            if member.name == MANIFEST:
                manifest = _manifest(content.read(MAX_MANIFEST_BYTES + 1))
                continue
            digest, size = hashlib.sha256(), 0
            target = place(member.name)
            try:
                while part := content.read(_BUFFER):
                    digest.update(part)
                    size += len(part)
                    if target is not None:
                        target.write(part)
            finally:
                if target is not None:
                    target.close()
            found[member.name] = (digest.hexdigest(), size)
    if manifest is None:
        raise BackupDamaged(detail="it has no manifest")
    return found, manifest


def _safe(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts


def _manifest(raw: bytes) -> Manifest:
    try:
        return msgspec.json.decode(raw, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BackupDamaged(detail=str(error)) from None


def _compare(header: Header, manifest: Manifest, found: Mapping[str, tuple[str, int]]) -> None:
    if (manifest.party, manifest.plane) != (header.party, header.plane.value):
        raise BackupDamaged(detail="manifest and header name two parties")
    named = {each.name: (each.sha256, each.size_bytes) for each in manifest.entries}
    for name in sorted(named.keys() | found.keys()):
        if named.get(name) != found.get(name):
            raise BackupDamaged(detail=f"{name} is not what the manifest says")
