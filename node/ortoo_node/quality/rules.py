"""The rules for a resource's items, as a department writes them down (核查规则).

    resource = "307001/000001"
    personal = ["household_no"]         # values that are kept nowhere but in the table itself

    [[rules]]
    column = "id_card"
    check = "id-card"                   # required unique length codes id-card credit-code
    severity = "reject"                 # range pattern reference; reject (default) or warn
    tolerance_percent = 0.5             # how many rows may fail before somebody has to mend them

A row that fails a `reject` rule does not leave; one that fails a `warn` rule leaves and is counted.
Only `required` looks at an empty value; every other rule lets it pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ortoo_node.quality.patterns import compile_pattern
from ortoo_protocol.core.catalog import Entry, Item
from ortoo_protocol.core.errors import QualityRule, RowsValue
from ortoo_protocol.core.feeds import Column, TableSchema
from ortoo_protocol.core.rows import checks

MAX_RULES = 200
MAX_CODES = 20_000
TODAY = "today"
Check = Literal[
    "required",
    "unique",
    "length",
    "codes",
    "id-card",
    "credit-code",
    "range",
    "pattern",
    "reference",
]
_TEXT = frozenset("CM")
_TYPES = {
    "length": _TEXT,
    "id-card": _TEXT,
    "credit-code": _TEXT,
    "pattern": frozenset("CMNY"),
    "codes": frozenset("CMNYIDTL"),
    "range": frozenset("NYIBFDT"),
    "unique": frozenset("CMNYIDT"),
    "reference": frozenset("CMNYIDT"),
}
# Which further fields a rule may have; every other one must be left out.
_FIELDS: dict[str, frozenset[str]] = {
    "length": frozenset(("min", "max")),
    "range": frozenset(("min", "max")),
    "codes": frozenset(("codes",)),
    "pattern": frozenset(("pattern", "examples")),
    "reference": frozenset(("resource", "source", "table", "item")),
}
_OPTIONAL = ("min", "max", "codes", "pattern", "examples", "resource", "source", "table", "item")
Bound = int | float | str


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rule; which of the optional fields it has depends on `check`."""

    column: str
    check: Check
    severity: Literal["reject", "warn"] = "reject"
    tolerance_percent: Annotated[float, msgspec.Meta(ge=0, lt=100)] = 0.0
    min: Bound | UnsetType = UNSET
    max: Bound | UnsetType = UNSET
    codes: tuple[str, ...] | UnsetType = UNSET
    pattern: str | UnsetType = UNSET
    examples: tuple[str, ...] | UnsetType = UNSET
    resource: str | UnsetType = UNSET
    source: str | UnsetType = UNSET
    table: str | UnsetType = UNSET
    item: str | UnsetType = UNSET

    @property
    def name(self) -> str:
        """What reports and tasks call it; one of a kind for a column."""
        return f"{self.check}:{self.column}"

    @property
    def code(self) -> str:
        """The stable code of a row that fails it."""
        return f"quality.{self.check}"


class RuleSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    resource: str
    rules: tuple[Rule, ...]
    personal: tuple[str, ...] = ()

    def hides(self, column: str) -> bool:
        """Whether values of `column` are personal data, which no reject may hold."""
        guarded = any(rule.column == column and rule.check == "id-card" for rule in self.rules)
        return guarded or column in self.personal


def read(given: Mapping[str, Any]) -> RuleSet:
    """The rules that a file describes, before they are held against an entry. Raises
    QualityRule."""
    try:
        return msgspec.convert(dict(given), RuleSet, strict=True)
    except msgspec.ValidationError as error:
        raise QualityRule(rule="-", detail=str(error)) from None


def check_rules(rules: RuleSet, entry: Entry) -> RuleSet:
    """Refuse rules that do not fit the items of the resource. Raises QualityRule."""
    if len(rules.rules) > MAX_RULES:
        raise QualityRule(rule="-", detail=f"more than {MAX_RULES} rules")
    items = {item.column: item for item in entry.items}
    unknown = {rule.column for rule in rules.rules} | set(rules.personal)
    unknown -= set(items)
    if unknown:
        named = [rule.name for rule in rules.rules if rule.column in unknown]
        detail = f"no such items: {', '.join(sorted(unknown))}"
        raise QualityRule(rule=", ".join(named) or "personal", detail=detail)
    names = [rule.name for rule in rules.rules]
    for rule in rules.rules:
        if names.count(rule.name) > 1:
            raise QualityRule(rule=rule.name, detail="it stands twice")
        _check_rule(rule, items[rule.column])
    return rules


