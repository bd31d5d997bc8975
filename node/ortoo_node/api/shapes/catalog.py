"""The catalog: entries found, one entry whole, drafts of own ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ortoo_node.api.shapes.common import Closed, Name, Text, Told
from ortoo_node.api.shapes.problems import Trouble


@dataclass(frozen=True)
class EntryFound(Told):
    code: str
    version: int
    name: str
    provider: str
    provider_name: str
    department: str
    department_name: str
    share_type: int
    cycle: str
    items: int
    status: str
    feed: str
    freshness: str
    carried_ms: int | None
    carried_seq: int


@dataclass(frozen=True)
class EntriesPage(Told):
    """`next`: the cursor of the next page; None at the last."""

    entries: list[EntryFound]
    total: int
    next: str | None


@dataclass(frozen=True)
class EntryShown(Told):
    """`entry`: every field of the resource as it was published; SPEC.md describes them."""

    entry: dict[str, Any]
    provider_name: str
    accepted_ms: int | None
    number: int


@dataclass(frozen=True)
class FieldProblem(Told):
    """What has to be mended: `item` is the place of the information item, from 0."""

    field: str
    item: int | None
    error: Trouble


@dataclass(frozen=True)
class DraftHead(Told):
    draft: str
    code: str
    version: int
    name: str
    department: str
    compiled_by: str
    filed: str
    created_ms: int
    changed_ms: int
    state: str
    share_type: int


@dataclass(frozen=True)
class DraftSaved(Told):
    draft: DraftHead
    problems: list[FieldProblem]


@dataclass(frozen=True)
class DraftsPage(Told):
    drafts: list[DraftHead]
    next: str | None


@dataclass(frozen=True)
class DraftShown(Told):
    draft: DraftHead
    entry: dict[str, Any]
    steps: list[dict[str, Any]]
    next: list[Any]
    problems: list[FieldProblem]


@dataclass(frozen=True)
class DraftGiven(Closed):
    """`entry`: as an entry file has it, without names of people; `by`: who compiled it."""

    entry: dict[str, Any]
    by: Name
    why: Text = ""


@dataclass(frozen=True)
class EntryGiven(Closed):
    """To be checked without being kept."""

    entry: dict[str, Any]


@dataclass(frozen=True)
class Checked(Told):
    problems: list[FieldProblem] = field(default_factory=list)
