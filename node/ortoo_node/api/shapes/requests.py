"""Share requests (申请) of the department that asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import MaxLen, MinLen

from ortoo_node.api.shapes.common import Base64, Closed, Code, Ms, Name, Text, Told


@dataclass(frozen=True)
class AttachmentGiven(Closed):
    """A scan: PDF, JPEG or PNG, at most 8 MiB; `content` in base64."""

    name: Name
    content: Base64


@dataclass(frozen=True)
class RequestGiven(Closed):
    """`resources`: a case for each, joined by one paper. `draft`: kept here until it is submitted.
    `items`: columns; none: all. `handler`, `approver`: who answers for it at the department."""

    resources: Annotated[list[Code], MinLen(1), MaxLen(50)]
    purpose: Name
    handler: Name
    approver: Name
    basis: Text = ""
    scenario: Text = ""
    items: Annotated[list[Name], MaxLen(500)] = field(default_factory=list)
    row_filter: Text = ""
    mode: Text = "系统对接"
    until_ms: Ms = 0
    contact: Text = ""
    attachments: Annotated[list[AttachmentGiven], MaxLen(8)] = field(default_factory=list)
    draft: bool = False


@dataclass(frozen=True)
class RequestMade(Told):
    """`joined`: the same was asked before and is open; that case goes on."""

    case: str
    provider: str
    state: str
    joined: bool


@dataclass(frozen=True)
class RequestsMade(Told):
    group: str
    cases: list[RequestMade]


@dataclass(frozen=True)
class RequestHead(Told):
    case: str
    role: str
    resource: str
    resource_name: str
    applicant: str
    department: str
    department_name: str
    provider: str
    purpose: str
    state: str
    opened_ms: int
    changed_ms: int
    grant: str | None
    reason: str
    group: str
    share_type: int


@dataclass(frozen=True)
class RequestsPage(Told):
    requests: list[RequestHead]
    next: str | None


@dataclass(frozen=True)
class RequestShown(Told):
    """`open`: what each side of this station may do now; `clocks`: what runs, and until when."""

    case: RequestHead
    application: dict[str, Any]
    attachments: list[dict[str, Any]]
    answer: dict[str, Any] | None
    events: list[dict[str, Any]]
    clocks: list[dict[str, Any]]
    open: dict[str, list[str]]


@dataclass(frozen=True)
class RequestMoved(Told):
    case: str
    state: str


@dataclass(frozen=True)
class WithdrawalGiven(Closed):
    reason: Name
    handler: Name


@dataclass(frozen=True)
class CompletionGiven(Closed):
    """What a returned request lacked. `changes`: fields of the application that are text."""

    note: Text = ""
    changes: dict[str, Text] = field(default_factory=dict)
    attachments: Annotated[list[AttachmentGiven], MaxLen(8)] = field(default_factory=list)


PaperName = Literal["application", "answer"]
