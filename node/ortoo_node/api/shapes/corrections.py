"""Corrections (校核): rows that the department doubts, and those of its own that others doubt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, MaxLen

from ortoo_node.api.shapes.common import MOST_MS, Base64, Closed, Id, Name, Text, Told


@dataclass(frozen=True)
class EvidenceGiven(Closed):
    """A file, at most 512 KiB; `content` in base64."""

    name: Name
    content: Base64


@dataclass(frozen=True)
class CorrectionGiven(Closed):
    """`key`, `seen`, `expected`: by column, as people write values. `found_ms`: when it was found;
    `by`: who found it."""

    grant: Id
    text: Name
    found_ms: Annotated[int, Ge(1), Le(MOST_MS)]
    by: Name
    about: Text = "doubtful"
    key: Annotated[dict[str, Text], MaxLen(50)] = field(default_factory=dict)
    seen: Annotated[dict[str, Text], MaxLen(200)] = field(default_factory=dict)
    expected: Annotated[dict[str, Text], MaxLen(200)] = field(default_factory=dict)
    evidence: EvidenceGiven | None = None


@dataclass(frozen=True)
class CorrectionAnswerGiven(Closed):
    """`outcome`: corrected, right, or passed with `source`, whose data they are."""

    outcome: Name
    reason: Name
    handler: Name
    approver: Name
    source: Text = ""
    text: Text = ""
    evidence: EvidenceGiven | None = None


@dataclass(frozen=True)
class ClosingGiven(Closed):
    by: Name
    reason: Text = ""


@dataclass(frozen=True)
class CorrectionHead(Told):
    correction: str
    grant: str
    resource: str
    provider: str
    provider_department: str
    reader: str
    reader_department: str
    about: str
    found_ms: int
    late: bool
    by: str
    opened_ms: int
    state: str
    outcome: str | None
    reason: str | None
    answered_ms: int | None
    how: str | None
    closed_ms: int | None
    due_ms: int | None
    clock: str


@dataclass(frozen=True)
class CorrectionsPage(Told):
    corrections: list[CorrectionHead]
    next: str | None


@dataclass(frozen=True)
class CorrectionShown(Told):
    """`detail`: the reader's words and values; `answer`: the provider's; None while they are not
    here. `open`: what this station may do next. `clocks`: of the provider's days."""

    correction: CorrectionHead
    notice: str
    article: str
    clocks: list[dict[str, Any]]
    open: list[str]
    events: list[dict[str, Any]]
    detail: dict[str, Any] | None
    answer: dict[str, Any] | None


Side = Literal["detail", "evidence"]
