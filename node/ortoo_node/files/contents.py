"""Contents of files where they lie: their hash, and by what a change of them shows.

A file is hashed once and known again by its stamp (size, times, inode). Chunks are read from a
descriptor that stays open: a file that is replaced meanwhile goes on being the old one for whoever
reads it, one that is written to is found by its stamp and its hash.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from ortoo_node.sources.folder.settled import Stamp, open_plain
from ortoo_node.store.tables import file_hashes
from ortoo_protocol.core.errors import FileChanged, FileGone
from ortoo_protocol.station.store.dialect import upsert

PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class Known:
    """`sha256` (hex) of a file while it has this stamp."""

    stamp: Stamp
    sha256: str


def known_in(conn: Connection, folder: str) -> dict[str, Known]:
    """What is known of the files of `folder`, by name."""
    query = select(file_hashes).where(file_hashes.c.folder == folder)
    return {row.name: _known(row) for row in conn.execute(query)}


def known_of(conn: Connection, folder: str, name: str) -> Known | None:
    query = select(file_hashes).where(file_hashes.c.folder == folder, file_hashes.c.name == name)
    row = conn.execute(query).first()
    return None if row is None else _known(row)


def learn(conn: Connection, folder: str, found: Iterable[tuple[str, Known]]) -> None:
    rows = [
        {
            "folder": folder,
            "name": name,
            "size": known.stamp.size,
            "mtime_ns": known.stamp.mtime_ns,
            "ctime_ns": known.stamp.ctime_ns,
            "inode": str(known.stamp.inode),  # of 64 bits without sign
            "sha256": known.sha256,
        }
        for name, known in found
    ]
    upsert(conn, file_hashes, rows)


def _known(row: Any) -> Known:
    return Known(Stamp(row.size, row.mtime_ns, row.ctime_ns, int(row.inode)), row.sha256)


def hash_open(descriptor: int) -> str:
    """SHA-256 (hex) of all that `descriptor` leads to."""
    digest, at = hashlib.sha256(), 0
    while piece := os.pread(descriptor, PIECE_BYTES, at):
        digest.update(piece)
        at += len(piece)
    return digest.hexdigest()


def hash_file(path: Path) -> Known:
    """Raises OSError; FileChanged when it was written to while it was read."""
    descriptor = open_plain(path)
    try:
        stamp = Stamp.of(os.fstat(descriptor))
        found = Known(stamp, hash_open(descriptor))
        if Stamp.of(os.fstat(descriptor)) != stamp:
            raise FileChanged(file=path.name)
        return found
    finally:
        os.close(descriptor)


class OpenFile:
    """One published file, open to be read in chunks. In one thread at a time."""

    def __init__(self, path: Path, name: str, sha256: str, known: Known | None) -> None:
        """Raises FileGone, FileChanged: what lies there is not `sha256`."""
        self.name = name
        self.sha256 = sha256
        try:
            self._descriptor = open_plain(path)
        except OSError as error:
            raise FileGone(file=name, detail=error.strerror or str(error)) from error
        try:
            self._stamp = Stamp.of(os.fstat(self._descriptor))
            if known is None or known != Known(self._stamp, sha256):
                self._hash_again()
        except BaseException:
            self.close()
            raise

    @property
    def known(self) -> Known:
        return Known(self._stamp, self.sha256)

    @property
    def size(self) -> int:
        return self._stamp.size

    def read(self, at: int, size: int) -> bytes:
        """Bytes that are certainly those that were published. Raises FileGone, FileChanged."""
        try:
            data = os.pread(self._descriptor, size, at)
            changed = Stamp.of(os.fstat(self._descriptor)) != self._stamp
        except OSError as error:
            raise FileGone(file=self.name, detail=error.strerror or str(error)) from error
        if changed:  # perhaps only renamed, or touched
            self._hash_again()
            data = os.pread(self._descriptor, size, at)
        if len(data) != size:
            raise FileChanged(file=self.name)
        return data

    def _hash_again(self) -> None:
        try:
            stamp = Stamp.of(os.fstat(self._descriptor))
            same = hash_open(self._descriptor) == self.sha256
            still = Stamp.of(os.fstat(self._descriptor)) == stamp
        except OSError as error:
            raise FileGone(file=self.name, detail=error.strerror or str(error)) from error
        if not same or not still:
            raise FileChanged(file=self.name)
        self._stamp = stamp

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
