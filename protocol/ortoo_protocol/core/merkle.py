"""Merkle trees of RFC 6962 §2.1 over any hash function, with proofs checked as RFC 9162 §2.1 says.

A tree of n leaves is a row of complete subtrees whose sizes are the bits of n, largest first. Two
things follow, and all of this file rests on them. Appending needs those few roots and no leaf: that
is the `Frontier`. And every hash of a proof is the root of a range of leaves that is itself a row
of complete subtrees: whoever kept the complete subtrees makes a proof with O(log n) reads.

A complete subtree is named (level, index): it covers the leaves [index·2^level, (index+1)·2^level).
No length of a hash is known here; a verifier demands that all hashes it is given are as long as the
root, since H(1 ‖ left ‖ right) does not show where left ends.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ortoo_protocol.core.errors import JournalConsistency, JournalInclusion, JournalTree

Hash = Callable[[bytes], bytes]
NodeId = tuple[int, int]
NodeGetter = Callable[[int, int], bytes]
"""(level, index) of a complete subtree to its root hash."""

MAX_SIZE = 2**63 - 1


class Grown(NamedTuple):
    """Complete subtrees of one level that an append brought about: `first`, `first + 1`, …"""

    level: int
    first: int
    hashes: Sequence[bytes]


def leaf_hash(digest: Hash, data: bytes) -> bytes:
    return digest(b"\x00" + data)


def node_hash(digest: Hash, left: bytes, right: bytes) -> bytes:
    return digest(b"\x01" + left + right)


@dataclass(frozen=True)
class Frontier:
    """What a growing tree has to remember: the roots of its complete subtrees, largest first."""

    digest: Hash = field(repr=False)
    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE or len(self.nodes) != self.size.bit_count():
            raise JournalTree(detail=f"{len(self.nodes)} nodes for {self.size} leaves")

    @classmethod
    def at(cls, digest: Hash, node: NodeGetter, size: int) -> Frontier:
        """The frontier a tree had at `size`, from its kept subtrees (see `frontier_nodes`)."""
        return cls(digest, size, tuple(node(*name) for name in frontier_nodes(size)))

    def append(self, leaf: bytes) -> Frontier:
        """Takes a leaf *hash*."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> Frontier:
        """Takes leaf *hashes*."""
        return self.grow(leaves)[0]

    def grow(self, leaves: Iterable[bytes]) -> tuple[Frontier, list[Grown]]:
        """`extend`, and also every subtree it completed, the leaves (level 0) among them.

        A store that keeps these can answer as the `NodeGetter` of the proofs below.
        """
        digest = self.digest
        fresh = list(leaves)
        total, at = self.size + len(fresh), self.size
        held = list(self.nodes)
        tail: list[bytes] = []
        grown: list[Grown] = []
        while fresh:
            grown.append(Grown(len(grown), at, fresh))
            row = [held.pop(), *fresh] if at & 1 else fresh
            if len(row) & 1:
                tail.append(row[-1])
            pairs = zip(row[::2], row[1::2], strict=False)
            fresh = [digest(b"\x01" + left + right) for left, right in pairs]
            at >>= 1
        return Frontier(digest, total, (*held, *reversed(tail))), grown

    def root(self) -> bytes:
        return _fold(self.digest, self.nodes) if self.nodes else self.digest(b"")

    def to_bytes(self) -> bytes:
        """Size (8 bytes, big endian) and the hashes, largest subtree first."""
        return struct.pack(">Q", self.size) + b"".join(self.nodes)

    @classmethod
    def from_bytes(cls, digest: Hash, data: bytes, hash_length: int) -> Frontier:
        """Raises JournalTree unless `data` is exactly what `to_bytes` gives for its size."""
        hashes = data[8:]
        size = int.from_bytes(data[:8], "big")
        if hash_length < 1 or len(data) != 8 + size.bit_count() * hash_length:
            raise JournalTree(detail=f"a frontier of {len(data)} bytes")
        starts = range(0, len(hashes), hash_length)
        return cls(digest, size, tuple(hashes[at : at + hash_length] for at in starts))


