"""Parameters that came with an ask, made the values that are bound.

Text is taken for every type, since command lines know no other; it must be the exact form of the
type. Errors name the parameter and the rule, never the value: it may be an identity number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ortoo_node.quality.patterns import compile_pattern
from ortoo_node.queries.declared import Declaration, Parameter
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import QueryParameter, RowsValue
from ortoo_protocol.core.feeds import Column
from ortoo_protocol.core.rows import optional_checks

Binder = Callable[[Mapping[str, Scalar]], dict[str, Scalar]]
_TRUTHS: Mapping[str, bool] = {"true": True, "false": False, "1": True, "0": False}


def binder(declared: Declaration) -> Binder:
    """Compiled once for a declaration. Calls raise QueryParameter."""
    takers = {each.name: _taker(each) for each in declared.parameters}

    def bind(given: Mapping[str, Scalar]) -> dict[str, Scalar]:
        unknown = set(given) - set(takers)
        if unknown:
            raise QueryParameter(detail=f"{min(unknown)[:63]} is not one of this query")
        return {name: take(given.get(name)) for name, take in takers.items()}

    return bind


def _taker(rule: Parameter) -> Callable[[Scalar], Scalar]:
    (check,) = optional_checks((Column(rule.name, rule.type, rule.length),))
    pattern = compile_pattern(rule.pattern) if rule.pattern else None
    choices = frozenset(rule.choices)

    def take(value: Scalar) -> Scalar:
        if value is None or value == "":
            if rule.required:
                raise QueryParameter(detail=f"{rule.name} is missing")
            return None
        try:
            taken = check(_typed(rule.type, value))
        except (RowsValue, ValueError) as error:
            said = error.facts["detail"] if isinstance(error, RowsValue) else "has another form"
            raise QueryParameter(detail=f"{rule.name} (type {rule.type}) {said}") from None
        if pattern is not None and not pattern.fullmatch(str(taken)):
            raise QueryParameter(detail=f"{rule.name} does not have the form {rule.pattern}")
        if choices and str(taken) not in choices:
            raise QueryParameter(detail=f"{rule.name} is none of its codes")
        return taken

    return take


def _typed(kind: str, value: Scalar) -> object:
    """Raises ValueError. int() and float() take spaces, underscores and other scripts' digits."""
    if type(value) is not str:
        return str(value) if kind in "NY" and type(value) is int else value
    if kind == "I":
        if not value.removeprefix("-").isascii() or not value.removeprefix("-").isdigit():
            raise ValueError
        return int(value) if len(value) <= 20 else value
    if kind in "BF":
        if not set(value) <= set("+-.0123456789eE"):
            raise ValueError
        return float(value)
    if kind == "L":
        return _TRUTHS.get(value, value)
    return value
