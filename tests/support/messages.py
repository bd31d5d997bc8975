"""Finds the texts that people read, for Babel: ``pybabel extract -F protocol/babel.cfg``.

English texts stand where they are used: in the error tree, in the commands' docstrings and helps,
in headings, labels and sentences. This knows those places, so that none needs a mark of its own.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Collection, Iterator, Mapping
from typing import IO

import jinja2
from jinja2 import nodes

_FIRST_ARGUMENT = frozenset(("application", "line", "long_call", "mark", "say", "word", "_"))
_SECOND_ARGUMENT = frozenset(("done",))
# Where a detail is a whole text for people, and not a term of the protocol for the journal.
_DETAILED = (
    "core/accounts/passwords.py",
    "core/cases/bodies.py",
    "core/demands.py",
    "ortoo_hub/demands.py",
    "cli/printing.py",
    "station/accounts/keeping.py",
    "station/cases/attachments.py",
    "ortoo_node/methods/requests.py",
    "core/catalog/codes.py",
    "ortoo_node/catalog/changes.py",
    "core/catalog/intake.py",
    "core/catalog/law.py",
    "core/law/profiles.py",
    "core/grants.py",
    "core/masks.py",
    "core/supervision/half_years.py",
    "core/supervision/notices.py",
    "core/supervision/scores.py",
    "core/supervision/submissions.py",
    "station/keyfile.py",
    "station/settings.py",
    "ortoo_hub/settings.py",
    "ortoo_node/folders.py",
    "ortoo_node/settings.py",
    "ortoo_node/quality/rules.py",
)
_LISTS = frozenset(("WORDS", "LIBRARY"))
_TEMPLATES = frozenset(("what", "cure"))
Message = tuple[int, None, str, list[str]]


def extract(
    file: IO[bytes],
    keywords: Mapping[str, object],
    comment_tags: Collection[str],
    options: Mapping[str, object],
) -> Iterator[Message]:
    """Babel's extraction protocol: (line, function name, text, comments) for each text."""
    detailed = str(getattr(file, "name", "")).endswith(_DETAILED)
    for node in ast.walk(ast.parse(file.read())):
        for text in (*_texts(node), *(_details(node) if detailed else ())):
            if any(character.isalpha() for character in text):
                yield getattr(node, "lineno", 1), None, text, []


def extract_page(
    file: IO[bytes],
    keywords: Mapping[str, object],
    comment_tags: Collection[str],
    options: Mapping[str, object],
) -> Iterator[Message]:
    """The same for templates of pages: what `t` and `word` say there."""
    for call in (
        jinja2.Environment(autoescape=True).parse(file.read().decode()).find_all(nodes.Call)
    ):
        if isinstance(call.node, nodes.Name) and call.node.name in ("t", "word") and call.args:
            for text in _said(call.args[0]):
                yield call.lineno, None, text, []


def _said(node: nodes.Expr) -> Iterator[str]:
    match node:
        case nodes.Const(value=str(text)):
            yield text
        case nodes.CondExpr(expr1=one, expr2=other):
            yield from _said(one)
            if other is not None:
                yield from _said(other)


def _texts(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in _TEMPLATES:
            yield from _constant(value)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if (
            name in _TEMPLATES
        ):
            yield from _constant(value)
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Tuple(elts=all_)) if name in _LISTS:
            for one in all_:
                yield from _constant(one)
        case ast.FunctionDef(decorator_list=decorators) if any(map(_is_command, decorators)):
            yield inspect.cleandoc(ast.get_docstring(node) or "")
        case ast.Call():
            yield from _in_call(node)


def _details(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Assign(targets=[ast.Name(id="detail")], value=value):
            yield from _constant(value)
        case ast.keyword(arg="detail" | "article", value=value):
            yield from _constant(value)


def _is_command(decorator: ast.expr) -> bool:
    match decorator:
        case ast.Call(func=ast.Attribute(attr="command")):
            return True
    return False


def _in_call(call: ast.Call) -> Iterator[str]:
    for keyword in call.keywords:
        if keyword.arg == "help":
            yield from _constant(keyword.value)
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name in _FIRST_ARGUMENT and call.args:
        yield from _constant(call.args[0])
    if name in _SECOND_ARGUMENT and len(call.args) > 1:
        yield from _constant(call.args[1])
    if name == "table" and call.args and isinstance(call.args[0], ast.Tuple):
        for heading in call.args[0].elts:
            yield from _constant(heading)
    if name == "facts" and call.args and isinstance(call.args[0], ast.List):
        for pair in call.args[0].elts:
            if isinstance(pair, ast.Tuple):
                yield from _constant(pair.elts[0])


def _constant(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=other):
            yield from _constant(body)
            yield from _constant(other)
