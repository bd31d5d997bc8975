"""What the check of a bundle of evidence (evidence_check.py) found, for whoever says it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ortoo_protocol.core.envelope import Header
from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.core.evidence import Evidence
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.journal import OpenedCheckpoint, Row

# What is known of the message that a row is about.
SIGNED, NOT_KEPT, NO_MESSAGE, BROKEN = "signed", "not-kept", "no-message", "broken"
WHOLE, ABSENT = "whole", "absent"


@dataclass(frozen=True)
class Finding:
    """What does not hold, and in which file."""

    file: str
    error: OrtooError


@dataclass(frozen=True)
class CheckedRow:
    """`signature`: SIGNED by `sender`, or why that cannot be said; `message`: WHOLE or ABSENT."""

    row: Row
    header: Header | None
    signature: str
    message: str


@dataclass(frozen=True)
class CheckedGrant:
    """`by_letter`: its provider signed the letter that brought these terms."""

    terms: GrantTerms
    by_letter: bool


@dataclass(frozen=True)
class CheckedOpening:
    row: int
    sender: str
    feed: str
    item: int
    index: int
    count: int
    values: object


@dataclass
class Report:
    """What holds, and what does not (`findings`; none: everything holds)."""

    evidence: Evidence
    roots: int = 0
    directories: tuple[int, ...] = ()
    checkpoints: list[OpenedCheckpoint] = field(default_factory=list)
    rows: list[CheckedRow] = field(default_factory=list)
    grants: list[CheckedGrant] = field(default_factory=list)
    openings: list[CheckedOpening] = field(default_factory=list)
    chained: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
