"""Demands (需求): data that a department needs and no catalog has yet.

The demand itself is a row of the 需求清单 (core/catalog/lists.py). The authority assigns it to a
department, which catalogs what it has (编目) and supplies it as a resource, or declines; then the
authority assigns it anew, or its department closes it. One table for all three.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

from ortoo_protocol.core.cases.bodies import check_people
from ortoo_protocol.core.catalog.names import says_nothing
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import CaseField, CaseReason, DemandMove
from ortoo_protocol.core.grants import check_texts
from ortoo_protocol.core.ids import PartyId, check_department


class State(enum.Enum):
    OPEN = "open"
    ASSIGNED = "assigned"
    TAKEN = "taken"  # being catalogued
    DECLINED = "declined"
    SUPPLIED = "supplied"


class Event(enum.Enum):
    ASSIGN = "assign"
    TAKE = "take"
    DECLINE = "decline"
    SUPPLY = "supply"


_S, _E = State, Event
MOVES: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (_S.OPEN, _E.ASSIGN): _S.ASSIGNED,
        (_S.DECLINED, _E.ASSIGN): _S.ASSIGNED,
        (_S.ASSIGNED, _E.TAKE): _S.TAKEN,
        (_S.ASSIGNED, _E.DECLINE): _S.DECLINED,
        (_S.ASSIGNED, _E.SUPPLY): _S.SUPPLIED,  # by a resource that is there already
        (_S.TAKEN, _E.DECLINE): _S.DECLINED,
        (_S.TAKEN, _E.SUPPLY): _S.SUPPLIED,
    }
)


class Assignment(Shape, frozen=True):
    """交办: the authority assigns demand `number` of `provider` (who demands) to a department of
    `party`; told to that party and to who demands."""

    provider: PartyId
    number: str
    party: PartyId
    department: str
    reason: str
    handler: str
    approver: str


class DemandAnswer(Shape, frozen=True):
    """The word of the department that a demand was assigned to; `resource`: what supplies it."""

    provider: PartyId
    number: str
    event: str  # take | decline | supply
    reason: str
    resource: str
    handler: str
    approver: str


def move(state: State, event: Event) -> State:
    """Raises DemandMove."""
    try:
        return MOVES[state, event]
    except KeyError:
        raise DemandMove(state=state.value, event=event.value) from None


def check_assignment(body: Assignment) -> Assignment:
    check_texts(body)
    check_department(body.department)
    check_people(body.handler, body.approver)
    return body


def check_demand_answer(body: DemandAnswer) -> DemandAnswer:
    check_texts(body)
    if body.event not in (_E.TAKE.value, _E.DECLINE.value, _E.SUPPLY.value):
        raise CaseField(field="event", detail=body.event[:32])
    if body.event == _E.DECLINE.value and says_nothing(body.reason):
        raise CaseReason()
    if (body.event == _E.SUPPLY.value) != bool(body.resource):
        raise CaseField(field="resource", detail="what supplies it, and only then")
    check_people(body.handler, body.approver)
    return body
