"""Rules: what may be written down, and what each says of values that look real."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from ortoo_node.quality import rules
from ortoo_node.quality.checks import RowRules
from ortoo_node.quality.numbers import is_credit_code, is_id_card, looks_personal
from ortoo_node.quality.patterns import compile_pattern
from ortoo_node.quality.rules import Rule, RuleSet
from ortoo_node.quality.sets import Values
from ortoo_protocol.core.catalog import Entry, Item
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import QualityRule
from ortoo_protocol.core.rows import schema_of
from tests.support import hubs

TODAY = "2026-05-20"
_TYPES = {"id": "C", "c": "C", "m": "M", "n": "N", "i": "I", "f": "F", "l": "L", "d": "D", "t": "T"}
ITEMS = tuple(
    Item(name=f"项{name}", column=name, type=kind, length=0, share_type=2, key=name == "id")
    for name, kind in _TYPES.items()
)
ENTRY: Entry = hubs.entry(items=ITEMS)
SCHEMA = schema_of(ITEMS, 1)


def ruleset(*given: dict[str, Any]) -> RuleSet:
    made = rules.read({"resource": ENTRY.code, "rules": list(given)})
    return rules.check_rules(made, ENTRY)


def row(**values: Scalar) -> tuple[Scalar, ...]:
    return tuple({**dict.fromkeys(_TYPES), "id": "1", **values}.values())


def passes(rule: dict[str, Any], value: Scalar, among: tuple[str, ...] = ()) -> bool:
    made = ruleset(rule)
    values = Values()
    for each in among:
        values.add(each)
    compiled = RowRules(made, SCHEMA, {made.rules[0].name: values}, TODAY)
    wrong = compiled.check(row(**{rule["column"]: value}))
    assert wrong in (None, (f"quality.{rule['check']}", rule["column"]))
    return wrong is None


GOOD_ID, WOMAN = "11010519491231002X", "440524188001010014"


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ({"check": "required", "column": "c"}, ["张三", "0"], [None, "", "  ", "\u3000"]),
        ({"check": "required", "column": "i"}, [0, -1], [None]),
        ({"check": "length", "column": "c", "min": 2, "max": 4}, ["张三", "欧阳修远", None],
         ["张", "阿拉坦乌拉"]),
        ({"check": "length", "column": "m", "max": 3}, ["", "abc"], ["abcd"]),
        ({"check": "codes", "column": "c", "codes": ["1", "2", "9"]}, ["1", "9", None],
         ["0", "", "１"]),
        ({"check": "codes", "column": "i", "codes": ["1", "2"]}, [1, 2], [3, -1]),
        ({"check": "id-card", "column": "c"}, [GOOD_ID, WOMAN, None],
         [GOOD_ID.lower(), GOOD_ID[:-1] + "1", "110105194912310", "11010519490231002X",
          "99010519491231002X", f" {GOOD_ID}", "１" + GOOD_ID[1:], "", "无"]),
        ({"check": "credit-code", "column": "c"}, ["91110000600037341L", "11150700MB1500001N"],
         ["91110000600037341M", "9111000060003734IL", "91110000600037341", "91110000600037341l"]),
        ({"check": "range", "column": "i", "min": 0, "max": 120}, [0, 120, None], [-1, 121]),
        ({"check": "range", "column": "n", "min": 0, "max": "9999.99"}, ["0", "9999.99", "1.5"],
         ["-0.01", "10000"]),
        ({"check": "range", "column": "f", "min": 0.5}, [0.5, 1e300], [0.4999]),
        ({"check": "range", "column": "d", "min": "1900-01-01", "max": "today"},
         ["1900-01-01", TODAY], ["1899-12-31", "2026-05-21"]),
        ({"check": "range", "column": "t", "max": "today"},
         [f"{TODAY}T23:59:59", f"{TODAY}T15:59:59+00:00"],
         ["2026-05-21T00:00:00", f"{TODAY}T16:00:00+00:00"]),
        ({"check": "pattern", "column": "c", "pattern": r"1[3-9]\d{9}"}, ["13800138000", None],
         ["12800138000", "138001380001", "1380013800", "a13800138000", "13800138000\n"]),
        ({"check": "pattern", "column": "c", "pattern": r"[\u4e00-\u9fa5·]{2,20}"},
         ["乌云其木格", "阿·斯"], ["A", "张", "张3"]),
        ({"check": "pattern", "column": "n", "pattern": r"\d+\.\d{2}"}, ["1.50"], ["1.5"]),
    ],
)  # fmt: skip
def test_each_rule(rule: dict[str, Any], good: list[Scalar], bad: list[Scalar]) -> None:
    assert [value for value in good if not passes(rule, value)] == []
    assert [value for value in bad if passes(rule, value)] == []


def test_a_reference() -> None:
    rule = {"check": "reference", "column": "c", "resource": "3/1", "item": "code"}
    assert passes(rule, "150702", ("150702", "150703"))
    assert not passes(rule, "150799", ("150702", "150703"))
    assert passes(rule, None)
    number = {"check": "reference", "column": "i", "source": "a", "table": "t", "item": "code"}
    assert passes(number, 5, ("5",))
    assert not passes(number, 6, ("5",))


def test_unique_lets_the_first_pass_and_says_so_of_the_same_row_twice() -> None:
    made = ruleset({"check": "unique", "column": "c"})
    compiled = RowRules(made, SCHEMA, {"unique:c": Values()}, TODAY)
    assert compiled.check(row(id="1", c="x")) is None
    assert compiled.check(row(id="2", c="y")) is None
    assert compiled.check(row(id="3", c="x")) == ("quality.unique", "c")
    assert compiled.check(row(id="1", c="x")) is None
    assert compiled.check(row(id="4", c=None)) is None


def test_a_row_that_another_rule_keeps_back_takes_no_value() -> None:
    made = ruleset({"check": "unique", "column": "c"}, {"check": "required", "column": "i"})
    compiled = RowRules(made, SCHEMA, {"unique:c": Values()}, TODAY)
    assert compiled.check(row(id="1", c="x")) == ("quality.required", "i")
    assert compiled.check(row(id="2", c="x", i=1)) is None


def test_a_warning_lets_pass_and_counts() -> None:
    made = ruleset(
        {"check": "length", "column": "c", "max": 2, "severity": "warn"},
        {"check": "unique", "column": "c", "severity": "warn"},
    )
    compiled = RowRules(made, SCHEMA, {"unique:c": Values()}, TODAY)
    for name in ("1", "2", "3"):
        assert compiled.check(row(id=name, c="xyz")) is None
    assert compiled.warned == {"length:c": 3, "unique:c": 2}
    assert {rule.name for rule in compiled.failing(row(id="9", c="xyz"))} == {
        "length:c",
        "unique:c",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"check": "required", "column": "gone"},
        {"check": "guess", "column": "c"},
        {"check": "required", "column": "c", "severity": "maybe"},
        {"check": "required", "column": "c", "min": 1},
        {"check": "length", "column": "c"},
        {"check": "length", "column": "c", "min": -1},
        {"check": "length", "column": "c", "min": 3, "max": 2},
        {"check": "length", "column": "i", "max": 2},
        {"check": "range", "column": "c", "min": 1},
        {"check": "range", "column": "i"},
        {"check": "range", "column": "i", "min": 2, "max": 1},
        {"check": "range", "column": "n", "min": "viel"},
        {"check": "range", "column": "n", "min": "NaN"},
        {"check": "range", "column": "d", "min": "1900"},
        {"check": "codes", "column": "c"},
        {"check": "codes", "column": "c", "codes": []},
        {"check": "id-card", "column": "i"},
        {"check": "pattern", "column": "c"},
        {"check": "pattern", "column": "c", "pattern": "(?:a)"},
        {"check": "pattern", "column": "c", "pattern": r"\d*0", "examples": ["10"]},
        {"check": "reference", "column": "c"},
        {"check": "reference", "column": "c", "resource": "3/1"},
        {"check": "reference", "column": "c", "resource": "3/1", "source": "a", "item": "x"},
        {"check": "required", "column": "c", "tolerance_percent": 100},
        {"check": "required", "column": "c", "invented": True},
    ],
)
def test_rules_that_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(QualityRule):
        ruleset(wrong)


def test_a_rule_stands_once() -> None:
    one = {"check": "required", "column": "c"}
    with pytest.raises(QualityRule):
        ruleset(one, one)


# --- numbers -------------------------------------------------------------------------------------


def _mutated(good: str, alphabet: str, chance: random.Random) -> str:
    place = chance.randrange(len(good))
    return good[:place] + chance.choice(alphabet) + good[place + 1 :]


def test_check_digits_are_the_librarys() -> None:
    """python-stdnum is lenient about spaces and small letters; of the bare form it says the
    same."""
    chance = random.Random(3)  # noqa: S311
    for _ in range(20_000):
        number = _mutated("91110000600037341L", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", chance)
        assert is_credit_code(number) == uscc.is_valid(number), number
    for _ in range(3_000):
        number = _mutated(GOOD_ID, "0123456789X", chance)
        assert is_id_card(number) >= ric.is_valid(number), number
        if is_id_card(number):
            assert ric.calc_check_digit(number) == number[-1]
            assert ric.get_birth_date(number)


def test_a_county_may_be_younger_than_its_people() -> None:
    """海拉尔区 bears its code since 2001; whoever got a number there later may be older."""
    older = "15070219550302001"
    older += ric.calc_check_digit(older + "0")
    assert is_id_card(older)
    assert not ric.is_valid(older)


@given(st.text(max_size=20))
def test_nothing_else_is_a_number(text: str) -> None:
    assert not is_id_card(text)
    assert not is_credit_code(text) or uscc.is_valid(text)


def test_what_looks_like_a_person_is_hidden_even_when_it_is_wrong() -> None:
    assert looks_personal(GOOD_ID)
    assert looks_personal(GOOD_ID[:-1] + "x")
    assert looks_personal("000000000000000000")
    assert not looks_personal("150702")


# --- patterns ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern",
    [r"\1", "(?:a)", "(?=a)", "a*?", "a**", "a+*", "*a", "(a", "a)", "[", "\\", "[[:alpha:]]",
     "a{3,1}", "a{5000}", "((a?){1000}){1000}", "", "a" * 501, r"\b", r"(?i)a", "a{,3}"],
)  # fmt: skip
def test_patterns_that_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", "(a|a)*b", "a*a*a*a*a*b", "(a?){1000}a{1000}b", "(a|ab)*(c|bcd)*d", ".*.*=.*"],
)
def test_no_pattern_is_slow(pattern: str) -> None:
    compiled = compile_pattern(pattern)
    begun = time.perf_counter()
    for value in ("a" * 100_000, "ab" * 50_000, "=" * 100_000):
        compiled.fullmatch(value)
    assert time.perf_counter() - begun < 1.0


# --- sets ----------------------------------------------------------------------------------------


@given(st.lists(st.one_of(st.integers(-3, 3), st.integers(-(1 << 63), (1 << 63) - 1)), max_size=60))
def test_values_beyond_memory_are_found_again(numbers: list[int]) -> None:
    values = Values(most=4)
    first: dict[int, int] = {}
    for owner, number in enumerate(numbers):
        assert values.add(number, owner) == first.setdefault(number, owner)
    assert all(number in values for number in numbers)
    assert (1 << 62) + 7 not in values or (1 << 62) + 7 in numbers
    values.close()


# --- speed ---------------------------------------------------------------------------------------


def test_five_rules_take_microseconds() -> None:
    """2 µs a row on a quiet machine (tests/bench/quality.py measures it); here only that nothing
    has become ten times slower."""
    made = ruleset(
        {"check": "required", "column": "c"},
        {"check": "id-card", "column": "c"},
        {"check": "length", "column": "m", "max": 50},
        {"check": "codes", "column": "n", "codes": ["1", "2"]},
        {"check": "range", "column": "i", "min": 0, "max": 120},
    )
    compiled = RowRules(made, SCHEMA, {}, TODAY)
    rows = [row(id=str(n), c=GOOD_ID, m="张三", n="1", i=n % 100) for n in range(5_000)]
    begun = time.perf_counter()
    assert not any(map(compiled.check, rows))
    assert (time.perf_counter() - begun) / len(rows) < 20e-6


def test_without_rules_nothing_is_called() -> None:
    assert isinstance(ruleset(), RuleSet)
    assert Rule(column="c", check="required").name == "required:c"
