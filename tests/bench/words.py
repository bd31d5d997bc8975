"""What is sent: the same bytes for Ortoo and for its peers."""

from __future__ import annotations

import random
from functools import cache

_POOL_BYTES = 12 << 20
EVENT_COLUMNS = ("number", "device", "district", "kind", "value", "taken", "text")


@cache
def _pool() -> bytes:
    return random.Random(809).randbytes(_POOL_BYTES)  # noqa: S311  # no secret: the same every time


def content(size: int, number: int = 0) -> bytes:
    """`size` bytes that do not compress."""
    first = number * 7919 % (_POOL_BYTES - size + 1)
    return _pool()[first : first + size]


def event(number: int) -> tuple[object, ...]:
    """A reading of a device: about 1 KiB as JSON, most of it text of its own."""
    text = content(448, number).hex()
    return (
        number,
        f"d{number % 997:04}",
        f"15070{number % 9}",
        "水位",
        number % 400,
        "2026-11-26",
        text,
    )


EVENT_ITEMS = [
    {"name": name, "column": name, "type": kind, "length": length, "key": name == "number"}
    for name, kind, length in (
        ("number", "I", 12),
        ("device", "C", 12),
        ("district", "C", 6),
        ("kind", "C", 20),
        ("value", "I", 10),
        ("taken", "C", 10),
        ("text", "C", 1000),
    )
]
