"""Written notices (书面通报, 限期整改, art. 36): the letters, and the machine as one table.

The authority's order is the order: each move has a place in the notice's history, and of two moves
that cross the authority's stands. The other is refused, and its maker's side takes it back.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ortoo_protocol.core.codec import Count, Packed, Shape
from ortoo_protocol.core.errors import SupervisionField, SupervisionMove, SupervisionReason
from ortoo_protocol.core.grants import check_id, check_texts
from ortoo_protocol.core.ids import Digest, HexId, PartyId, check_department, check_party
from ortoo_protocol.core.law.instants import check_times
from ortoo_protocol.core.supervision.law import Violation

MAX_EVIDENCE = 200
MAX_NUMBER_CHARACTERS = 100
MAX_DAYS = 366


class Evidence(Packed, frozen=True):
    """What proves a matter: the leaf of the authority's journal (number and hash), the letter or
    item it is about (envelope id, hash of its body); without a leaf (`hash` empty) a row of the
    authority's own records, named by kind and ref. `leaf` counts only beside a hash."""

    kind: str
    ref: str
    time_ms: Count
    detail: str
    leaf: Count
    hash: Digest
    envelope: bytes
    body_hash: Digest


class NoticeIssued(Shape, frozen=True):
    """书面通报: what was found, what is to be mended, in how many working days. `department` empty:
    to the league as a whole. `number`: its 文号. `due_ms`: end of the last day."""

    notice: HexId
    number: str
    party: PartyId
    department: str
    violation: Count
    article: str
    title: str
    found: str
    demands: str
    days: Count
    due_ms: Count
    leads: tuple[HexId, ...]
    evidence: tuple[Evidence, ...]
    handler: str
    approver: str


class NoticeMoved(Shape, frozen=True):
    """What happened next. `place`: in the notice's history, which begins with its issue, 0."""

    notice: HexId
    place: Count
    event: str
    text: str
    handler: str
    approver: str


class State(enum.Enum):
    ISSUED = "issued"
    ACKNOWLEDGED = "acknowledged"
    ANSWERED = "answered"
    RETURNED = "returned"
    VERIFIED = "verified"
    ESCALATED = "escalated"
    REVOKED = "revoked"


class Event(enum.Enum):
    ISSUE = "issue"
    ACKNOWLEDGE = "acknowledge"  # 签收
    ANSWER = "answer"  # 整改报告: what was mended
    RETURN = "return"  # not mended yet, with the reason
    VERIFY = "verify"  # 销号
    ESCALATE = "escalate"  # 提级: to who stands above
    REVOKE = "revoke"  # it should not have been issued


class Side(enum.Enum):
    AUTHORITY = "authority"
    SUBJECT = "subject"


@dataclass(frozen=True)
class Duty:
    """Whose move it is, whether it needs a text, and another person to approve it."""

    side: Side
    text: bool = True
    approved: bool = True


_S, _E = State, Event
_OPEN = (_S.ISSUED, _S.ACKNOWLEDGED, _S.ANSWERED, _S.RETURNED, _S.ESCALATED)

# Everything that affects the machine stands here; what is not listed is refused.
MOVES: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (_S.ISSUED, _E.ACKNOWLEDGE): _S.ACKNOWLEDGED,
        (_S.ISSUED, _E.ANSWER): _S.ANSWERED,
        (_S.ACKNOWLEDGED, _E.ANSWER): _S.ANSWERED,
        (_S.RETURNED, _E.ANSWER): _S.ANSWERED,
        (_S.ESCALATED, _E.ANSWER): _S.ANSWERED,
        (_S.ANSWERED, _E.RETURN): _S.RETURNED,
        (_S.ANSWERED, _E.VERIFY): _S.VERIFIED,
        (_S.ISSUED, _E.ESCALATE): _S.ESCALATED,
        (_S.ACKNOWLEDGED, _E.ESCALATE): _S.ESCALATED,
        (_S.ANSWERED, _E.ESCALATE): _S.ESCALATED,
        (_S.RETURNED, _E.ESCALATE): _S.ESCALATED,
        **{(state, _E.REVOKE): _S.REVOKED for state in _OPEN},
    }
)
DUTIES: Mapping[Event, Duty] = MappingProxyType(
    {
        _E.ISSUE: Duty(Side.AUTHORITY),
        _E.ACKNOWLEDGE: Duty(Side.SUBJECT, text=False, approved=False),
        _E.ANSWER: Duty(Side.SUBJECT),
        _E.RETURN: Duty(Side.AUTHORITY, approved=False),
        _E.VERIFY: Duty(Side.AUTHORITY),
        _E.ESCALATE: Duty(Side.AUTHORITY),
        _E.REVOKE: Duty(Side.AUTHORITY),
    }
)
SETTLED = frozenset((_S.VERIFIED, _S.REVOKED))


