"""A sealed stream: what is written is sealed in chunks, so that a store of any size passes through
a few megabytes of memory.

A line that says what this is, a line of JSON (whose, when, for whom), then chunks: length (4 bytes,
big endian), nonce, sealed bytes. The file's one random key stands in the header, sealed under a
passphrase (argon2id in suite 1) or wrapped to public keys. Associated data of a chunk are the
header's hash, its number and whether it is the last: nothing can be edited, cut off or put into
another order, and no chunk of another file fits.
"""

from __future__ import annotations

import io
import struct
from typing import IO, Protocol

import msgspec

from ortoo_protocol.core.errors import (
    BackupDamaged,
    BackupLocked,
    BackupUnreadable,
    KeysError,
    KeysRefused,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Random, Suite, Suites, domain, key_id

MAGIC = b"ORTOO-BACKUP-1\n"
CHUNK_BYTES = 1 << 20
MAX_HEADER_BYTES = 64 << 10
SALT_BYTES = 16
_LENGTH = struct.Struct(">I")
_LABEL, _KEY_LABEL = "ortoo/backup", "ortoo/backup-key"


class Wrapped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file's key, wrapped to one public key."""

    key_id: bytes
    wrapped: bytes


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What can be read without a key. `sealed` is the file's key under the passphrase."""

    suite: int
    plane: Plane
    party: str
    made_ms: int
    version: str
    salt: bytes
    nonce: bytes
    sealed: bytes
    wraps: tuple[Wrapped, ...]


class Opener(Protocol):
    """Gives the key of a file, or raises BackupLocked."""

    def __call__(self, suite: Suite, header: Header) -> bytes: ...


class SealingWriter(io.RawIOBase):
    """Writes sealed chunks to `file`; `finish` writes the last. Without it the stream is cut off
    and never opens."""

    def __init__(self, file: IO[bytes], suite: Suite, key: bytes, header: Header, rand: Random):
        self._file, self._suite, self._key, self._rand = file, suite, key, rand
        self._plane = header.plane
        line = msgspec.json.encode(header) + b"\n"
        self._of = suite.hash(line)
        self._number = 0
        self._rest = bytearray()
        file.write(MAGIC + line)

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data)  # type: ignore[arg-type]  # any buffer, as RawIOBase takes
        self._rest += view
        while len(self._rest) > CHUNK_BYTES:
            self._chunk(bytes(self._rest[:CHUNK_BYTES]), last=False)
            del self._rest[:CHUNK_BYTES]
        return view.nbytes

    def finish(self) -> None:
        self._chunk(bytes(self._rest), last=True)
        self._rest.clear()

    def _chunk(self, text: bytes, *, last: bool) -> None:
        nonce = self._rand(self._suite.nonce_bytes)
        context = _context(self._plane, self._of, self._number, last)
        sealed = self._suite.seal(self._key, nonce, context, text)
        self._file.write(_LENGTH.pack(len(sealed)) + nonce + sealed)
        self._number += 1


class OpeningReader(io.RawIOBase):
    """Reads what `SealingWriter` wrote. Raises BackupDamaged: cut off, edited, out of order."""

    def __init__(self, file: IO[bytes], suite: Suite, key: bytes, header: Header, of: bytes):
        self._file, self._suite, self._key, self._plane, self._of = (
            file,
            suite,
            key,
            header.plane,
            of,
        )
        self._number = 0
        self._rest = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts: list[bytes] = []
        wanted = size
        while wanted != 0 and (self._rest or self._next()):
            part = self._rest if wanted < 0 else self._rest[:wanted]
            self._rest = self._rest[len(part) :]
            parts.append(part)
            wanted -= len(part) if wanted > 0 else 0
        return b"".join(parts)

    def finish(self) -> None:
        """All was read, to the last chunk and no further."""
        while self._next():
            self._rest = b""
        if self._file.read(1):
            raise BackupDamaged(detail="something stands behind its end")

    def _next(self) -> bool:
        """Another chunk into `_rest`; False: the last was read."""
        while not self._rest:
            if self._ended:
                return False
            self._rest = self._chunk()
        return True

    def _chunk(self) -> bytes:
        raw = self._file.read(_LENGTH.size)
        if len(raw) < _LENGTH.size:
            raise BackupDamaged(detail="it is cut off")
        (length,) = _LENGTH.unpack(raw)
        if length > CHUNK_BYTES + self._suite.tag_bytes:
            raise BackupDamaged(detail="a chunk is too long")
        nonce, sealed = self._file.read(self._suite.nonce_bytes), self._file.read(length)
        if len(sealed) < length:
            raise BackupDamaged(detail="it is cut off")
        for last in (False, True):
            context = _context(self._plane, self._of, self._number, last)
            try:
                text = self._suite.open(self._key, nonce, context, sealed)
            except KeysRefused:
                continue
            self._ended, self._number = last, self._number + 1
            return text
        raise BackupDamaged(detail=f"chunk {self._number} is not what was written")


