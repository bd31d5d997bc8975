"""What became of a request, by the events that answered it: the first answer that stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ortoo_protocol.core.cases import Event, State
from ortoo_protocol.core.supervision import answering

TAKEN_BACK = "taken-back"  # the hub had taken another letter first
_OUTCOMES = {
    Event.GRANT.value: answering.GRANTED,
    Event.OFFER.value: answering.GRANTED,
    Event.REFUSE.value: answering.REFUSED,
    Event.WITHDRAW.value: answering.WITHDRAWN,
    Event.REJECT.value: answering.WITHDRAWN,  # it never was one
}
LOOKED_FOR = (*_OUTCOMES, TAKEN_BACK)


_GRANTED = (State.GRANTED, State.OFFERED, State.EXPIRED, State.ENDED)
_REFUSED = (State.REFUSED, State.UPHELD)


def applied_facts(states: Mapping[str, int]) -> dict[str, int]:
    """Of how many cases are in each state: what was asked, granted and refused. Drafts were not
    asked."""
    return {
        "applied": sum(states.values()) - states.get(State.DRAFT.value, 0),
        "applied_granted": sum(states.get(state.value, 0) for state in _GRANTED),
        "applied_refused": sum(states.get(state.value, 0) for state in _REFUSED),
    }


class Answered(NamedTuple):
    """`time_ms` 0: not yet."""

    outcome: str
    time_ms: int
    by: str


def answered(events: Iterable[tuple[str, int, str]]) -> Answered:
    """Of a case's events (what, when, by whom) in their order."""
    found: Answered | None = None
    for event, time_ms, by in events:
        if event == TAKEN_BACK:
            found = None
        elif found is None and event in _OUTCOMES:
            found = Answered(_OUTCOMES[event], time_ms, by)
    return found or Answered(answering.WAITING, 0, "")
