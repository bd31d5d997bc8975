"""An entry as it lies in the store: compressed, since every station holds every entry.

Names of fields are most of an entry's bytes; a third is left. What earlier versions stored as plain
msgpack is read as well.
"""

from __future__ import annotations

import zstandard

from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.codec import decode, encode

_LEVEL = 3
_MAGIC = b"\x28\xb5\x2f\xfd"
MOST_BYTES = 16 * 1024 * 1024


def pack(entry: Entry) -> bytes:
    return zstandard.ZstdCompressor(level=_LEVEL).compress(encode(entry))


def unpack(stored: bytes) -> Entry:
    if stored[:4] == _MAGIC:
        stored = zstandard.ZstdDecompressor().decompress(stored, max_output_size=MOST_BYTES)
    return decode(stored, Entry)