def _context(plane: Plane, of: bytes, number: int, last: bool) -> bytes:
    return domain(_LABEL, plane, of, number.to_bytes(8, "big"), bytes([last]))


def _key_context(plane: Plane, party: str, salt: bytes) -> bytes:
    return domain(_KEY_LABEL, plane, party.encode(), salt)


def new_header(
    suite: Suite,
    key: bytes,
    *,
    plane: Plane,
    party: str,
    made_ms: int,
    version: str,
    passphrase: str,
    to: tuple[bytes, ...],
    rand: Random,
) -> Header:
    """For whoever knows `passphrase` (none if empty) or holds the private half of one of `to`."""
    salt = nonce = sealed = b""
    if passphrase:
        salt, nonce = rand(SALT_BYTES), rand(suite.nonce_bytes)
        context = _key_context(plane, party, salt)
        sealed = suite.seal(suite.stretch(passphrase.encode(), salt), nonce, context, key)
    wraps = tuple(
        Wrapped(key_id(suite, plane, "wrap", each), suite.wrap(each, key, rand(suite.seed_bytes)))
        for each in to
    )
    return Header(suite.number, plane, party, made_ms, version, salt, nonce, sealed, wraps)


def by_passphrase(passphrase: str) -> Opener:
    def key(suite: Suite, header: Header) -> bytes:
        if len(header.salt) != SALT_BYTES:
            raise BackupLocked(detail="it was sealed to a key, not under a passphrase")
        context = _key_context(header.plane, header.party, header.salt)
        try:
            stretched = suite.stretch(passphrase.encode(), header.salt)
            return suite.open(stretched, header.nonce, context, header.sealed)
        except KeysError:
            raise BackupLocked(detail="the passphrase does not open it") from None

    return key


def by_seeds(seeds: dict[bytes, bytes]) -> Opener:
    """`seeds`: private halves by key id, as of `KeyFile.wrap_seeds`."""

    def key(suite: Suite, header: Header) -> bytes:
        for each in header.wraps:
            seed = seeds.get(each.key_id)
            if seed is not None:
                try:
                    return suite.unwrap(seed, each.wrapped)
                except KeysError:
                    break
        raise BackupLocked(detail="it was not sealed to this key")

    return key


def open_stream(file: IO[bytes], suites: Suites, opener: Opener) -> tuple[Header, OpeningReader]:
    """Raises BackupUnreadable (no backup, or of a later version), BackupLocked."""
    header, line = read_header(file)
    suite = suites.get(header.suite)
    return header, OpeningReader(file, suite, opener(suite, header), header, suite.hash(line))


def read_header(file: IO[bytes]) -> tuple[Header, bytes]:
    """What can be read without a key, and its line. Raises BackupUnreadable."""
    if file.read(len(MAGIC)) != MAGIC:
        raise BackupUnreadable(detail="it does not begin as one of this version")
    line = file.readline(MAX_HEADER_BYTES)
    try:
        return msgspec.json.decode(line, type=Header), line
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BackupUnreadable(detail=str(error)) from None
