"""The content of a body: parts, framed, compressed, padded.

Content is one or more parts (a row each in a table feed; one part in a letter)::

    u32 count ‖ (u32 length)* ‖ part*         big-endian; all lengths stand before all parts

Inside the AEAD stands ``secret ‖ u32 length ‖ content ‖ zeros``; open bodies are the content alone.
The secret is what the commitment to the parts is salted with (commitment.py).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate, pairwise

import zstandard

from ortoo_protocol.core.errors import EnvelopeBomb, EnvelopeLengths, EnvelopePadding, EnvelopeSize

MAX_CONTENT_BYTES = 1 << 20
MAX_PARTS = 16_384
_SMALLEST_BUCKET = 512
_LARGE_BUCKET = 64 << 10
_ZSTD_LEVEL = 1  # 3 costs five times as much on text of events, for nothing
_WORTH_COMPRESSING_BYTES = 256
_PROBED_FROM_BYTES = 32 << 10
_PROBE_BYTES = 8 << 10
# Working memory that costs more to make than a letter to pack. One is for one call at a time:
# whoever finds none makes one, so there are as many as calls that ran at once.
_COMPRESSORS: list[zstandard.ZstdCompressor] = []
_PROBERS: list[zstandard.ZstdCompressor] = []
_DECOMPRESSORS: list[zstandard.ZstdDecompressor] = []


def frame(parts: Sequence[bytes]) -> bytes:
    count = len(parts)
    content = b"".join((struct.pack(f">{1 + count}I", count, *map(len, parts)), *parts))
    if len(content) > MAX_CONTENT_BYTES or count > MAX_PARTS:
        raise EnvelopeSize(size_bytes=len(content))
    return content


def unframe(content: bytes, start: int = 0) -> tuple[bytes, ...]:
    """The parts of `content` from `start` on; lengths must add up to the last byte."""
    if len(content) - start > MAX_CONTENT_BYTES:
        raise EnvelopeBomb(limit_bytes=MAX_CONTENT_BYTES)
    if len(content) - start < 4:
        raise EnvelopeLengths(detail="content without a part count")
    count = int.from_bytes(content[start : start + 4], "big")
    first = start + 4 + count * 4
    if count > MAX_PARTS or first > len(content):
        raise EnvelopeLengths(detail=f"{count} parts")
    ends = list(accumulate(struct.unpack_from(f">{count}I", content, start + 4), initial=first))
    if ends[-1] != len(content):
        raise EnvelopeLengths(detail=f"parts up to {ends[-1]} in {len(content)} bytes")
    return tuple([content[start:end] for start, end in pairwise(ends)])


def compress(content: bytes) -> tuple[bytes, bool]:
    """Content as it is stored, and whether that is zstd (only where it is smaller)."""
    if len(content) < _WORTH_COMPRESSING_BYTES or not _seems_compressible(content):
        return content, False
    compressor = _COMPRESSORS.pop() if _COMPRESSORS else zstandard.ZstdCompressor(level=_ZSTD_LEVEL)
    packed = compressor.compress(content)
    _COMPRESSORS.append(compressor)
    return (packed, True) if len(packed) < len(content) else (content, False)


def _seems_compressible(content: bytes) -> bool:
    """By a look into the middle of long content: files are often compressed already, and trying
    costs as much as sealing them."""
    if len(content) < _PROBED_FROM_BYTES:
        return True
    middle = (len(content) - _PROBE_BYTES) // 2
    prober = _PROBERS.pop() if _PROBERS else zstandard.ZstdCompressor(level=1)
    packed = prober.compress(content[middle : middle + _PROBE_BYTES])
    _PROBERS.append(prober)
    return len(packed) < _PROBE_BYTES * 15 // 16


def decompress(stored: bytes) -> bytes:
    """Undo `compress`; the frame must state its size, and at most MAX_CONTENT_BYTES.

    zstandard allocates what the frame states whatever limit it is given, so the stated size is
    read first; a frame that states none is refused.
    """
    try:
        size = zstandard.frame_content_size(stored)
        if not 0 <= size <= MAX_CONTENT_BYTES:
            raise EnvelopeBomb(limit_bytes=MAX_CONTENT_BYTES)
        unpacker = _DECOMPRESSORS.pop() if _DECOMPRESSORS else _decompressor()
        content = unpacker.decompress(stored, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as error:  # the unpacker is dropped with whatever it holds
        raise EnvelopeLengths(detail=f"zstd: {error}") from None
    _DECOMPRESSORS.append(unpacker)
    return content


def _decompressor() -> zstandard.ZstdDecompressor:
    return zstandard.ZstdDecompressor(max_window_size=MAX_CONTENT_BYTES * 2)


def bucket(size_bytes: int) -> int:
    """The smallest size bucket that holds `size_bytes`.

    Powers of two from 512 B to 64 KiB, then Padmé: a sealed letter tells the broker no more of its
    length than that, and a large one travels at most a thirty-second larger than it is.
    """
    if size_bytes > _LARGE_BUCKET:
        exponent = size_bytes.bit_length() - 1
        step = 1 << (exponent - exponent.bit_length())
        return -(-size_bytes // step) * step
    size = _SMALLEST_BUCKET
    while size < size_bytes:
        size *= 2
    return size


def pad(secret: bytes, stored: bytes, *, tag_bytes: int, to_bucket: bool) -> bytes:
    size = len(secret) + 4 + len(stored)
    zeros = bucket(size + tag_bytes) - tag_bytes - size if to_bucket else 0
    return b"".join((secret, len(stored).to_bytes(4, "big"), stored, bytes(zeros)))


def unpad(text: bytes, *, secret_bytes: int) -> tuple[bytes, bytes]:
    """(secret, stored content); padding must be zeros."""
    start = secret_bytes + 4
    if len(text) < start:
        raise EnvelopePadding()
    end = start + int.from_bytes(text[secret_bytes:start], "big")
    if end > len(text) or text.count(0, end) != len(text) - end:
        raise EnvelopePadding()
    return text[:secret_bytes], text[start:end]
