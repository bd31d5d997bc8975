"""The commitment to parts, and one part shown without the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ortoo_protocol.core.commitment import GROUP, Shown, check_shown, commit, show
from ortoo_protocol.core.errors import EnvelopePlaintextCommitment
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Suite, Suite1
from tests.support.forge import commitment_by_hand, fixed
from tests.support.suite_test import SuiteOfTests

SUITES: list[Suite] = [Suite1(), SuiteOfTests()]
PLANE = Plane.EXTRANET
_parts = st.lists(st.binary(max_size=50), max_size=8)


@given(st.sampled_from(SUITES), _parts, st.integers(0, 40))
def test_commitment_is_as_specified(suite: Suite, parts: list[bytes], times: int) -> None:
    secret, many = fixed("secret", suite.key_bytes), parts * times
    assert commit(suite, PLANE, secret, many) == commitment_by_hand(suite, PLANE.byte, secret, many)


@given(_parts, _parts)
def test_other_parts_have_another_commitment(one: list[bytes], other: list[bytes]) -> None:
    suite, secret = Suite1(), fixed("secret", 32)
    same = commit(suite, PLANE, secret, one) == commit(suite, PLANE, secret, other)
    assert same == (one == other)


def test_other_secret_or_plane_other_commitment() -> None:
    suite, parts = Suite1(), [b"row"]
    made = commit(suite, PLANE, fixed("secret", 32), parts)
    assert made != commit(suite, Plane.INTRANET, fixed("secret", 32), parts)
    assert made != commit(suite, PLANE, fixed("another", 32), parts)


def rows(count: int) -> list[bytes]:
    return [b"row %d" % number for number in range(count)]


def shown(suite: Suite, count: int, index: int) -> tuple[Shown, bytes]:
    secret = fixed("secret", suite.key_bytes)
    parts = rows(count)
    made = show(suite, PLANE, secret, parts, index)
    return made, commit(suite, PLANE, secret, parts)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
@pytest.mark.parametrize("count", [1, 2, GROUP - 1, GROUP, GROUP + 1, 3 * GROUP, 4 * GROUP + 5])
def test_each_part_is_shown_without_the_others(suite: Suite, count: int) -> None:
    for index in range(count):
        proof, promised = shown(suite, count, index)
        check_shown(suite, proof, promised)
        told = b"".join((proof.salt, *proof.leaves, *proof.groups))
        assert not any(part in told for part in rows(count))


@pytest.mark.parametrize(
    "change",
    [
        lambda proof: replace(proof, part=b"another row"),
        lambda proof: replace(proof, salt=bytes(16)),
        lambda proof: replace(proof, salt=proof.salt + proof.part[:1], part=proof.part[1:]),
        lambda proof: replace(proof, index=proof.index + 1),
        lambda proof: replace(proof, index=proof.index + GROUP),
        lambda proof: replace(proof, index=proof.index - 2 * GROUP),
        lambda proof: replace(proof, count=proof.count + 1),
        lambda proof: replace(proof, count=proof.count - 1),
        lambda proof: replace(proof, count=proof.count + (1 << 32)),
        lambda proof: replace(proof, count=0),
        lambda proof: replace(proof, leaves=proof.leaves[1:]),
        lambda proof: replace(proof, leaves=proof.leaves[::-1]),
        lambda proof: replace(proof, groups=proof.groups[1:]),
        lambda proof: replace(proof, groups=(proof.groups[0][:-1], *proof.groups[1:])),
        lambda proof: replace(
            proof,
            leaves=(proof.leaves[0] + proof.leaves[1][:1], proof.leaves[1][1:], *proof.leaves[2:]),
        ),
    ],
)
def test_nothing_else_is_proven(change: Callable[[Shown], Shown]) -> None:
    suite = Suite1()
    proof, promised = shown(suite, 3 * GROUP + 7, GROUP + 3)
    check_shown(suite, proof, promised)
    with pytest.raises(EnvelopePlaintextCommitment):
        check_shown(suite, change(proof), promised)


def test_salts_are_of_their_place() -> None:
    salts = {shown(Suite1(), 200, index)[0].salt for index in range(200)}
    assert len(salts) == 200
