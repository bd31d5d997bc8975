"""The end or a change of a service, said beforehand (终止或者变更服务): negotiated and filed.

Measures art. 18: a reason, and filing before it. Decree 809 art. 27: negotiated with the reader.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

from ortoo_protocol.core.codec import Count, Shape
from ortoo_protocol.core.errors import CaseField, EndingMove
from ortoo_protocol.core.ids import HexId
from ortoo_protocol.core.use.filled import check_filled

END, CHANGE = "end", "change"


class GrantEnding(Shape, frozen=True):
    """`what`: `end`, the grant ends at `at_ms` by itself; `change`: what is supplied changes then,
    as `reason` says. `filing` went to the authority before this."""

    ending: HexId
    grant: HexId
    what: str
    reason: str
    filing: HexId
    at_ms: Count
    by: str


class GrantEndingAnswer(Shape, frozen=True):
    """The reader's word in the negotiation (协商)."""

    ending: HexId
    grant: HexId
    agreed: bool
    reason: str
    by: str


class GrantKept(Shape, frozen=True):
    """The announcement is taken back: the service goes on as it was."""

    ending: HexId
    grant: HexId
    reason: str
    by: str


class State(enum.Enum):
    NONE = "none"
    ANNOUNCED = "announced"
    AGREED = "agreed"
    OBJECTED = "objected"
    KEPT = "kept"
    DONE = "done"
    VOID = "void"


class Event(enum.Enum):
    ANNOUNCE = "announce"
    AGREE = "agree"
    OBJECT = "object"
    KEEP = "keep"
    CARRY_OUT = "carry-out"
    DROP = "drop"


_S, _E = State, Event

MOVES: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (_S.NONE, _E.ANNOUNCE): _S.ANNOUNCED,
        **{
            (state, event): after
            for state in (_S.ANNOUNCED, _S.AGREED, _S.OBJECTED)
            for event, after in (
                (_E.AGREE, _S.AGREED),
                (_E.OBJECT, _S.OBJECTED),
                (_E.KEEP, _S.KEPT),
                (_E.CARRY_OUT, _S.DONE),
                (_E.DROP, _S.VOID),
            )
        },
    }
)
OPEN = (State.ANNOUNCED.value, State.AGREED.value, State.OBJECTED.value)


def move(state: State, event: Event) -> State:
    """Raises EndingMove: the table does not list it."""
    try:
        return MOVES[state, event]
    except KeyError:
        raise EndingMove(state=state.value, event=event.value) from None


def check_ending(body: GrantEnding) -> GrantEnding:
    """Raises CaseField."""
    check_filled(body, "reason", "by")
    if body.what not in (END, CHANGE):
        raise CaseField(field="what", detail=body.what[:40])
    return body


def check_answer(body: GrantEndingAnswer) -> GrantEndingAnswer:
    """An objection says why. Raises CaseField."""
    return check_filled(body, "by") if body.agreed else check_filled(body, "reason", "by")
