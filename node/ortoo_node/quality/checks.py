"""Rules compiled for rows of one schema: what the gate calls for each row, and a report's tally."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import UnsetType

from ortoo_node.quality.numbers import is_credit_code, is_id_card
from ortoo_node.quality.patterns import compile_pattern
from ortoo_node.quality.rules import TODAY, Bound, Rule, RuleSet, number
from ortoo_node.quality.sets import Values, owner_of
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.feeds import Column, TableSchema
from ortoo_protocol.core.row_codec import key_picker
from ortoo_protocol.core.rows import CIVIL_ZONE

Row = Sequence[Scalar]
Test = Callable[[Any], bool]  # of a value: whether it is wrong
Quick = Callable[[Sequence[Any]], bool]  # of a column: whether all of it is right, in few steps
Made = tuple[Test, Quick]
Wrong = tuple[str, str]


class RowRules:
    """The rules of a resource at work.

    `sets`: for each `unique` and `reference` rule the values it looks among. `today`: the civil
    date, YYYY-MM-DD. `warned`: for each `warn` rule how many rows it found since. A rule on a
    column that the schema lacks is passed over: the entry has changed since.
    """

    def __init__(
        self, rules: RuleSet, schema: TableSchema, sets: Mapping[str, Values], today: str
    ) -> None:
        places = {column.name: place for place, column in enumerate(schema.columns)}
        self.rules = tuple(rule for rule in rules.rules if rule.column in places)
        self.warned = dict.fromkeys((r.name for r in self.rules if r.severity == "warn"), 0)
        self._key_of = key_picker(schema)
        self._sets = sets
        columns = {column.name: column for column in schema.columns}
        made = [
            (places[rule.column], _test(rule, columns[rule.column], sets, today), rule)
            for rule in self.rules
        ]
        self._values = [
            (place, test[0], (rule.code, rule.column), rule) for place, test, rule in made if test
        ]
        self._quick = [(place, test[1]) for place, test, _ in made if test]
        # A value that another rule keeps back is not taken: so these come last.
        self._unique = [
            (places[rule.column], sets[rule.name], (rule.code, rule.column), rule)
            for rule in self.rules
            if rule.check == "unique"
        ]
        self._rejecting = [each[:3] for each in self._values if each[3].severity == "reject"]
        self._warning = [(p, t, r.name) for p, t, _, r in self._values if r.severity == "warn"]

    def all_pass(self, rows: Sequence[tuple[Scalar, ...]]) -> bool:
        """Whether all `rows` pass every rule, looked at a column at a time; then they count as
        checked. False says only that each has to be looked at (`check`)."""
        if not rows:
            return True
        if not all(quick([row[place] for row in rows]) for place, quick in self._quick):
            return False
        if not self._unique:
            return True
        columns = [[row[place] for row in rows] for place, *_ in self._unique]
        sets = [values for _, values, *_ in self._unique]
        for column, values in zip(columns, sets, strict=True):
            if None in column or not values.lacks_all(column):
                return False
        owners = list(map(owner_of, map(self._key_of, rows)))
        for column, values in zip(columns, sets, strict=True):
            values.add_all(column, owners)
        return True

    def check(self, row: Row) -> Wrong | None:
        """What keeps `row` from leaving; the gate's RowCheck."""
        for place, test, wrong in self._rejecting:
            if test(row[place]):
                return wrong
        if self._unique:
            for place, values, wrong, rule in self._unique:
                if self._is_taken(row, place, values):
                    if rule.severity == "reject":
                        return wrong
                    self.warned[rule.name] += 1
        for place, test, name in self._warning:
            if test(row[place]):
                self.warned[name] += 1
        return None

    def failing(self, row: Row) -> list[Rule]:
        """Every rule that `row` fails, for a report."""
        found = [rule for place, test, _, rule in self._values if test(row[place])]
        return found + [
            rule for place, values, _, rule in self._unique if self._is_taken(row, place, values)
        ]

    def _is_taken(self, row: Row, place: int, values: Values) -> bool:
        value = row[place]
        if value is None:
            return False
        owner = owner_of(self._key_of(tuple(row)))
        return values.add(value, owner) != owner


