"""Masks: the strict syntax, what each shows, and that none shows more than it says."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ortoo_protocol.core import grants, masks
from ortoo_protocol.core.catalog import Item
from ortoo_protocol.core.codec import Scalar, decode, encode
from ortoo_protocol.core.errors import CodecShape, GrantScope
from ortoo_protocol.core.feeds import Column, TableSchema
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Suite1, domain
from ortoo_protocol.core.masks import Mask
from ortoo_protocol.core.rows import MAX_DECIMAL_DIGITS, checks
from tests.support.bodies import TERMS

SUITE = Suite1()
KEY, OTHER_KEY = b"k" * SUITE.key_bytes, b"o" * SUITE.key_bytes


def masked(mask: str, value: Scalar, key: bytes = KEY) -> Scalar:
    return masks.parse(mask).change(key, SUITE, Plane.EXTRANET)(value)


def item(column: str, kind: str, length: int = 0, *, key: bool = False) -> Item:
    return Item(name=column, column=column, type=kind, length=length, share_type=1, key=key)


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        ("partial(6,4)", "152921199003071234", "152921********1234"),
        ("partial(0,0)", "1234", "****"),
        ("partial(1,1)", 1503, "1**3"),
        ("partial(2,2)", "1234", "****"),
        ("partial(1,0)", "-3.50", "-****"),
        ("name", "乌云其木格", "乌****"),
        ("name", "张三", "张*"),
        ("name", "张", "*"),
        ("name", "𠮷田", "𠮷*"),
        ("id-card", "152921199003071234", "152921********1234"),
        ("phone", "13800138000", "138****8000"),
        ("phone", "110", "***"),
        ("bank-card", "6222021234567890123", "6222***********0123"),
        ("year", "1990-03-07", "1990"),
        ("month", "1990-03-07T08:00:00+08:00", "1990-03"),
        ("range(10)", 25, "[20,30)"),
        ("range(10)", 20, "[20,30)"),
        ("range(10)", -1, "[-10,0)"),
        ("range(0.5)", "1.74", "[1.5,2.0)"),
        ("range(1000)", 1234.5, "[1000,2000)"),
        ("range(1)", -(1 << 63), f"[{-(1 << 63)},{1 - (1 << 63)})"),
        ("age(18,35,60)", 17, "0-17"),
        ("age(18,35,60)", 18, "18-34"),
        ("age(18,35,60)", "59.5", "35-59"),
        ("age(18,35,60)", 60, "60+"),
        ("age(18,35,60)", -1, None),
        ("division(province)", "150702", "150000"),
        ("division(city)", "150702001", "150700000"),
        ("division(county)", "150702001203", "150702000000"),
        ("division(county)", "15", "15"),
        ("division(city)", "海拉尔区", None),
        ("division(city)", "１５０７０２", None),
        ("division(city)", "1507021", None),
        ("suppress", "152921199003071234", None),
        ("suppress", 7, None),
    ],
)
def test_what_a_mask_shows(mask: str, value: Scalar, shown: Scalar) -> None:
    assert masked(mask, value) == shown


@pytest.mark.parametrize("mask", ["partial(6,4)", "hash", "year", "range(1)", "age(9)", "suppress"])
def test_nothing_stays_nothing(mask: str) -> None:
    assert masked(mask, None) is None


@pytest.mark.parametrize(
    "text",
    ["", "partial", "partial()", "partial(6)", "partial(6,4", "partial(6, 4)", "partial(06,4)",
     "partial(-1,4)", "partial(65,0)", "partial(6,4,1)", "PARTIAL(6,4)", "partial(6,4)\n", "name()",
     "name(1)", "phone(3,4)", "hash(1)", "hash()", "year(1)", "range", "range(0)", "range(0.0)",
     "range(-1)", "range(1e3)", "range(1.50)", "range(.5)", "range(1,2)", "age()", "age(0)",
     "age(35,18)", "age(18,18)", "division", "division(2)", "division(town)", "suppress(1)",
     "shuffle", "hash;suppress", "age(" + ",".join(map(str, range(1, 30))) + ")"],
)  # fmt: skip
def test_what_is_no_mask(text: str) -> None:
    with pytest.raises(GrantScope):
        masks.parse(text)


# --- no more than promised -----------------------------------------------------------------------


@given(st.text(), st.integers(0, 64), st.integers(0, 64))
def test_partial_shows_at_most_what_it_says(value: str, first: int, last: int) -> None:
    shown = masked(f"partial({first},{last})", value)
    assert type(shown) is str
    assert len(shown) == len(value)
    hidden = [place for place in range(len(value)) if first <= place < len(value) - last]
    if len(value) <= first + last:
        hidden = list(range(len(value)))
    assert all(shown[place] == "*" for place in hidden)
    assert len(value) - len(hidden) <= first + last


@given(st.one_of(st.text(), st.integers(-(1 << 63), (1 << 63) - 1)))
def test_hashes_are_the_same_within_a_grant_and_differ_between_two(value: str | int) -> None:
    mine = masked("hash", value)
    assert mine == masked("hash", value)
    assert mine != masked("hash", value, OTHER_KEY)
    assert type(mine) is str
    assert len(mine) == 32


@given(st.text(), st.text())
def test_hashes_tell_values_apart(one: str, other: str) -> None:
    assert (masked("hash", one) == masked("hash", other)) == (one == other)


def test_a_hash_is_the_kdf_of_its_domain_string() -> None:
    context = domain("ortoo/mask", Plane.EXTRANET, encode("152921199003071234"))
    assert masked("hash", "152921199003071234") == SUITE.kdf(KEY, context, 16).hex()


def test_a_hash_is_of_its_plane_and_type() -> None:
    extranet = masked("hash", "1")
    intranet = masks.parse("hash").change(KEY, SUITE, Plane.INTRANET)("1")
    assert len({extranet, intranet, masked("hash", 1)}) == 3


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-9, max_value=10**30),
    st.sampled_from(["1", "0.5", "7", "1000", "12.25"]),
)
def test_a_range_holds_its_number_and_no_more(number: Decimal, step: str) -> None:
    shown = masked(f"range({step})", format(number, "f"))
    assert type(shown) is str
    lower, upper = map(Decimal, shown[1:-1].split(","))
    assert lower <= number < upper
    with_digits = Decimal(step)
    assert upper - lower == with_digits
    assert masked(f"range({step})", format(lower, "f")) == shown


def test_a_range_of_the_longest_number() -> None:
    for extreme in (1.7e308, -1.7e308, 5e-324, -5e-324):
        assert str(masked("range(0.000001)", extreme)).startswith("[")
    longest = "9" * MAX_DECIMAL_DIGITS
    assert masked("range(10)", longest) == f"[{longest[:-1]}0,{int(longest) + 1})"


@given(st.dates())
def test_dates_lose_their_day(day: date) -> None:
    assert masked("year", day.isoformat()) == f"{day.year:04}"
    assert masked("month", day.isoformat()) == f"{day.year:04}-{day.month:02}"


@given(st.text(alphabet="0123456789", max_size=20), st.sampled_from(["province", "city", "county"]))
def test_a_division_shows_its_prefix_alone(code: str, level: str) -> None:
    shown = masked(f"division({level})", code)
    kept = {"province": 2, "city": 4, "county": 6}[level]
    assert shown is None or (type(shown) is str and set(shown[kept:]) <= {"0"})


# --- the type that the reader sees ---------------------------------------------------------------

_EXAMPLES: dict[str, Scalar] = {
    "C": "150702001", "M": "很长的文字", "N": "12.50", "Y": "3", "I": 45, "B": 1.5, "F": 2.0,
    "L": True, "D": "1990-03-07", "T": "1990-03-07T00:00:00", "G": b"x",
}  # fmt: skip
_ALL = ("partial(1,1)", "name", "phone", "hash", "year", "month", "range(5)", "age(18)",
        "division(city)", "suppress")  # fmt: skip


@pytest.mark.parametrize("kind", sorted(_EXAMPLES))
@pytest.mark.parametrize("mask", _ALL)
def test_the_announced_type_takes_the_masked_value(mask: str, kind: str) -> None:
    masking = masks.parse(mask)
    if kind not in masking.types:
        with pytest.raises(GrantScope):
            masks.check_fit([Mask("x", mask)], [item("id", "C", key=True), item("x", kind)])
        return
    column = masking.makes(Column("x", kind, 9 if kind == "C" else 0))
    schema = TableSchema(number=1, columns=(Column("id", "C", 0), column), key=("id",))
    checks(schema)[1](masked(mask, _EXAMPLES[kind]))


def test_a_masked_number_becomes_text() -> None:
    assert masks.parse("range(5)").makes(Column("age", "I", 3)) == Column("age", "C", 0)
    assert masks.parse("hash").makes(Column("id", "I", 0)) == Column("id", "C", 32)
    assert masks.parse("name").makes(Column("n", "C", 50)) == Column("n", "C", 50)


# --- in a grant ----------------------------------------------------------------------------------


def test_terms_without_masks_are_the_bytes_of_before() -> None:
    raw = encode(TERMS)
    assert b"masks" not in raw
    assert decode(raw, grants.GrantTerms).masks == ()


def test_terms_with_masks_come_back_as_they_were() -> None:
    terms = grants.GrantTerms(
        **{name: getattr(TERMS, name) for name in TERMS.__struct_fields__ if name != "masks"},
        masks=(Mask("code", "hash"),),
    )
    read = decode(encode(terms), grants.GrantTerms)
    assert read.masks == (Mask("code", "hash"),)
    assert grants.check_terms(read) == terms


def test_a_mask_has_two_places() -> None:
    raw = encode({**{n: getattr(TERMS, n) for n in TERMS.__struct_fields__}, "masks": [["code"]]})
    with pytest.raises(CodecShape):
        decode(raw, grants.GrantTerms)


def test_masks_that_no_grant_may_have() -> None:
    for wrong in (
        (Mask("code", "shuffle"),),
        (Mask("name", "hash"),),  # not among the items
        (Mask("code", "hash"), Mask("code", "suppress")),
    ):
        with pytest.raises(GrantScope):
            masks.check_masks(wrong, ("code",))
    masks.check_masks((Mask("name", "hash"),), ())


@pytest.mark.parametrize("mask", ["partial(6,4)", "suppress", "division(city)", "name"])
def test_a_key_is_hashed_or_stays(mask: str) -> None:
    items = [item("id", "C", 18, key=True), item("name", "C")]
    masks.check_fit([Mask("id", "hash"), Mask("name", "name")], items)
    with pytest.raises(GrantScope):
        masks.check_fit([Mask("id", mask)], items)
    with pytest.raises(GrantScope):
        masks.check_fit([Mask("gone", "hash")], items)