def _check_rule(rule: Rule, item: Item) -> None:
    allowed = _TYPES.get(rule.check)
    if allowed is not None and item.type not in allowed:
        raise QualityRule(rule=rule.name, detail=f"not for an item of type {item.type}")
    given = {name for name in _OPTIONAL if getattr(rule, name) is not UNSET}
    surplus = given - _FIELDS.get(rule.check, frozenset())
    if surplus:
        raise QualityRule(rule=rule.name, detail=f"{', '.join(sorted(surplus))} has no place here")
    extra = {
        "length": _check_length,
        "range": _check_range,
        "codes": _check_codes,
        "pattern": _check_pattern,
        "reference": _check_reference,
    }.get(rule.check)
    if extra is not None:
        extra(rule, item)


def _check_length(rule: Rule, _item: Item) -> None:
    for bound in _bounds(rule):
        if type(bound) is not int or bound < 0:
            raise QualityRule(rule=rule.name, detail="min and max are whole numbers")
    _check_order(rule, *(None if b is UNSET else b for b in (rule.min, rule.max)))


def _bounds(rule: Rule) -> list[Bound]:
    found = [bound for bound in (rule.min, rule.max) if not isinstance(bound, UnsetType)]
    if not found:
        raise QualityRule(rule=rule.name, detail="it needs min or max")
    return found


def _check_order(rule: Rule, low: Any, high: Any) -> None:
    if low is not None and high is not None and low > high:
        raise QualityRule(rule=rule.name, detail="min is above max")


def _check_range(rule: Rule, item: Item) -> None:
    bounds = _bounds(rule)
    if item.type in "DT":
        for bound in bounds:
            if bound != TODAY:
                _check_value(rule, Column(item.column, "D", 0), bound)
        if TODAY not in bounds:
            _check_order(rule, *(None if b is UNSET else b for b in (rule.min, rule.max)))
        return
    _check_order(
        rule, *(None if isinstance(b, UnsetType) else number(rule, b) for b in (rule.min, rule.max))
    )


def number(rule: Rule, bound: Bound) -> Decimal:
    """A bound of a range of numbers, exactly as it was written."""
    try:
        made = Decimal(str(bound))
    except InvalidOperation:
        raise QualityRule(rule=rule.name, detail=f"{bound!r} is no number") from None
    if not made.is_finite():
        raise QualityRule(rule=rule.name, detail=f"{bound!r} is no number")
    return made


def _check_value(rule: Rule, column: Column, value: object) -> None:
    schema = TableSchema(number=1, columns=(column,), key=(column.name,))
    try:
        checks(schema)[0](value)
    except RowsValue as error:
        raise QualityRule(rule=rule.name, detail=f"{value!r} {error.facts['detail']}") from None


def _check_codes(rule: Rule, _item: Item) -> None:
    if isinstance(rule.codes, UnsetType) or not 1 <= len(rule.codes) <= MAX_CODES:
        raise QualityRule(rule=rule.name, detail=f"it needs 1 to {MAX_CODES} codes")


def _check_pattern(rule: Rule, _item: Item) -> None:
    if isinstance(rule.pattern, UnsetType):
        raise QualityRule(rule=rule.name, detail="it needs a pattern")
    try:
        compiled = compile_pattern(rule.pattern)
    except ValueError as error:
        raise QualityRule(rule=rule.name, detail=str(error)) from None
    for example in () if isinstance(rule.examples, UnsetType) else rule.examples:
        if compiled.fullmatch(example) is None:
            raise QualityRule(rule=rule.name, detail=f"the example {example!r} does not match")


def _check_reference(rule: Rule, _item: Item) -> None:
    has = {name for name in ("resource", "source", "table", "item") if getattr(rule, name)}
    has = {name for name in has if getattr(rule, name) is not UNSET}
    if has not in ({"resource", "item"}, {"source", "table", "item"}):
        raise QualityRule(
            rule=rule.name, detail="it needs resource and item, or source, table, item"
        )
