"""Remove a named defence, to show that a test stands or falls with it.

An attack is a function that carries the attack out from beginning to end and returns when it
succeeded. `stands_by` asserts that it is refused, and that it succeeds once the named defences
are gone. So a test of an attack that nothing defends against, or that is refused for another
reason, fails.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import deepcopy
from types import CodeType, FunctionType
from typing import Any
from unittest import mock

import pytest

from ortoo_protocol.core.errors import OrtooError

Removal = Callable[[], AbstractContextManager[object]]
_TREE = "_mutated_tree"


def stands_by(
    attack: Callable[[], object], refused: type[OrtooError] | str, *defences: Removal
) -> None:
    """`attack` is refused with `refused`; without all of `defences` it succeeds.

    Defence in depth: with all but one of them removed it is still refused, by whichever is left.
    """
    assert_refused(attack, refused)
    for kept in range(len(defences)) if len(defences) > 1 else ():
        with _without([each for place, each in enumerate(defences) if place != kept]):
            assert_refused(attack, OrtooError)
    with _without(list(defences)):
        attack()


def assert_refused(attack: Callable[[], object], refused: type[OrtooError] | str) -> None:
    with pytest.raises(OrtooError) as caught:
        attack()
    if isinstance(refused, str):
        assert caught.value.code == refused
    else:
        assert isinstance(caught.value, refused)


@contextmanager
def _without(defences: Iterable[Removal]) -> Iterator[None]:
    with ExitStack() as stack:
        for each in defences:
            stack.enter_context(each())
        yield


def together(*removals: Removal) -> Removal:
    """Removals that are one defence."""
    return lambda: _without(removals)


def replaced(owner: object, name: str, value: Any) -> Removal:
    """`owner.name` is `value`."""
    return lambda: mock.patch.object(owner, name, value)


def removed(function: Callable[..., object], what: str) -> Removal:
    """Every `raise what(…)` and `return what` in `function` becomes `pass`.

    `what` is as the source writes it: ``"EnvelopeSender"``, ``"Verdict.GAP"``. The function keeps
    its identity, so every module that imported it runs the mutated one.
    """
    function = getattr(function, "__func__", function)  # of a class method
    assert isinstance(function, FunctionType)

    @contextmanager
    def without() -> Iterator[None]:
        original, tree = function.__code__, _tree(function)
        remover = _Remover(what)
        mutant = ast.fix_missing_locations(remover.visit(deepcopy(tree)))
        if not remover.count:
            raise LookupError(f"{function.__qualname__} has no {what}")
        function.__code__, function.__dict__[_TREE] = _code(mutant, function), mutant
        try:
            yield
        finally:
            function.__code__, function.__dict__[_TREE] = original, tree

    return without


class _Remover(ast.NodeTransformer):
    def __init__(self, what: str) -> None:
        self.what = what
        self.count = 0

    def _drop(self, node: ast.stmt, value: ast.expr | None) -> ast.stmt:
        if isinstance(value, ast.Call):
            value = value.func
        if value is None or ast.unparse(value) != self.what:
            return node
        self.count += 1
        return ast.copy_location(ast.Pass(), node)

    def visit_Raise(self, node: ast.Raise) -> ast.stmt:
        return self._drop(node, node.exc)

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        return self._drop(node, node.value)


def _tree(function: FunctionType) -> ast.Module:
    """As the function is now: it may have lost something already."""
    found = function.__dict__.get(_TREE)
    return found or ast.parse(textwrap.dedent(inspect.getsource(function)))


def _code(tree: ast.Module, function: FunctionType) -> CodeType:
    scope: dict[str, Any] = {}
    code = compile("from __future__ import annotations\n" + ast.unparse(tree), "<mutated>", "exec")
    exec(code, function.__globals__, scope)  # noqa: S102 - the module's own source, one line less
    made = scope[function.__name__]
    return getattr(made, "__func__", made).__code__  # type: ignore[no-any-return]