@dataclass(frozen=True)
class Step:
    """One move as it was taken; `time_ms` by the authority's clock."""

    event: Event
    time_ms: int


def move(state: State, event: Event) -> State:
    """The state after `event`. Raises SupervisionMove."""
    try:
        return MOVES[state, event]
    except KeyError:
        raise SupervisionMove(document="notice", state=state.value, event=event.value) from None


def state_of(steps: Iterable[Step]) -> State:
    """Where a history leads that begins with the issue. Raises SupervisionMove."""
    state = State.ISSUED
    for step in steps:
        if step.event is not Event.ISSUE:
            state = move(state, step.event)
    return state


def mended_ms(steps: Iterable[Step]) -> int:
    """When the answer came that stands (that was not returned, nor escalated since); 0: none."""
    answered = 0
    for step in steps:
        if step.event is Event.ANSWER:
            answered = step.time_ms
        elif step.event in (Event.RETURN, Event.ESCALATE):
            answered = 0
    return answered


def is_late(steps: Iterable[Step], due_ms: int, now_ms: int) -> bool:
    """Whether it was, or is not, mended in time. The authority's own time to look is not counted:
    an answer of the last day that is verified later was in time. A revoked notice is never late."""
    taken = list(steps)
    if any(step.event is Event.REVOKE for step in taken):
        return False
    return (mended_ms(taken) or now_ms) >= due_ms


def check_move(moved: NoticeMoved) -> Event:
    """Raises SupervisionField, SupervisionReason."""
    check_texts(moved)
    check_id(moved.notice, "notice")
    try:
        event = Event(moved.event)
    except ValueError:
        raise SupervisionField(field="event", detail=moved.event[:40]) from None
    if event is Event.ISSUE or not moved.place:
        raise SupervisionField(field="place", detail="a notice is issued once")
    duty = DUTIES[event]
    if not moved.handler.strip() or (duty.text and not moved.text.strip()):
        raise SupervisionReason(event=event.value)
    if duty.approved:
        check_people(moved.handler, moved.approver)
    return event


def check_issued(issued: NoticeIssued) -> NoticeIssued:
    """Raises SupervisionField, CaseField."""
    check_texts(issued)
    check_times(issued)
    check_id(issued.notice, "notice")
    check_party(issued.party)
    if issued.department:
        check_department(issued.department)
    if issued.violation not in {each.value for each in Violation}:
        raise SupervisionField(field="violation", detail=str(issued.violation))
    for field in ("article", "title", "found", "demands"):
        if not getattr(issued, field).strip():
            raise SupervisionField(field=field, detail="empty")
    if not 1 <= issued.days <= MAX_DAYS:
        raise SupervisionField(field="days", detail=f"1 to {MAX_DAYS} working days")
    if len(issued.number) > MAX_NUMBER_CHARACTERS:
        raise SupervisionField(field="number", detail=f"above {MAX_NUMBER_CHARACTERS} characters")
    if len(issued.evidence) > MAX_EVIDENCE or len(issued.leads) > MAX_EVIDENCE:
        raise SupervisionField(field="evidence", detail=f"more than {MAX_EVIDENCE}")
    check_people(issued.handler, issued.approver)
    return issued


def check_people(handler: str, approver: str) -> None:
    """Raises SupervisionField: both have a name, and are two."""
    for field, name in (("handler", handler), ("approver", approver)):
        if not name.strip():
            raise SupervisionField(field=field, detail="empty")
    if handler.strip() == approver.strip():
        raise SupervisionField(field="approver", detail="the handler cannot approve")
