"""The plaintext commitment: a body's parts, of which any one can be shown without the others.

Each part is hashed with a salt of its own, so that what is not shown cannot be guessed; 64 of these
leaf hashes make a group, and all groups, behind the number of parts, the commitment::

    leaf  = H(0x00 ‖ saltᵢ ‖ partᵢ)
    group = H(0x01 ‖ leaf ‖ …)             64 leaves, the last group the rest
    root  = H(0x02 ‖ u32 count ‖ group ‖ …)

Two wide levels and not a binary tree: a row then costs one hash instead of three, and the proof of
one row among 4,096 is 4 KiB. All salts are one output of the suite's XOF, keyed with the body's
secret: whoever is shown some of them learns nothing of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from ortoo_protocol.core.errors import EnvelopePlaintextCommitment
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Suite, domain

SALT_BYTES = 16
GROUP = 64


def commit(suite: Suite, plane: Plane, secret: bytes, parts: Sequence[bytes]) -> bytes:
    """What the header bears of a body with these parts."""
    leaves = _leaves(suite, plane, secret, parts)
    return _root(suite, len(leaves), _groups(suite, leaves))


@dataclass(frozen=True)
class Shown:
    """Part `index` of `count` and what leads from it to the commitment: its salt, the other leaf
    hashes of its group and the hashes of the other groups, in order."""

    index: int
    count: int
    part: bytes
    salt: bytes
    leaves: tuple[bytes, ...]
    groups: tuple[bytes, ...]


def show(suite: Suite, plane: Plane, secret: bytes, parts: Sequence[bytes], index: int) -> Shown:
    """What settles a dispute about part `index`; keys and other parts stay hidden."""
    leaves = _leaves(suite, plane, secret, parts)
    groups = _groups(suite, leaves)
    group = index // GROUP
    beside = leaves[group * GROUP : (group + 1) * GROUP]
    del beside[index % GROUP], groups[group]
    salt = _salts(suite, plane, secret, len(parts))[index * SALT_BYTES : (index + 1) * SALT_BYTES]
    return Shown(index, len(parts), parts[index], salt, tuple(beside), tuple(groups))


def check_shown(suite: Suite, shown: Shown, promised: bytes) -> None:
    """That a body with the commitment `promised` has this part in this place. Anybody can check it
    who has the signed header. Raises EnvelopePlaintextCommitment."""
    group, place = divmod(shown.index, GROUP)
    beside = min(GROUP, shown.count - group * GROUP) - 1
    hashes = (*shown.leaves, *shown.groups)
    if (
        not 0 <= shown.index < shown.count < 1 << 32
        or (len(shown.leaves), len(shown.groups)) != (beside, (shown.count - 1) // GROUP)
        or len(shown.salt) != SALT_BYTES
        or any(len(each) != suite.hash_bytes for each in hashes)
    ):
        raise EnvelopePlaintextCommitment()
    leaves, groups = list(shown.leaves), list(shown.groups)
    leaves.insert(place, suite.hash(b"\0" + shown.salt + shown.part))
    groups.insert(group, suite.hash(b"\1" + b"".join(leaves)))
    if _root(suite, shown.count, groups) != promised:
        raise EnvelopePlaintextCommitment()


def _salts(suite: Suite, plane: Plane, secret: bytes, count: int) -> bytes:
    return suite.xof(secret, _salt_context(plane), count * SALT_BYTES)


@cache
def _salt_context(plane: Plane) -> bytes:
    return domain("ortoo/salt", plane)


def _leaves(suite: Suite, plane: Plane, secret: bytes, parts: Sequence[bytes]) -> list[bytes]:
    salts = _salts(suite, plane, secret, len(parts))
    places = range(0, len(salts), SALT_BYTES)
    return suite.hashes(
        [b"\0" + salts[at : at + SALT_BYTES] + part for at, part in zip(places, parts, strict=True)]
    )


def _groups(suite: Suite, leaves: Sequence[bytes]) -> list[bytes]:
    firsts = range(0, len(leaves), GROUP)
    return suite.hashes([b"\1" + b"".join(leaves[at : at + GROUP]) for at in firsts])


def _root(suite: Suite, count: int, groups: Sequence[bytes]) -> bytes:
    return suite.hash(b"\2" + count.to_bytes(4, "big") + b"".join(groups))
