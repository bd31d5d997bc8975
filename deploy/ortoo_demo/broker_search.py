"""Looks for readable content byte by byte, in files and in values of SQLite databases, plain and
inside zstd frames.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import zstandard

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
MAX_FRAME_BYTES = 8 << 20
_SQLITE_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True)
class Find:
    """`needle` was readable in `place` (a file, or table and column of a database)."""

    needle: bytes
    place: str
    compressed: bool


@dataclass(frozen=True)
class Searched:
    files: int
    size_bytes: int
    frames: int
    finds: tuple[Find, ...]

    def __add__(self, other: Searched) -> Searched:
        return Searched(
            self.files + other.files,
            self.size_bytes + other.size_bytes,
            self.frames + other.frames,
            self.finds + other.finds,
        )


def search(folder: Path, needles: Sequence[bytes]) -> Searched:
    """Every plain file below `folder`; what vanishes meanwhile is passed over."""
    total = Searched(0, 0, 0, ())
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        try:
            content = path.read_bytes()
        except OSError:
            continue
        total += _search_bytes(content, str(path), needles)
        if content.startswith(_SQLITE_MAGIC):
            total += _search_database(path, needles)
    return total


def _search_bytes(content: bytes, place: str, needles: Sequence[bytes]) -> Searched:
    finds = [Find(needle, place, False) for needle in needles if needle in content]
    count = 0
    for frame in zstd_frames(content):
        count += 1
        finds += [Find(needle, place, True) for needle in needles if needle in frame]
    return Searched(1, len(content), count, tuple(finds))


def zstd_frames(content: bytes) -> Iterator[bytes]:
    """What each zstd frame in `content` unpacks to, as far as it does: one may be cut short."""
    at = content.find(ZSTD_MAGIC)
    while at >= 0:
        unpacked = _unpack(content[at : at + MAX_FRAME_BYTES])
        if unpacked:
            yield unpacked
        at = content.find(ZSTD_MAGIC, at + 1)


def _unpack(frame: bytes) -> bytes:
    """Piece by piece, so that what stands before a damaged place is seen."""
    unpacked = bytearray()
    unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_FRAME_BYTES).decompressobj()
    try:
        for start in range(0, len(frame), 4096):
            unpacked += unpacker.decompress(frame[start : start + 4096])
            if unpacker.eof or len(unpacked) > MAX_FRAME_BYTES:
                break
    except zstandard.ZstdError:
        pass
    return bytes(unpacked)


def _search_database(path: Path, needles: Sequence[bytes]) -> Searched:
    """Value by value: in the file itself a value may lie in pieces on several pages."""
    total = Searched(0, 0, 0, ())
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        for place, value in _values(db):
            found = _search_bytes(value, f"{path}: {place}", needles)
            total += Searched(0, 0, found.frames, found.finds)
    return total


def _values(db: sqlite3.Connection) -> Iterator[tuple[str, bytes]]:
    tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        rows = db.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - its own tables
        names = [column[0] for column in rows.description]
        for row in rows:
            for name, value in zip(names, row, strict=True):
                yield f"{table}.{name}", _bytes(value)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def as_needles(texts: Iterable[str]) -> tuple[bytes, ...]:
    """Texts as they stand in rows and letters: msgpack keeps UTF-8 as it is. Without doubles.

    Short ones are left out: they would be found by chance.
    """
    return tuple(dict.fromkeys(text.encode() for text in texts if len(text.encode()) >= 12))
