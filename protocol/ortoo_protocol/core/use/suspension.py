"""Suspension (暂停) of a grant for misuse, rectification (整改), and what comes of it.

Decree 809 art. 27, Measures art. 36: provider or authority suspends with reason and evidence and a
time limit; the reader reports what it has set right; the grant goes on, or is ended (终止).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

from ortoo_protocol.core.codec import Count, Shape
from ortoo_protocol.core.errors import CaseField, SuspensionMove
from ortoo_protocol.core.ids import FeedId, HexId, PartyId
from ortoo_protocol.core.use.filled import check_filled

MOST_DAYS = 365


class GrantSuspended(Shape, frozen=True):
    """The grant rests after item `fence` of `incarnation`. `days`: working days to set right what
    was found, until `until_ms` as its sender reckons them. The same suspension again, with another
    limit: what was reported is not enough. From the authority `fence` says nothing."""

    suspension: HexId
    grant: HexId
    feed: FeedId
    reader: PartyId
    incarnation: Count
    fence: Count
    article: str
    reason: str
    evidence: str
    days: Count
    until_ms: Count
    suspended_ms: Count
    by: str


class GrantRectified(Shape, frozen=True):
    """整改报告: what the reader has set right, to whoever suspended."""

    suspension: HexId
    grant: HexId
    report: str
    by: str


class GrantResumed(Shape, frozen=True):
    suspension: HexId
    grant: HexId
    reason: str
    resumed_ms: Count
    by: str


class GrantTermination(Shape, frozen=True):
    """The authority has the provider end a grant that was not rectified."""

    suspension: HexId
    grant: HexId
    reason: str
    by: str


class State(enum.Enum):
    NONE = "none"
    SUSPENDED = "suspended"
    REPORTED = "reported"
    RESUMED = "resumed"
    TERMINATED = "terminated"
    VOID = "void"  # it crossed another one at the notary, or its grant ended by itself


class Event(enum.Enum):
    SUSPEND = "suspend"
    REPORT = "report"
    REJECT = "reject"
    RESUME = "resume"
    TERMINATE = "terminate"
    DROP = "drop"


_S, _E = State, Event

MOVES: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (_S.NONE, _E.SUSPEND): _S.SUSPENDED,
        (_S.SUSPENDED, _E.REPORT): _S.REPORTED,
        (_S.SUSPENDED, _E.RESUME): _S.RESUMED,  # it was found to be without ground
        (_S.SUSPENDED, _E.TERMINATE): _S.TERMINATED,
        (_S.SUSPENDED, _E.DROP): _S.VOID,
        (_S.REPORTED, _E.REPORT): _S.REPORTED,
        (_S.REPORTED, _E.REJECT): _S.SUSPENDED,
        (_S.REPORTED, _E.RESUME): _S.RESUMED,
        (_S.REPORTED, _E.TERMINATE): _S.TERMINATED,
        (_S.REPORTED, _E.DROP): _S.VOID,
    }
)
OPEN = (State.SUSPENDED.value, State.REPORTED.value)


def move(state: State, event: Event) -> State:
    """Raises SuspensionMove: the table does not list it."""
    try:
        return MOVES[state, event]
    except KeyError:
        raise SuspensionMove(state=state.value, event=event.value) from None


def check_suspended(body: GrantSuspended) -> GrantSuspended:
    """Raises CaseField."""
    check_filled(body, "reason", "evidence", "by")
    if not 1 <= body.days <= MOST_DAYS:
        raise CaseField(field="days", detail=f"1 to {MOST_DAYS} working days")
    return body
