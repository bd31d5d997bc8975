"""Corrections: every pair of state and event, and what their letters have to hold."""

from __future__ import annotations

import itertools

import pytest
from msgspec.structs import replace

from ortoo_protocol.core import corrections
from ortoo_protocol.core.corrections import Event, State
from ortoo_protocol.core.errors import CaseField, CorrectionMove
from tests.support.use_bodies import ANSWERED, CLOSED, DETAIL, RAISED

ANSWERS = {
    Event.CORRECT: State.CORRECTED,
    Event.CONFIRM: State.RIGHT,
    Event.REFER: State.PASSED,
    Event.WITHDRAW: State.WITHDRAWN,
}
LEGAL = {
    (State.NONE, Event.RAISE): State.RAISED,
    (State.RAISED, Event.ESCALATE): State.OVERDUE,
    **{(State.RAISED, event): after for event, after in ANSWERS.items()},
    **{(State.OVERDUE, event): after for event, after in ANSWERS.items()},
    (State.CORRECTED, Event.APPLY): State.CLOSED,
    (State.CORRECTED, Event.END): State.CLOSED,
    (State.CORRECTED, Event.ACCEPT): State.CLOSED,
    (State.RIGHT, Event.ACCEPT): State.CLOSED,
    (State.PASSED, Event.ACCEPT): State.CLOSED,
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_move(state: State, event: Event) -> None:
    if (state, event) in LEGAL:
        assert corrections.move(state, event) is LEGAL[state, event]
    else:
        with pytest.raises(CorrectionMove):
            corrections.move(state, event)


def test_what_each_letter_has_to_hold() -> None:
    corrections.check_raised(RAISED)
    corrections.check_answered(ANSWERED)
    corrections.check_closed(CLOSED)
    corrections.check_detail(DETAIL)
    passed = replace(ANSWERED, outcome="passed", source="公安局")
    corrections.check_answered(passed)
    for wrong in (
        lambda: corrections.check_raised(replace(RAISED, about="other")),
        lambda: corrections.check_raised(replace(RAISED, by=" ")),
        lambda: corrections.check_answered(replace(ANSWERED, reason="")),
        lambda: corrections.check_answered(replace(ANSWERED, outcome="other")),
        lambda: corrections.check_answered(replace(ANSWERED, approver=ANSWERED.handler)),
        lambda: corrections.check_answered(replace(passed, source=" ")),
        lambda: corrections.check_closed(replace(CLOSED, how="other")),
        lambda: corrections.check_detail(replace(DETAIL, text="")),
        lambda: corrections.check_detail(replace(DETAIL, key=b"k" * 5_000)),
        lambda: corrections.check_detail(replace(DETAIL, fields=DETAIL.fields * 201)),
    ):
        with pytest.raises(CaseField):
            wrong()
