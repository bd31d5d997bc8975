"""Strict msgpack: bytes in, a value of exactly the declared shape out.

msgpack alone accepts maps with repeated keys, NaN, thousandfold nesting, and a megabyte of empty
arrays that becomes 70 MB of objects. Here every length is capped, containers are counted while
they are made, and the result must fit a frozen `msgspec.Struct` without unknown fields.
Nothing that was received is ever encoded again: hashes and signatures are over received bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgpack  # type: ignore[import-untyped]  # ships no types
import msgspec

from ortoo_protocol.core.errors import CodecMalformed, CodecShape, CodecTooLarge

MAX_CONTAINERS = 20_000
# msgpack allocates an array as long as its header claims before any element is read, and nests
# 1,024 deep: without this bound 5 KiB of headers could claim gigabytes. Rows are not elements but
# framed parts (frames.py), so no kind needs longer arrays.
MAX_ARRAY_ITEMS = 4_096

# Integers of bodies: never negative, and within what JSON, SQL and every language can hold.
MAX_COUNT = (1 << 53) - 1
Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)]
_INT64 = range(-(1 << 63), 1 << 63)

Scalar = None | bool | int | float | str | bytes
T = TypeVar("T")
P = TypeVar("P", bound="Packed")


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every body: a msgpack map with these keys and no others; one that has a default may
    be left out."""


class Packed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Base of every compact record: a msgpack array with exactly these places."""


def encode(value: object) -> bytes:
    """msgpack of a Shape, a Packed or plain lists, maps and scalars.

    Raises CodecMalformed for integers beyond 64 bits and text that UTF-8 cannot carry.
    """
    try:
        return _encode(value)
    except (OverflowError, UnicodeEncodeError) as error:
        raise CodecMalformed(detail=str(error)) from None


_encode = msgspec.msgpack.Encoder().encode


class _Counter:
    """Bounds what the decoder may build: containers in all."""

    def __init__(self, most: int) -> None:
        self.left = most

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise CodecTooLarge()

    def array(self, items: list[Any]) -> list[Any]:
        self.spend()
        return items

    def map(self, pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
        self.spend()
        made: dict[str, Any] = {}
        for key, value in pairs:
            if type(key) is not str:
                raise CodecMalformed(detail="a map key is not text")
            if key in made:
                raise CodecMalformed(detail="a map key stands twice")
            made[key] = value
        return made


def _no_extension(code: int, _data: bytes) -> Any:
    raise CodecMalformed(detail=f"extension type {code}")


def unpack(data: bytes, *, max_containers: int = MAX_CONTAINERS) -> Any:
    """Decode to plain lists, maps and scalars within bounds.

    Raises CodecMalformed (not msgpack, extensions, repeated or non-text keys, too long or too deep,
    trailing bytes) and CodecTooLarge (too many containers). Numbers are not looked at here: no
    Shape has a float field, and rows go through `check_scalars`.
    """
    counter = _Counter(max_containers)
    size = len(data)
    try:
        value = msgpack.unpackb(
            data,
            raw=False,
            use_list=True,
            strict_map_key=True,
            ext_hook=_no_extension,
            list_hook=counter.array,
            object_pairs_hook=counter.map,
            max_str_len=size,
            max_bin_len=size,
            max_array_len=min(size, MAX_ARRAY_ITEMS),
            max_map_len=min(size, MAX_ARRAY_ITEMS),
            max_ext_len=0,
        )
    except (CodecMalformed, CodecTooLarge):
        raise
    except msgpack.exceptions.ExtraData:
        raise CodecMalformed(detail="bytes follow the value") from None
    except (ValueError, TypeError, msgpack.exceptions.UnpackException, RecursionError) as error:
        raise CodecMalformed(detail=str(error) or type(error).__name__) from None
    return value


def decode(data: bytes, shape: type[T], *, max_containers: int = MAX_CONTAINERS) -> T:
    """Decode `data` into `shape`; types are compared exactly, unknown fields are refused."""
    value = unpack(data, max_containers=max_containers)
    try:
        # builtin_types: bytes stay bytes; without it text would be read as base64.
        return msgspec.convert(value, shape, strict=True, builtin_types=(bytes,))
    except (msgspec.ValidationError, RecursionError) as error:
        raise CodecShape(expected=getattr(shape, "__name__", shape), detail=str(error)) from None


def packed_decoder(shape: type[P], *, max_containers: int) -> Callable[[bytes], P]:
    """`decode` for one compact record that is read very often: arrays and scalars, no maps.

    What msgspec alone takes is what `decode` takes; what it refuses goes through `decode`, which
    names the reason.
    """
    fast = msgspec.msgpack.Decoder(shape).decode

    def read(data: bytes) -> P:
        try:
            return fast(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return decode(data, shape, max_containers=max_containers)

    return read


def check_scalars(values: Sequence[object]) -> Sequence[Scalar]:
    """Values of a row: msgpack scalars only, integers of 64 bits with sign (no database has more);
    NaN and the infinities have no order or equality."""
    for value in values:
        if type(value) is int and value not in _INT64:
            raise CodecMalformed(detail="an integer is beyond 64 bits")
        if type(value) is float and not math.isfinite(value):
            raise CodecMalformed(detail="a number is not finite")
        if value is not None and type(value) not in (bool, int, float, str, bytes):
            raise CodecMalformed(detail=f"a row holds a {type(value).__name__}")
    return values  # type: ignore[return-value]  # narrowed by the loop above
