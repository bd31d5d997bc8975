"""Messages made to exhaust memory: refused by name, with resident memory measured from outside.

Each runs in a process of its own, as a station would meet it: signed by a member, opened by the
core. Removing the bounds shows that the measurement would notice.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import zstandard

from ortoo_protocol.core import codec, envelope, frames
from ortoo_protocol.core.errors import EnvelopeBomb, EnvelopeError
from tests.support import bodies, forge
from tests.support.forge import CITY, OTHER, ByHand
from tests.support.memory import MIB, measured
from tests.support.mutation import removed, replaced, stands_by

HERE = forge.world()

LIMIT_BYTES = 48 * MIB


def _fill(head: bytes, unit: bytes) -> bytes:
    """`head`, then `unit` until a MiB of content is nearly full."""
    return head + unit * ((frames.MAX_CONTENT_BYTES - 8 - len(head)) // len(unit))


def _tiny_maps() -> bytes:
    """Maps of 4,095 short keys, until a MiB is full: the costliest that passes every bound."""
    names = [bytes((a, b)) for a in range(32, 97) for b in range(33, 97)][:4_095]
    one = b"\xde\x0f\xff" + b"".join(b"\xa2" + name + b"\xc0" for name in names)
    count = (frames.MAX_CONTENT_BYTES - 16) // len(one)
    return b"\xdc" + count.to_bytes(2, "big") + one * count


def _text_arrays() -> bytes:
    """Strings of one character that Python keeps 76 bytes for."""
    one = b"\xdc\x10\x00" + b"\xa2\xc4\x80" * 4_096
    count = (frames.MAX_CONTENT_BYTES - 16) // len(one)
    return b"\xdc" + count.to_bytes(2, "big") + one * count


def _nested_arrays() -> bytes:
    return _fill(b"\xdc\x00\xff", b"\xdc\x10\x00" + b"\x90" * 4_096)


POISON: dict[str, Callable[[], bytes]] = {
    "empty-arrays": _nested_arrays,
    "claimed-arrays": lambda: _fill(b"", b"\xdc\x10\x00"),
    "claimed-arrays-32": lambda: _fill(b"", b"\xdd\x00\x00\x10\x00"),
    "claimed-maps": lambda: _fill(b"", b"\xde\x10\x00\xa1a"),
    "nested": lambda: _fill(b"", b"\x91"),
    "tiny-maps": _tiny_maps,
    "text-arrays": _text_arrays,
    "extensions": lambda: _fill(b"\xdc\x10\x00", b"\xd4\x00\x00"),
    "one-long-text": lambda: b"\xdb" + (MIB - 64).to_bytes(4, "big") + b"a" * (MIB - 64),
}


def open_poison(name: str, where: str) -> str:
    """Open, as a station does, an envelope with this poison in it, signed by a member."""
    poison = POISON[name]()
    if where == "header":
        raw = ByHand(poison[: envelope.MAX_HEADER_BYTES]).assemble(HERE[CITY])
    else:
        header = forge.header_list(
            forge.make(HERE, bodies.HEAD, CITY, OTHER, kind="feed.head-answer")
        )
        stored = forge.frame_by_hand([poison])
        if where == "zstd":
            stored, packed = frames.compress(stored)
            header[forge.FLAGS] = int(packed)
        raw = ByHand(header, stored).assemble(HERE[CITY])
    try:
        HERE.open(raw)
    except EnvelopeError as error:
        return error.code
    except Exception as error:
        return getattr(error, "code", type(error).__name__)
    return "accepted"


def open_poison_uncounted(name: str, where: str) -> str:
    with (
        replaced(codec._Counter, "spend", lambda _: None)(),
        replaced(codec, "MAX_ARRAY_ITEMS", MIB)(),
    ):
        return open_poison(name, where)


def open_poison_everywhere(name: str) -> str:
    return "/".join(open_poison(name, where) for where in ("body", "zstd", "header"))


@pytest.mark.parametrize("name", POISON)
def test_poison_msgpack(name: str) -> None:
    codes, grown_bytes = measured(__name__, "open_poison_everywhere", name)
    assert all(code.startswith("codec.") for code in codes.split("/")), codes
    assert grown_bytes < LIMIT_BYTES


def test_poison_msgpack_stands_by_its_bounds() -> None:
    code, grown_bytes = measured(__name__, "open_poison_uncounted", "empty-arrays", "zstd")
    assert code == "codec.shape"
    assert grown_bytes > LIMIT_BYTES


def bomb(size_mib: int) -> bytes:
    """Zeros, compressed without ever being there."""
    packer = zstandard.ZstdCompressor().compressobj(size=size_mib * MIB)
    return b"".join(packer.compress(bytes(MIB)) for _ in range(size_mib)) + packer.flush()


def open_bomb() -> str:
    try:
        return str(len(frames.decompress(bomb(256))))
    except EnvelopeBomb as error:
        return error.code


def test_decompression_bomb() -> None:
    code, grown_bytes = measured(__name__, "open_bomb")
    assert code == "envelope.bomb"
    assert grown_bytes < 16 * MIB

    def attack() -> None:
        assert len(frames.decompress(bomb(16))) == 16 * MIB

    stands_by(attack, EnvelopeBomb, removed(frames.decompress, "EnvelopeBomb"))
