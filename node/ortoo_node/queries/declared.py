"""A declared query: what a department lets others ask, as its people wrote it in a file.

    code = "dibao-by-household"
    name = "按家庭编号查低保"
    resource = "307001/000001"
    source = "civil-affairs"            # of the settings; or kind = "http" and service = "…"
    sql = "SELECT household_no, persons FROM dibao WHERE household_no = :household_no"

    [[parameters]]
    name = "household_no"
    type = "C"                          # as of a catalog item
    length = 20
    pattern = "[0-9]{6,20}"

    [[columns]]
    column = "household_no"             # as the answer has it (http: a JSON pointer in the row)
    item = "household_no"               # catalog item: what a grant names

A grant's items choose among the columns, so what is not tied to an item never leaves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from ortoo_node.quality.patterns import compile_pattern
from ortoo_node.queries import statement
from ortoo_protocol.core.catalog import ITEM_TYPES, Entry
from ortoo_protocol.core.errors import QueryDeclaration
from ortoo_protocol.core.feeds import Column
from ortoo_protocol.core.queries import MAX_PARAMETERS, ParameterRule, QuerySignature

MOST_ROWS = 100_000
MOST_BYTES = 32 << 20
MOST_TIMEOUT_MS = 120_000
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_PLACE = re.compile(r"\{([^{}]*)\}")
_UNUSED = frozenset("?#\\{}")


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Parameter(_Part, frozen=True):
    name: str
    title: str = ""
    type: str = "C"
    length: int = 0
    required: bool = True
    pattern: str = ""
    choices: tuple[str, ...] = ()


class AnswerColumn(_Part, frozen=True):
    column: str
    item: str = ""

    @property
    def named(self) -> str:
        return self.item or self.column


class Http(_Part, frozen=True):
    """How a service is called. `path` names parameters as ``{name}``; `query` and `body` map the
    service's names to parameters. `rows`: JSON pointer (RFC 6901) to the list, or to one object."""

    method: Literal["GET", "POST"] = "GET"
    path: str = "/"
    query: dict[str, str] = {}
    body: dict[str, str] = {}
    rows: str = ""


class Declaration(_Part, frozen=True):
    code: str
    name: str
    resource: str
    kind: Literal["sql", "http"] = "sql"
    source: str = ""
    sql: str = ""
    service: str = ""
    http: Http | None = None
    parameters: tuple[Parameter, ...] = ()
    columns: tuple[AnswerColumn, ...] = ()
    max_rows: int = 1_000
    max_bytes: int = 8 << 20
    timeout_ms: int = 5_000
    calls_a_minute: int = 60
    calls_a_day: int = 10_000
    at_once: int = 4  # what of it runs beside each other; a slow query holds up itself alone


def read(given: Mapping[str, Any]) -> Declaration:
    """Raises QueryDeclaration."""
    try:
        return check(msgspec.convert(given, Declaration, strict=True))
    except msgspec.ValidationError as error:
        raise QueryDeclaration(detail=str(error)) from None


def check(declared: Declaration) -> Declaration:
    """What can be judged without catalog and settings. Raises QueryDeclaration."""
    if not _CODE.fullmatch(declared.code):
        raise QueryDeclaration(detail="code: lower-case letters, digits and -")
    if not 1 <= len(declared.name) <= 200:
        raise QueryDeclaration(detail="name: 1 to 200 characters")
    _check_limits(declared)
    _check_parameters(declared.parameters)
    names = [each.named for each in declared.columns]
    if not names or len(set(names)) != len(names):
        raise QueryDeclaration(detail="columns: at least one, and each item once")
    if declared.kind == "sql":
        if not declared.source or not declared.sql or declared.service or declared.http:
            raise QueryDeclaration(detail="a query of kind sql has source and sql alone")
        used = statement.check(declared.sql)
    else:
        used = _check_http(declared)
    known = {each.name for each in declared.parameters}
    if used != known:
        wrong = ", ".join(sorted(used ^ known))
        raise QueryDeclaration(detail=f"declared or used, not both: {wrong}")
    return declared