def _test(
    rule: Rule, column: Column, sets: Mapping[str, Values], today: str
) -> tuple[Test, Quick] | None:
    if rule.check == "required":
        return _is_empty, _none_empty
    if rule.check == "unique":
        return None
    test, quick = _MAKERS[rule.check](rule, column, sets.get(rule.name), today)

    def present(value: Scalar) -> bool:
        return value is not None and test(value)

    def all_present(values: Sequence[Scalar]) -> bool:
        there = [value for value in values if value is not None] if None in values else values
        return not there or quick(there)

    return present, all_present


def _is_empty(value: Scalar) -> bool:
    return value is None or (type(value) is str and not value.strip())


def _none_empty(values: Sequence[Scalar]) -> bool:
    if None in values:
        return False
    return type(values[0]) is not str or all(map(str.strip, values))  # type: ignore[arg-type]


def _length(rule: Rule, _column: Column, _values: Values | None, _today: str) -> Made:
    least = 0 if isinstance(rule.min, UnsetType) else int(rule.min)
    most = 1 << 62 if isinstance(rule.max, UnsetType) else int(rule.max)

    def quick(values: Sequence[Any]) -> bool:
        lengths = set(map(len, values))
        return least <= min(lengths) and max(lengths) <= most

    return (lambda value: not least <= len(value) <= most), quick


def _codes(rule: Rule, column: Column, _values: Values | None, _today: str) -> Made:
    codes = frozenset(() if isinstance(rule.codes, UnsetType) else rule.codes)
    if column.type == "I":
        return (lambda v: str(v) not in codes), (lambda vs: codes.issuperset(map(str, vs)))
    return (lambda value: value not in codes), codes.issuperset


def _id_card(_rule: Rule, _column: Column, _values: Values | None, _today: str) -> Made:
    return (lambda value: not is_id_card(value)), (lambda values: all(map(is_id_card, values)))


def _credit_code(_rule: Rule, _column: Column, _values: Values | None, _today: str) -> Made:
    return (
        (lambda value: not is_credit_code(value)),
        (lambda values: all(map(is_credit_code, values))),
    )


def _pattern(rule: Rule, _column: Column, _values: Values | None, _today: str) -> Made:
    matches = compile_pattern(str(rule.pattern)).fullmatch
    return (lambda value: matches(value) is None), (lambda values: all(map(matches, values)))


def _reference(_rule: Rule, column: Column, values: Values | None, _today: str) -> Made:
    among = Values() if values is None else values
    if column.type == "I":
        return (lambda v: str(v) not in among), (lambda vs: among.has_all(map(str, vs)))
    return (lambda value: value not in among), among.has_all


def _range(rule: Rule, column: Column, _values: Values | None, today: str) -> Made:
    low = None if isinstance(rule.min, UnsetType) else rule.min
    high = None if isinstance(rule.max, UnsetType) else rule.max
    read, bound = _READERS[column.type]
    least = None if low is None else bound(rule, today if low == TODAY else low)
    most = None if high is None else bound(rule, today if high == TODAY else high)

    def test(value: Any) -> bool:
        found = read(value)
        return (least is not None and found < least) or (most is not None and found > most)

    def quick(values: Sequence[Any]) -> bool:
        found = values if read is _same else list(map(read, values))
        return (least is None or min(found) >= least) and (most is None or max(found) <= most)

    return test, quick


def _same(value: Any) -> Any:
    return value


def _day(_rule: Rule, bound: Bound) -> str:
    return str(bound)


def _civil_day(moment: str) -> str:
    """The day of a moment where it is read: 北京时间."""
    if len(moment) in (19, 26):
        return moment[:10]
    return datetime.fromisoformat(moment).astimezone(CIVIL_ZONE).date().isoformat()


_READERS: dict[str, tuple[Callable[[Any], Any], Callable[[Rule, Bound], Any]]] = {
    "I": (_same, number),
    **dict.fromkeys("NY", (Decimal, number)),
    **dict.fromkeys("BF", (_same, number)),
    "D": (_same, _day),
    "T": (_civil_day, _day),
}
_MAKERS: dict[str, Callable[[Rule, Column, Values | None, str], Made]] = {
    "length": _length,
    "codes": _codes,
    "id-card": _id_card,
    "credit-code": _credit_code,
    "pattern": _pattern,
    "reference": _reference,
    "range": _range,
}