def root_of(digest: Hash, leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes; of no leaves it is the hash of nothing."""
    return Frontier(digest).extend(leaves).root()


# --- proofs: what they are made of --------------------------------------------------------------

_Range = tuple[int, int]


def frontier_nodes(size: int) -> list[NodeId]:
    """The complete subtrees that make up a tree of `size` leaves, largest first."""
    if not 0 <= size <= MAX_SIZE:
        raise JournalTree(detail=f"a tree of {size} leaves")
    return _subtrees_of((0, size))


def inclusion_nodes(index: int, size: int) -> list[NodeId]:
    """The subtrees that `inclusion_proof_from` asks for: to read them in one go beforehand."""
    return [name for span in _inclusion_ranges(index, size) for name in _subtrees_of(span)]


def consistency_nodes(old_size: int, size: int) -> list[NodeId]:
    """The subtrees that `consistency_proof_from` asks for."""
    return [name for span in _consistency_ranges(old_size, size) for name in _subtrees_of(span)]


def inclusion_proof_from(digest: Hash, node: NodeGetter, index: int, size: int) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 §2.1.1, from the leaf upwards. Raises JournalTree."""
    return [_range_root(digest, node, span) for span in _inclusion_ranges(index, size)]


def consistency_proof_from(digest: Hash, node: NodeGetter, old_size: int, size: int) -> list[bytes]:
    """PROOF(old_size, D[size]) of RFC 6962 §2.1.2; empty from 0 or from `size`."""
    return [_range_root(digest, node, span) for span in _consistency_ranges(old_size, size)]


def inclusion_proof(digest: Hash, leaves: Sequence[bytes], index: int) -> list[bytes]:
    return inclusion_proof_from(digest, subtrees(digest, leaves), index, len(leaves))


def consistency_proof(digest: Hash, leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    return consistency_proof_from(digest, subtrees(digest, leaves), old_size, len(leaves))


def subtrees(digest: Hash, leaves: Iterable[bytes]) -> NodeGetter:
    """All complete subtrees over the leaf hashes, in memory: O(n) once, then any proof."""
    _, grown = Frontier(digest).grow(leaves)
    return lambda level, index: grown[level].hashes[index]


def _inclusion_ranges(index: int, size: int) -> list[_Range]:
    if not 0 <= index < size <= MAX_SIZE:
        raise JournalTree(detail=f"leaf {index} of {size}")
    low, high = 0, size
    ranges: list[_Range] = []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return ranges[::-1]


def _consistency_ranges(old_size: int, size: int) -> list[_Range]:
    if not 0 <= old_size <= size <= MAX_SIZE:
        raise JournalTree(detail=f"a tree of {old_size} leaves within one of {size}")
    if old_size == 0:
        return []
    low, high = 0, size
    ranges: list[_Range] = []
    while high != old_size:
        middle = low + _split(high - low)
        if old_size <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    if low > 0:  # the old root itself is known to the verifier, a part of it is not
        ranges.append((low, high))
    return ranges[::-1]


def _split(size: int) -> int:
    """The largest power of two below `size` (k of RFC 6962 §2.1)."""
    return 1 << ((size - 1).bit_length() - 1)


def _subtrees_of(span: _Range) -> list[NodeId]:
    """The row of complete subtrees of a range that a tree splits off, largest first."""
    low, high = span
    names: list[NodeId] = []
    while low < high:
        level = (high - low).bit_length() - 1
        names.append((level, low >> level))
        low += 1 << level
    return names


def _range_root(digest: Hash, node: NodeGetter, span: _Range) -> bytes:
    return _fold(digest, [node(*name) for name in _subtrees_of(span)])


def _fold(digest: Hash, nodes: Sequence[bytes]) -> bytes:
    root = nodes[-1]
    for left in reversed(nodes[:-1]):
        root = node_hash(digest, left, root)
    return root


# --- proofs: checking ---------------------------------------------------------------------------


def verify_inclusion(
    digest: Hash, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """RFC 9162 §2.1.3.2 for a leaf hash. Raises JournalInclusion; returning means proven."""
    refused = JournalInclusion(index=index, size=size)
    if not 0 <= index < size <= MAX_SIZE or not _one_length(root, leaf, *proof):
        raise refused
    here, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise refused
        if here & 1 or here == last:
            value = node_hash(digest, sibling, value)
            here, last = _climb_left_edge(here, last)
        else:
            value = node_hash(digest, value, sibling)
        here, last = here >> 1, last >> 1
    if last != 0 or value != root:
        raise refused


def verify_consistency(
    digest: Hash,
    old_size: int,
    size: int,
    old_root: bytes,
    root: bytes,
    proof: Sequence[bytes],
) -> None:
    """RFC 9162 §2.1.4.2. Raises JournalConsistency; returning means the new tree extends the old.

    An empty tree and an equal one need, and allow, no proof: roots are compared instead.
    """
    refused = JournalConsistency(old_size=old_size, size=size)
    if not 0 <= old_size <= size <= MAX_SIZE or not _one_length(root, old_root, *proof):
        raise refused
    empty = digest(b"")
    if (old_size == 0 and old_root != empty) or (size == 0 and root != empty):
        raise refused
    if old_size in (0, size):
        if proof or (old_size == size and old_root != root):
            raise refused
        return
    path = [old_root, *proof] if old_size.bit_count() == 1 else list(proof)
    if not path:
        raise refused
    here, last = old_size - 1, size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    old_value = value = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise refused
        if here & 1 or here == last:
            old_value = node_hash(digest, sibling, old_value)
            value = node_hash(digest, sibling, value)
            here, last = _climb_left_edge(here, last)
        else:
            value = node_hash(digest, value, sibling)
        here, last = here >> 1, last >> 1
    if last != 0 or old_value != old_root or value != root:
        raise refused


def _climb_left_edge(here: int, last: int) -> tuple[int, int]:
    """Skips the levels at which the last node of an incomplete tree has no sibling."""
    while here and not here & 1:
        here, last = here >> 1, last >> 1
    return here, last


def _one_length(root: bytes, *hashes: bytes) -> bool:
    return len(root) > 0 and all(len(each) == len(root) for each in hashes)