def _check_limits(declared: Declaration) -> None:
    for field, most in (
        ("max_rows", MOST_ROWS),
        ("max_bytes", MOST_BYTES),
        ("timeout_ms", MOST_TIMEOUT_MS),
        ("calls_a_minute", 1_000_000),
        ("calls_a_day", 1_000_000_000),
        ("at_once", 32),
    ):
        if not 1 <= getattr(declared, field) <= most:
            raise QueryDeclaration(detail=f"{field}: 1 to {most}")


def _check_parameters(parameters: tuple[Parameter, ...]) -> None:
    if len(parameters) > MAX_PARAMETERS or len({each.name for each in parameters}) != len(
        parameters
    ):
        raise QueryDeclaration(detail="parameters: too many, or one stands twice")
    for each in parameters:
        if not _NAME.fullmatch(each.name) or each.type not in ITEM_TYPES - {"G"}:
            raise QueryDeclaration(detail=f"parameter {each.name[:63]!r}: its name or type")
        if each.length < 0:
            raise QueryDeclaration(detail=f"parameter {each.name}: its length")
        try:
            if each.pattern:
                compile_pattern(each.pattern)
        except ValueError as error:
            raise QueryDeclaration(detail=f"pattern of {each.name}: {error}") from None


def _check_http(declared: Declaration) -> set[str]:
    """Returns the parameters that the call uses."""
    call = declared.http
    if not declared.service or call is None or declared.source or declared.sql:
        raise QueryDeclaration(detail="a query of kind http has service and http alone")
    if call.method == "GET" and call.body:
        raise QueryDeclaration(detail="GET has no body")
    literal = _PLACE.sub("", call.path)
    if not call.path.startswith("/") or _UNUSED & set(literal) or not literal.isprintable():
        raise QueryDeclaration(detail="path: begins with /, without ? # \\ and single braces")
    if {".", ".."} & set(literal.split("/")) or "//" in call.path or " " in literal:
        raise QueryDeclaration(detail="path: no empty segments, no . or ..")
    for pointer in (call.rows, *(each.column for each in declared.columns)):
        if pointer and not pointer.startswith("/"):
            raise QueryDeclaration(detail=f"{pointer!r} is no JSON pointer")
    placed = set(_PLACE.findall(call.path))
    optional = {each.name for each in declared.parameters if not each.required}
    if placed & optional:
        raise QueryDeclaration(detail="parameters in the path are required")
    if any(not each.item for each in declared.columns):
        raise QueryDeclaration(detail="each column of a service names its item")
    return placed | set(call.query.values()) | set(call.body.values())


def check_items(declared: Declaration, entry: Entry) -> None:
    """Each column is tied to an item of the resource. Raises QueryDeclaration."""
    items = {item.column for item in entry.items}
    missing = [each.named for each in declared.columns if each.named not in items]
    if missing:
        raise QueryDeclaration(detail=f"{entry.code} has no items {', '.join(missing)}")


def columns(declared: Declaration, entry: Entry) -> tuple[Column, ...]:
    """Typed as the catalog says, in the order of the declaration; items that the entry no longer
    has are left out."""
    items = {item.column: item for item in entry.items}
    found = (items.get(each.named) for each in declared.columns)
    return tuple(Column(item.column, item.type, item.length) for item in found if item is not None)


def signature(declared: Declaration, shown: tuple[Column, ...]) -> QuerySignature:
    """`shown`: the columns that the grant leaves."""
    return QuerySignature(
        code=declared.code,
        name=declared.name,
        parameters=tuple(
            ParameterRule(
                each.name, each.title, each.type, each.length, each.required, each.pattern,
                each.choices,
            )
            for each in declared.parameters
        ),
        columns=shown,
        max_rows=declared.max_rows,
        timeout_ms=declared.timeout_ms,
        calls_a_minute=declared.calls_a_minute,
        calls_a_day=declared.calls_a_day,
    )  # fmt: skip
