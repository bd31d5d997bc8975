"""Bundles: what goes the same way shares a message, and each envelope comes out as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ortoo_protocol.core import frames
from ortoo_protocol.core.bundles import (
    MAGIC,
    MAX_BUNDLE_BYTES,
    MAX_ENVELOPES,
    bundle,
    bundles,
    unbundle,
)

Post = tuple[str, str, bytes]
posts = st.lists(
    st.tuples(
        st.sampled_from(("letters", "hub")),
        st.sampled_from(("a.case.step", "a.case.answer", "b.case.step")),
        st.binary(min_size=1, max_size=9),
    ),
    max_size=40,
)


def grouped(given: list[Post]) -> list[list[Post]]:
    return bundles(given, lambda post: post[:2], lambda post: len(post[2]))


@given(posts)
def test_all_leave_once_and_in_the_order_of_their_way(given: list[Post]) -> None:
    groups = grouped(given)
    for way in {post[:2] for post in given}:
        left = [post for group in groups for post in group if post[:2] == way]
        assert left == [post for post in given if post[:2] == way]
    assert sum(map(len, groups)) == len(given)
    assert all(len({post[:2] for post in group}) == 1 for group in groups)


@given(posts)
def test_kinds_do_not_overtake_one_another(given: list[Post]) -> None:
    left = [post for group in grouped(given) for post in group]
    for exchange in ("letters", "hub"):
        for recipient in "ab":

            def on_this_road(post: Post, road: tuple[str, str] = (exchange, recipient)) -> bool:
                return (post[0], post[1][0]) == road

            assert [*filter(on_this_road, left)] == [*filter(on_this_road, given)]


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=MAX_ENVELOPES))
def test_what_goes_in_comes_out(envelopes: list[bytes]) -> None:
    assert list(unbundle(bundle(envelopes))) == envelopes


def test_one_envelope_is_a_message_as_it_stands() -> None:
    assert bundle([b"ORTO one"]) == b"ORTO one"


def test_bounds_of_a_bundle() -> None:
    large = [("letters", "a", bytes(MAX_BUNDLE_BYTES // 2))] * 5
    assert [len(group) for group in grouped(large)] == [2, 2, 1]
    many = [("letters", "a", b"x")] * (2 * MAX_ENVELOPES + 1)
    assert [len(group) for group in grouped(many)] == [MAX_ENVELOPES, MAX_ENVELOPES, 1]
    huge = [("letters", "a", b"x"), ("letters", "a", bytes(2 * MAX_BUNDLE_BYTES))]
    assert [len(group) for group in grouped([*huge, huge[0]])] == [1, 1, 1]
    full = [bytes(MAX_BUNDLE_BYTES // MAX_ENVELOPES)] * MAX_ENVELOPES
    assert len(unbundle(bundle(full))) == MAX_ENVELOPES


@pytest.mark.parametrize(
    "message",
    [
        b"",
        MAGIC,
        MAGIC + bytes(3),
        MAGIC + frames.frame([]),
        MAGIC + frames.frame([b"alone"]),
        MAGIC + frames.frame([b"x"] * (MAX_ENVELOPES + 1)),
        MAGIC + frames.frame([b"a", b"b"]) + b"!",
        MAGIC + frames.frame([b"a", b"b"])[:-1],
        MAGIC + (2**32 - 1).to_bytes(4, "big") + b"many",
        MAGIC + frames.frame([bytes(MAX_BUNDLE_BYTES), bytes(4_000)]),
    ],
)
def test_a_broken_bundle_comes_back_as_it_is(message: bytes) -> None:
    """Whoever accepts it says that it is no envelope."""
    assert list(unbundle(message)) == [message]
