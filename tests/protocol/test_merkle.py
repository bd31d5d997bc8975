"""RFC 6962 trees against reference roots, against another implementation, and against forgers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pymerkle  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ortoo_protocol.core import merkle
from ortoo_protocol.core.errors import JournalConsistency, JournalInclusion, JournalTree
from ortoo_protocol.core.merkle import Frontier, leaf_hash, node_hash, root_of


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


# The eight leaves and nine roots that Certificate Transparency implementations test with
# (google/certificate-transparency, merkle_tree_test.cc; used again by transparency-dev/merkle).
CT_LEAVES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_INCLUSION = {  # (index, size)
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CT_CONSISTENCY = {  # (old size, size)
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def ct_hashes(size: int) -> list[bytes]:
    return [leaf_hash(sha256, each) for each in CT_LEAVES[:size]]


def some_leaves(count: int, digest: merkle.Hash = sha256) -> list[bytes]:
    return [leaf_hash(digest, index.to_bytes(4, "big")) for index in range(count)]


def unhex(hashes: Sequence[str]) -> list[bytes]:
    return [bytes.fromhex(each) for each in hashes]


def recursive_root(digest: merkle.Hash, leaves: Sequence[bytes]) -> bytes:
    """MTH as RFC 6962 §2.1 writes it down: the definition, not the algorithm under test."""
    if not leaves:
        return digest(b"")
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = recursive_root(digest, leaves[:split]), recursive_root(digest, leaves[split:])
    return node_hash(digest, left, right)


def flips(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """Every list that differs from `hashes` in one byte."""
    found = []
    for place, value in enumerate(hashes):
        for at in range(len(value)):
            changed = value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
            found.append([*hashes[:place], changed, *hashes[place + 1 :]])
    return found


@pytest.mark.parametrize("size", range(9))
def test_ct_reference_roots(size: int) -> None:
    assert root_of(sha256, ct_hashes(size)).hex() == CT_ROOTS[size]


@pytest.mark.parametrize(("place", "expected"), CT_INCLUSION.items())
def test_ct_reference_inclusion_proofs(place: tuple[int, int], expected: list[str]) -> None:
    index, size = place
    assert merkle.inclusion_proof(sha256, ct_hashes(size), index) == unhex(expected)


@pytest.mark.parametrize(("sizes", "expected"), CT_CONSISTENCY.items())
def test_ct_reference_consistency_proofs(sizes: tuple[int, int], expected: list[str]) -> None:
    old_size, size = sizes
    assert merkle.consistency_proof(sha256, ct_hashes(size), old_size) == unhex(expected)


@pytest.mark.parametrize("digest", [sha256, sha512], ids=["32 bytes", "64 bytes"])
def test_every_proof_of_small_trees_verifies(digest: merkle.Hash) -> None:
    leaves = some_leaves(40, digest)
    roots = [recursive_root(digest, leaves[:size]) for size in range(41)]
    node = merkle.subtrees(digest, leaves)
    for size in range(41):
        assert root_of(digest, leaves[:size]) == roots[size]
        assert Frontier.at(digest, node, size).root() == roots[size]
        for index in range(size):
            proof = merkle.inclusion_proof(digest, leaves[:size], index)
            assert merkle.inclusion_proof_from(digest, node, index, size) == proof
            merkle.verify_inclusion(digest, leaves[index], index, size, proof, roots[size])
        for old in range(size + 1):
            proof = merkle.consistency_proof(digest, leaves[:size], old)
            assert merkle.consistency_proof_from(digest, node, old, size) == proof
            merkle.verify_consistency(digest, old, size, roots[old], roots[size], proof)


def test_another_implementation_agrees() -> None:
    oracle = pymerkle.InmemoryTree(algorithm="sha256")
    leaves: list[bytes] = []
    for size in range(1, 34):
        data = size.to_bytes(4, "big")
        oracle.append_entry(data)
        leaves.append(leaf_hash(sha256, data))
        root = oracle.get_root()
        assert root_of(sha256, leaves) == root
        for index, leaf in enumerate(leaves):
            proof = merkle.inclusion_proof(sha256, leaves, index)
            assert [leaf, *proof] == oracle.prove_inclusion(index + 1, size).path
        for old in range(1, size + 1):
            proof = merkle.consistency_proof(sha256, leaves, old)
            merkle.verify_consistency(sha256, old, size, oracle.get_root(old), root, proof)


@given(st.lists(st.binary(max_size=8), max_size=70), st.data())
@settings(max_examples=60)
def test_appending_in_any_portions_gives_one_tree(items: list[bytes], data: st.DataObject) -> None:
    leaves = [leaf_hash(sha256, each) for each in items]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(leaves)), max_size=5)))
    frontier, kept = Frontier(sha256), dict[tuple[int, int], bytes]()
    for start, end in zip([0, *cuts], [*cuts, len(leaves)], strict=True):
        before = frontier
        frontier, grown = before.grow(leaves[start:end])
        for level, first, hashes in grown:
            for index, value in enumerate(hashes, first):
                assert kept.setdefault((level, index), value) == value
        assert frontier.extend([]) == frontier
        one_by_one = before
        for leaf in leaves[start:end]:
            one_by_one = one_by_one.append(leaf)
        assert one_by_one == frontier
    assert frontier.root() == recursive_root(sha256, leaves)
    assert Frontier.from_bytes(sha256, frontier.to_bytes(), 32) == frontier
    complete = {(level, i) for level in range(8) for i in range(len(leaves) >> level)}
    assert set(kept) == complete


@given(st.integers(1, 2**40), st.data())
@settings(max_examples=100)
def test_huge_trees_are_proven_in_few_reads(size: int, data: st.DataObject) -> None:
    """Every leaf is the same here, so that a tree of any size can be asked for its subtrees."""
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    levels = [leaf_hash(sha256, b"")]
    while len(levels) <= 40:
        levels.append(node_hash(sha256, levels[-1], levels[-1]))
    reads: list[tuple[int, int]] = []

    def node(level: int, at: int) -> bytes:
        assert (at + 1) << level <= size, "a subtree that is not complete"
        reads.append((level, at))
        return levels[level]

    root, old_root = (Frontier.at(sha256, node, each).root() for each in (size, old))
    reads.clear()
    proof = merkle.inclusion_proof_from(sha256, node, index, size)
    merkle.verify_inclusion(sha256, levels[0], index, size, proof, root)
    assert reads == merkle.inclusion_nodes(index, size)
    reads.clear()
    proof = merkle.consistency_proof_from(sha256, node, old, size)
    merkle.verify_consistency(sha256, old, size, old_root, root, proof)
    assert reads == merkle.consistency_nodes(old, size)
    assert len(reads) <= 2 * 41


def test_no_flipped_byte_in_an_inclusion_proof_passes() -> None:
    leaves = some_leaves(7)
    root = root_of(sha256, leaves)
    for index in range(7):
        proof = merkle.inclusion_proof(sha256, leaves, index)
        for leaf, *path in flips([leaves[index], *proof]):
            with pytest.raises(JournalInclusion):
                merkle.verify_inclusion(sha256, leaf, index, 7, path, root)
        for other in (*range(-1, index), *range(index + 1, 9)):
            with pytest.raises(JournalInclusion):
                merkle.verify_inclusion(sha256, leaves[index], other, 7, proof, root)
        for path in (proof[1:], proof[:-1], [*proof, root], [leaves[index], *proof]):
            with pytest.raises(JournalInclusion):
                merkle.verify_inclusion(sha256, leaves[index], index, 7, path, root)
        for (changed,) in flips([root]):
            with pytest.raises(JournalInclusion):
                merkle.verify_inclusion(sha256, leaves[index], index, 7, proof, changed)


def test_no_flipped_byte_in_a_consistency_proof_passes() -> None:
    leaves = some_leaves(7)
    roots = [root_of(sha256, leaves[:size]) for size in range(8)]
    for old in range(1, 7):
        proof = merkle.consistency_proof(sha256, leaves, old)
        for old_root, root, *path in flips([roots[old], roots[7], *proof]):
            with pytest.raises(JournalConsistency):
                merkle.verify_consistency(sha256, old, 7, old_root, root, path)
        for path in ([], proof[1:], proof[:-1], [*proof, roots[7]], [roots[old], *proof]):
            with pytest.raises(JournalConsistency):
                merkle.verify_consistency(sha256, old, 7, roots[old], roots[7], path)


def test_a_boundary_moved_between_two_hashes_does_not_pass() -> None:
    """H(1 ‖ left ‖ right) is the same when a byte moves from left to right."""
    left, right = some_leaves(2)
    root = root_of(sha256, [left, right])
    with pytest.raises(JournalInclusion):
        merkle.verify_inclusion(sha256, left[:-1], 0, 2, [left[-1:] + right], root)
    with pytest.raises(JournalConsistency):
        merkle.verify_consistency(sha256, 1, 2, left[:-1], root, [left[-1:] + right])


def test_a_proof_is_as_long_as_the_sizes_say() -> None:
    """Right roots and hashes, but the sizes of a part of the tree, or of more than the tree."""
    leaves = some_leaves(8)
    roots = [root_of(sha256, leaves[:size]) for size in range(9)]
    with pytest.raises(JournalInclusion):
        merkle.verify_inclusion(sha256, leaves[1], 0, 1, [leaves[0]], roots[2])
    proof = merkle.inclusion_proof(sha256, leaves[:2], 0)
    with pytest.raises(JournalInclusion):
        merkle.verify_inclusion(sha256, leaves[0], 0, 4, proof, roots[2])
    proof = merkle.consistency_proof(sha256, leaves, 7)
    with pytest.raises(JournalConsistency):
        merkle.verify_consistency(sha256, 3, 4, roots[7], roots[8], proof)
    proof = merkle.consistency_proof(sha256, leaves[:4], 3)
    with pytest.raises(JournalConsistency):
        merkle.verify_consistency(sha256, 3, 8, roots[3], roots[4], proof)


@pytest.mark.parametrize(
    ("old", "size", "old_root", "root", "proof"),
    [
        (0, 4, b"x" * 32, None, []),  # an empty tree has one root
        (0, 4, None, None, [b"x" * 32]),
        (4, 4, None, b"x" * 32, []),
        (4, 4, None, None, [b"x" * 32]),
        (0, 0, b"x" * 32, b"x" * 32, []),
        (5, 4, None, None, []),
        (-1, 4, None, None, []),
        (2, 4, b"", b"", []),
    ],
)
def test_consistency_at_the_edges(
    old: int, size: int, old_root: bytes | None, root: bytes | None, proof: list[bytes]
) -> None:
    leaves = some_leaves(5)
    old_true = root_of(sha256, leaves[: max(old, 0)])
    true = root_of(sha256, leaves[:size])
    with pytest.raises(JournalConsistency):
        merkle.verify_consistency(
            sha256,
            old,
            size,
            old_true if old_root is None else old_root,
            true if root is None else root,
            proof,
        )


def test_what_is_outside_the_tree_is_refused() -> None:
    leaves = some_leaves(3)
    for index in (-1, 3):
        with pytest.raises(JournalTree):
            merkle.inclusion_proof(sha256, leaves, index)
    for old in (-1, 4):
        with pytest.raises(JournalTree):
            merkle.consistency_proof(sha256, leaves, old)
    with pytest.raises(JournalTree):
        merkle.frontier_nodes(-1)


def test_a_frontier_is_read_back_exactly() -> None:
    data = Frontier(sha512).extend(some_leaves(11, sha512)).to_bytes()
    assert Frontier.from_bytes(sha512, data, 64).size == 11
    for broken in (b"", data[:-1], data + b"\x00", b"\xff" * 8 + data[8:], data[:7]):
        with pytest.raises(JournalTree):
            Frontier.from_bytes(sha512, broken, 64)
    for length in (0, -1, 32):
        with pytest.raises(JournalTree):
            Frontier.from_bytes(sha512, data, length)
        with pytest.raises(JournalTree):
            Frontier.from_bytes(sha512, bytes(8), min(length, 0))
    with pytest.raises(JournalTree):
        Frontier(sha512, 3, (b"x" * 64,))
