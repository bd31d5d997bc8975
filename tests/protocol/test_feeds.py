"""Numbers, chain, rows, ratchet; and bodies that do not hold together."""

from __future__ import annotations

import math
from typing import Any

import msgpack  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ortoo_protocol.core import feeds
from ortoo_protocol.core.codec import Shape, decode, encode
from ortoo_protocol.core.envelope import Position
from ortoo_protocol.core.errors import (
    CodecError,
    CodecMalformed,
    CodecShape,
    FeedChain,
    FeedFork,
)
from ortoo_protocol.core.feeds import RowChange, Verdict, Watermark, judge
from ortoo_protocol.core.keys import Suite, Suite1
from tests.support.bodies import FEED, SCHEMA, body_of
from tests.support.forge import EXTRANET, INTRANET, fixed
from tests.support.suite_test import SuiteOfTests

SUITES: list[Suite] = [Suite1(), SuiteOfTests()]
MARK = Watermark(2, 5, b"hash of 5")


@pytest.mark.parametrize(
    ("incarnation", "seq", "verdict"),
    [
        (2, 6, Verdict.NEXT),
        (2, 5, Verdict.DUPLICATE),
        (2, 1, Verdict.DUPLICATE),
        (2, 7, Verdict.GAP),
        (2, 1 << 52, Verdict.GAP),
        (1, 6, Verdict.OLD_INCARNATION),
        (1, 99, Verdict.OLD_INCARNATION),
        (3, 1, Verdict.NEW_INCARNATION),
        (3, 6, Verdict.NEW_INCARNATION),
    ],
)
def test_verdicts(incarnation: int, seq: int, verdict: Verdict) -> None:
    assert judge(MARK, Position(incarnation, seq, b"hash of 5"), FEED) is verdict


def test_the_next_item_continues_the_chain() -> None:
    with pytest.raises(FeedChain):
        judge(MARK, Position(2, 6, b"hash of 4"), FEED)


@given(st.permutations(range(1, 7)))
def test_any_order_of_arrival_takes_every_item_once_and_in_order(order: list[int]) -> None:
    mark, held, taken = Watermark(1, 0, b"0"), set[int](), []
    for arrived in order:
        held.add(arrived)
        for seq in sorted(held):
            position = Position(1, seq, str(seq - 1).encode())
            if judge(mark, position, FEED) is Verdict.NEXT:
                mark = Watermark(1, seq, str(seq).encode())
                taken.append(seq)
    assert taken == [1, 2, 3, 4, 5, 6]


def test_two_items_under_one_number() -> None:
    feeds.check_same(b"same", b"same", 1, FEED)
    with pytest.raises(FeedFork):
        feeds.check_same(b"one", b"other", 1, FEED)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_every_beginning_is_another(suite: Suite) -> None:
    begins = {
        feeds.genesis(suite, plane, feed, incarnation)
        for plane in (EXTRANET, INTRANET)
        for feed in (FEED, FEED + "2")
        for incarnation in (1, 2)
    }
    assert len(begins) == 8
    assert {len(begin) for begin in begins} == {suite.hash_bytes}


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_the_ratchet_depends_on_everything(suite: Suite) -> None:
    keys = {
        feeds.ratchet(suite, plane, feed, epoch, fixed(label, suite.key_bytes))
        for plane in (EXTRANET, INTRANET)
        for feed in (FEED, FEED + "2")
        for epoch in (1, 2)
        for label in ("one", "other")
    }
    assert len(keys) == 16
    assert {len(key) for key in keys} == {suite.key_bytes}


# --- rows ---------------------------------------------------------------------------------------

_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
)


@given(st.tuples(_scalars, _scalars))
def test_rows(values: tuple[Any, Any]) -> None:
    for change in (RowChange(feeds.UPSERT, values), RowChange(feeds.DELETE, values[:1])):
        assert feeds.read_row_part(feeds.row_part(change), SCHEMA) == change


@pytest.mark.parametrize(
    "row",
    [
        [],
        [0],
        [0, "code"],
        [0, "code", "name", "more"],
        [1],
        [1, "code", "name"],
        [2, "code"],
        [True, "code"],
        [0.0, "code", "name"],
        [None, "code"],
        [0, "code", ["nested"]],
        [0, "code", math.nan],
        [0, "code", 1 << 63],
        {"0": 1},
        "text",
        0,
        None,
    ],
)
def test_other_rows_are_refused(row: object) -> None:
    with pytest.raises(CodecError):
        feeds.read_row_part(msgpack.packb(row), SCHEMA)


def test_rows_that_no_message_can_carry() -> None:
    for value in (math.inf, 1 << 63, object(), [1], "\ud800"):
        with pytest.raises(CodecMalformed):
            feeds.row_part(RowChange(feeds.UPSERT, (value,)))  # type: ignore[arg-type]


@given(st.binary(max_size=60))
def test_any_bytes_as_a_row(part: bytes) -> None:
    try:
        change = feeds.read_row_part(part, SCHEMA)
    except CodecError:
        return
    assert feeds.read_row_part(feeds.row_part(change), SCHEMA) == change


# --- bodies -------------------------------------------------------------------------------------


def came(shape: type[Shape], **changes: object) -> Shape:
    """The example of `shape`, changed on its way."""
    body = msgpack.unpackb(encode(body_of(shape)))
    return decode(msgpack.packb({**body, **changes}), shape)


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": []},
        {"columns": [["code", "C", 9], ["code", "C", 9]]},
        {"columns": [["code", "C", 9], ["two\nlines", "C", 9]]},
        {"columns": [["code", "C", 9], ["", "C", 9]]},
        {"columns": [["code", "C", 9], ["a" * 64, "C", 9]]},
        {"columns": [["code", "C", -1]]},
        {"key": []},
        {"key": ["code", "code"]},
        {"key": ["elsewhere"]},
        {"number": -1},
    ],
)
def test_schemas_that_make_no_table(changes: dict[str, Any]) -> None:
    with pytest.raises(CodecShape):
        came(feeds.TableSchema, **changes)


def test_columns_have_names_in_any_script() -> None:
    schema = came(feeds.TableSchema, columns=[["乡镇_代码", "C", 9]], key=["乡镇_代码"])
    assert isinstance(schema, feeds.TableSchema)


def test_a_range_has_a_first_and_a_last() -> None:
    came(feeds.ItemsAsk, first=3, last=3)
    for first, last in ((0, 1), (2, 1), (-1, 1), (1, 1 << 60)):
        with pytest.raises(CodecShape):
            came(feeds.ItemsAsk, first=first, last=last)


@pytest.mark.parametrize(
    ("shape", "changes"),
    [
        (feeds.Head, {"feed": "nobody"}),
        (feeds.Head, {"seq": 1 << 64 - 1}),
        (feeds.Head, {"hash": bytes(65)}),
        (feeds.FeedKey, {"epoch": -1}),
        (feeds.FeedKey, {"epoch": 1 << 53}),
        (feeds.KeyAsk, {"feed": "s150700.x\n"}),
        (feeds.SnapshotPart, {"snapshot": "../../etc"}),
    ],
)
def test_fields_have_their_form(shape: type[Shape], changes: dict[str, Any]) -> None:
    with pytest.raises(CodecShape):
        came(shape, **changes)
