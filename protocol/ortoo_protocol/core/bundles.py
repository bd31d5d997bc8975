"""Bundles: envelopes that go the same way, in one message of the broker (SPEC.md, chapter 7).

A message costs the broker and both clients as much as signing and sealing a letter; what is due at
the same moment under the same routing key shares one. A bundle says nothing by itself: each of its
envelopes is verified as if it had come alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ortoo_protocol.core import frames
from ortoo_protocol.core.errors import EnvelopeError

MAGIC = b"ORTB"
MAX_BUNDLE_BYTES = 256 << 10  # larger messages delay others on their connection (measured)
MAX_ENVELOPES = 256
_MOST_BYTES = MAX_BUNDLE_BYTES + 4 * (MAX_ENVELOPES + 2)
T = TypeVar("T")


def bundle(envelopes: Sequence[bytes]) -> bytes:
    """One message; a lone envelope is a message as it stands."""
    return envelopes[0] if len(envelopes) == 1 else MAGIC + frames.frame(envelopes)


def unbundle(message: bytes) -> Sequence[bytes]:
    """The envelopes of a message. What is no bundle, or a broken one, comes back as it is: whoever
    accepts it says what is wrong with it."""
    if message[:4] != MAGIC or len(message) > _MOST_BYTES:
        return (message,)
    try:
        envelopes = frames.unframe(message, start=len(MAGIC))
    except EnvelopeError:
        return (message,)
    return envelopes if 2 <= len(envelopes) <= MAX_ENVELOPES else (message,)


def claimed(message: bytes) -> int:
    """How many envelopes a message says it holds; whether that is so, `unbundle` finds out."""
    if message[:4] != MAGIC:
        return 1
    return min(int.from_bytes(message[4:8], "big"), MAX_ENVELOPES)


def bundles(
    posts: Iterable[T], way: Callable[[T], tuple[str, str]], size_bytes: Callable[[T], int]
) -> list[list[T]]:
    """Those of one `way` (exchange, routing key) together, as far as they fit; what is too large
    for a bundle is alone. To one recipient all leave in their order, of whatever kind: a withdrawal
    does not overtake its application because another withdrawal stood before both."""
    closed: list[list[T]] = []
    open_: dict[tuple[str, str], _Open[T]] = {}
    for post in posts:
        this = way(post)
        road, size = (this[0], this[1].rsplit(".", 2)[0]), size_bytes(post)
        group = open_.get(road)
        if group is None or group.way != this or not group.has_room(size):
            closed += [group.posts] if group is not None else []
            group = open_[road] = _Open(this)
        group.posts.append(post)
        group.held_bytes += size
    return [*closed, *(group.posts for group in open_.values())]


@dataclass
class _Open(Generic[T]):
    way: tuple[str, str]
    posts: list[T] = field(default_factory=list)
    held_bytes: int = 0

    def has_room(self, size_bytes: int) -> bool:
        return self.held_bytes + size_bytes <= MAX_BUNDLE_BYTES and len(self.posts) < MAX_ENVELOPES
