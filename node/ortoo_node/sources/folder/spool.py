"""A private copy of a file before it is read: what is published is one state of it, or nothing.

A file may change while it is read, whatever the settle rule said. Copied first and looked at before
and after, it either is one state in full, or is put back; rows come from the copy alone. The copy
has no name, so a crash leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ortoo_node.sources.folder.settled import Found, Stamp, open_plain
from ortoo_protocol.core.errors import SourceFolder, SourceSpool

PIECE_BYTES = 1 << 20


class Changed(Exception):
    """The file is not the one that was found, or not any more: it is read again later."""


@dataclass(frozen=True)
class Copied:
    """`file` stands at its beginning; `digest` is its SHA-256 (hex)."""

    file: BinaryIO
    name: str
    digest: str


@contextmanager
def copied(found: Found, spool: Path) -> Iterator[Copied]:
    """The state of `found`, copied into a nameless file of the folder `spool`.

    Raises Changed; SourceFolder when it cannot be read, SourceSpool when it cannot be copied.
    """
    target = _nameless(spool, found.name)
    try:
        digest = _state(found, target, spool)
        os.lseek(target, 0, os.SEEK_SET)
        with open(target, "rb", closefd=False) as file:
            yield Copied(file, found.name, digest)
    finally:
        os.close(target)


def _nameless(spool: Path, name: str) -> int:
    try:
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, path = tempfile.mkstemp(dir=spool)
        os.unlink(path)
    except OSError as error:
        raise SourceSpool(file=name, path=spool, detail=error.strerror or str(error)) from None
    return descriptor


def _state(found: Found, target: int, spool: Path) -> str:
    """Copy `found`; the digest of what was copied."""
    try:
        source = open_plain(found.path)
    except FileNotFoundError:
        raise Changed from None
    except OSError as error:
        raise SourceFolder(path=found.path, detail=error.strerror or str(error)) from None
    try:
        _check(source, found)
        digest = _copy(source, target, found, spool)
        _check(source, found)
    finally:
        os.close(source)
    return digest


def _check(descriptor: int, found: Found) -> None:
    """Both the opened file and what stands under its name now are what was found."""
    try:
        stamps = (Stamp.of(os.fstat(descriptor)), Stamp.of(os.lstat(found.path)))
    except OSError:
        raise Changed from None
    if any(stamp != found.stamp for stamp in stamps):
        raise Changed


def _copy(source: int, target: int, found: Found, spool: Path) -> str:
    digest = hashlib.sha256()
    left = found.stamp.size
    while True:
        try:
            piece = os.read(source, PIECE_BYTES)
        except OSError as error:
            raise SourceFolder(path=found.path, detail=error.strerror or str(error)) from None
        left -= len(piece)
        if left < 0 or (left and not piece):
            raise Changed  # it grows or shrinks
        if not piece:
            return digest.hexdigest()
        digest.update(piece)
        try:
            _write(target, piece)
        except OSError as error:
            detail = error.strerror or str(error)
            raise SourceSpool(file=found.name, path=spool, detail=detail) from None


def _write(target: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(target, view) :]
