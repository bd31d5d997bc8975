"""Sealed archives of the journal (归档): a month of rows as an immutable file, and a signed list.

The file is a row of sealed chunks of up to CHUNK_ROWS rows; the list, a signed document of type
`archive`, has the hash of each chunk, the root of the tree up to the last row, and the hash of the
list before: none can be taken out or changed unseen. Bodies are not in it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ortoo_protocol.core import frames
from ortoo_protocol.core.codec import Count, Packed, Shape, decode, encode
from ortoo_protocol.core.errors import ArchiveChunk, KeysRefused
from ortoo_protocol.core.ids import Digest, PartyId, Plane
from ortoo_protocol.core.keys import Random, Suite, domain

CHUNK_ROWS = 1_024
MAX_CHUNKS = 4_000  # a month of more rows is several archives


class Chunk(Packed, frozen=True):
    """Rows from number `first` on, made between two times; `size_bytes` and hash as in the file."""

    first: int
    rows: int
    from_ms: int
    until_ms: int
    size_bytes: int
    hash: bytes


class Archive(Shape, frozen=True, kw_only=True):
    """Body of the signed list. `root`: of the tree of `last` + 1 rows; `previous`: hash of the list
    before, empty for the first. `kept_until_ms`: not to be removed before."""

    plane: Plane
    party: PartyId
    month: str
    first: Count
    last: Count
    root: Digest
    previous: Digest
    kept_until_ms: Count
    chunks: tuple[Chunk, ...]


class ArchivedRow(Packed, frozen=True):
    leaf: bytes
    framing: bytes


class _Rows(Packed, frozen=True):
    rows: tuple[ArchivedRow, ...]


def archive_key(suite: Suite, plane: Plane, party: str, store_key: bytes) -> bytes:
    """From the secret of the key file: whoever has the file alone reads nothing."""
    context = domain("ortoo/archive", plane, party.encode())
    return suite.kdf(store_key, context, suite.key_bytes)


def seal_chunk(
    suite: Suite, key: bytes, about: bytes, rows: Sequence[ArchivedRow], rand: Random
) -> bytes:
    """`about` names the chunk's place: moved elsewhere it does not open."""
    content, packed = frames.compress(encode(_Rows(tuple(rows))))
    nonce = rand(suite.nonce_bytes)
    return nonce + suite.seal(key, nonce, about, bytes([packed]) + content)


def open_chunk(suite: Suite, key: bytes, about: bytes, sealed: bytes) -> tuple[ArchivedRow, ...]:
    """Raises ArchiveChunk."""
    nonce, text = sealed[: suite.nonce_bytes], sealed[suite.nonce_bytes :]
    try:
        opened = suite.open(key, nonce, about, text)
    except KeysRefused:
        raise ArchiveChunk(detail="it does not open with this key file") from None
    content = frames.decompress(opened[1:]) if opened[:1] == b"\x01" else opened[1:]
    return decode(content, _Rows).rows


def chunk_place(plane: Plane, party: str, first: int) -> bytes:
    return domain("ortoo/archive", plane, party.encode(), first.to_bytes(8, "big"))
