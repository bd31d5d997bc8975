"""Online queries (在线查询): what may be asked under a grant, and the answer page by page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from annotated_types import Ge, Le, MaxLen

from ortoo_node.api.shapes.common import Closed, Name, Told

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Parameter(Told):
    name: str
    title: str
    type: str
    length: int
    required: bool
    pattern: str
    choices: list[Any]


@dataclass(frozen=True)
class QueryOffered(Told):
    code: str
    name: str
    parameters: list[Parameter]
    columns: list[str]
    max_rows: int
    timeout_ms: int
    calls_a_minute: int
    calls_a_day: int


@dataclass(frozen=True)
class QueriesOffered(Told):
    grant: str
    queries: list[QueryOffered]


@dataclass(frozen=True)
class Question(Closed):
    """`handler`: who asks; `purpose`: as the grant names it."""

    purpose: Name
    handler: Name
    parameters: Annotated[dict[str, Value], MaxLen(200)] = field(default_factory=dict)
    page_rows: Annotated[int, Ge(1), Le(1_000)] = 1_000
    wait_s: Annotated[float, Ge(0.1), Le(60)] = 30.0


@dataclass(frozen=True)
class ColumnShown(Told):
    name: str
    type: str
    length: int


@dataclass(frozen=True)
class AnswerPage(Told):
    """`page` of `pages`, from 0. `reading`: under which the next is fetched; empty at the last.
    `cut`: why the answer is not the whole."""

    reading: str
    page: int
    pages: int
    columns: list[ColumnShown]
    rows: list[list[Any]]
    rows_in_all: int
    cut: str
