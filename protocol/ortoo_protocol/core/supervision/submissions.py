"""Half-yearly submissions (半年报送, art. 32): letters, periods, and the machine as one table."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ortoo_protocol.core.codec import Count, Packed, Shape
from ortoo_protocol.core.errors import SupervisionField, SupervisionMove, SupervisionReason
from ortoo_protocol.core.grants import check_id, check_texts
from ortoo_protocol.core.ids import Digest, HexId, PartyId, check_department, check_party
from ortoo_protocol.core.law.instants import check_times
from ortoo_protocol.core.supervision.facts import BY_NAME
from ortoo_protocol.core.supervision.half_years import PASSAGES, REQUIRED, half_year
from ortoo_protocol.core.supervision.notices import MAX_DAYS, check_people


class Figure(Packed, frozen=True):
    """A fact as the software counted it and as it is stated; where they differ, `note` says why."""

    name: str
    counted: int
    stated: int
    note: str


class Passage(Packed, frozen=True):
    name: str
    text: str


class SubmissionCalled(Shape, frozen=True):
    """The authority opens a period for one department or league, with `days` working days."""

    submission: HexId
    period: str
    party: PartyId
    department: str
    days: Count
    due_ms: Count
    note: str
    by: str


class SubmissionSent(Shape, frozen=True):
    """`round`: from 1, one more after each return."""

    submission: HexId
    round: Count
    figures: tuple[Figure, ...]
    passages: tuple[Passage, ...]
    handler: str
    approver: str


class SubmissionDecided(Shape, frozen=True):
    """accepted, returned (with the reason) or chased (催报). `hash`: of the submission's very bytes
    that were accepted and are archived, or that are returned."""

    submission: HexId
    round: Count
    outcome: str
    reason: str
    hash: Digest
    by: str


class State(enum.Enum):
    OPEN = "open"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    ACCEPTED = "accepted"  # archived: nothing leads on from here


class Event(enum.Enum):
    SUBMIT = "submit"
    RETURN = "return"
    ACCEPT = "accept"
    CHASE = "chase"
    FILL = "fill"  # the draft is saved


# Everything that affects the machine stands here; what is not listed is refused.
MOVES: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.OPEN, Event.FILL): State.OPEN,
        (State.OPEN, Event.SUBMIT): State.SUBMITTED,
        (State.OPEN, Event.CHASE): State.OPEN,
        (State.SUBMITTED, Event.RETURN): State.RETURNED,
        (State.SUBMITTED, Event.ACCEPT): State.ACCEPTED,
        (State.RETURNED, Event.FILL): State.RETURNED,
        (State.RETURNED, Event.SUBMIT): State.SUBMITTED,
        (State.RETURNED, Event.CHASE): State.RETURNED,
    }
)
OUTCOMES: Mapping[str, Event] = MappingProxyType(
    {"accepted": Event.ACCEPT, "returned": Event.RETURN, "chased": Event.CHASE}
)


def move(state: State, event: Event) -> State:
    """The state after `event`. Raises SupervisionMove."""
    try:
        return MOVES[state, event]
    except KeyError:
        raise SupervisionMove(document="submission", state=state.value, event=event.value) from None


def check_called(called: SubmissionCalled) -> SubmissionCalled:
    check_texts(called)
    check_times(called)
    check_id(called.submission, "submission")
    check_party(called.party)
    if called.department:
        check_department(called.department)
    half_year(called.period)
    if not 1 <= called.days <= MAX_DAYS:
        raise SupervisionField(field="days", detail=f"1 to {MAX_DAYS} working days")
    if not called.by.strip():
        raise SupervisionReason(event="open")
    return called


def check_sent(sent: SubmissionSent) -> SubmissionSent:
    """Complete, by two people, and whatever was stated otherwise than counted says why.

    Raises SupervisionField.
    """
    check_texts(sent)
    check_id(sent.submission, "submission")
    check_figures(sent.figures)
    check_passages(sent.passages)
    given = {each.name: each.text for each in sent.passages}
    for name in REQUIRED:
        if not given.get(name, "").strip():
            raise SupervisionField(field=name, detail="empty")
    check_people(sent.handler, sent.approver)
    if not sent.round:
        raise SupervisionField(field="round", detail="0")
    return sent


def check_figures(figures: Sequence[Figure]) -> None:
    names = [each.name for each in figures]
    if len(set(names)) != len(names) or set(names) - BY_NAME.keys():
        raise SupervisionField(field="figures", detail="unknown or repeated")
    for each in figures:
        if each.stated < 0 or each.counted < 0:
            raise SupervisionField(field=each.name, detail="below zero")
        if each.stated != each.counted and not each.note.strip():
            raise SupervisionField(field=each.name, detail="it differs from what was counted")
        if len(each.note) > 1_000:
            raise SupervisionField(field=each.name, detail="its note is above 1000 characters")


def check_passages(passages: Sequence[Passage]) -> None:
    names = [each.name for each in passages]
    if len(set(names)) != len(names) or set(names) - set(PASSAGES):
        raise SupervisionField(field="passages", detail="unknown or repeated")
    for each in passages:
        if len(each.text) > 20_000:
            raise SupervisionField(field=each.name, detail="above 20000 characters")


def check_decided(decided: SubmissionDecided) -> Event:
    check_texts(decided)
    check_id(decided.submission, "submission")
    event = OUTCOMES.get(decided.outcome)
    if event is None:
        raise SupervisionField(field="outcome", detail=decided.outcome[:40])
    if not decided.by.strip() or (event is Event.RETURN and not decided.reason.strip()):
        raise SupervisionReason(event=decided.outcome)
    return event
