"""What became of a request, by the events that answered it: the first answer that stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ortoo_protocol.core.cases import Event, State
from ortoo_protocol.core.supervision import answering

_OUTCOMES = {
    Event.GRANT.value: answering.GRANTED,
    Event.OFFER.value: answering.GRANTED,
    Event.REFUSE.value: answering.REFUSED,
    Event.WITHDRAW.value: answering.WITHDRAWN,
    Event.REJECT.value: answering.WITHDRAWN,  # it never was one
    Event.STOP.value: answering.WITHDRAWN,  # nothing is left to be answered
}
LOOKED_FOR = tuple(_OUTCOMES)


_GRANTED = (State.GRANTED, State.OFFERED, State.EXPIRED, State.ENDED)
_REFUSED = (State.REFUSED, State.UPHELD)


def applied_facts(states: Mapping[str, int]) -> dict[str, int]:
    """Of how many cases are in each state: what was asked, granted and refused. Drafts were not
    asked, and what was not taken never was."""
    never = (State.DRAFT.value, State.REJECTED.value)
    return {
        "applied": sum(n for state, n in states.items() if state not in never),
        "applied_granted": sum(states.get(state.value, 0) for state in _GRANTED),
        "applied_refused": sum(states.get(state.value, 0) for state in _REFUSED),
    }


class Answered(NamedTuple):
    """`time_ms` 0: not yet."""

    outcome: str
    time_ms: int
    by: str


def answered(events: Iterable[tuple[str, int, str]]) -> Answered:
    """Of those events of a case that count (what, when, by whom), in their order: the first."""
    for event, time_ms, by in events:
        if event in _OUTCOMES:
            return Answered(_OUTCOMES[event], time_ms, by)
    return Answered(answering.WAITING, 0, "")
