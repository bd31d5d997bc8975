"""Share requests: every move of the table and none besides; what people must fill in."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest

from ortoo_protocol.core import cases
from ortoo_protocol.core.cases import MOVES, Event, State, move
from ortoo_protocol.core.errors import CaseField, CaseMove, CaseReason, CodecIdentifier, OrtooError
from tests.support.bodies import ANSWER, APPLICATION

replace = msgspec.structs.replace


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_the_table_is_the_machine(state: State, event: Event) -> None:
    if (state, event) in MOVES:
        assert move(state, event) is MOVES[state, event]
    else:
        with pytest.raises(CaseMove):
            move(state, event)


def test_every_case_ends() -> None:
    ends = set(State) - {state for state, _ in MOVES}
    assert ends == {State.REFUSED, State.WITHDRAWN, State.ENDED}
    reached = {State.DRAFT}
    for _ in State:
        reached |= {after for (state, _), after in MOVES.items() if state in reached}
    assert reached == set(State)


def test_good_bodies() -> None:
    assert cases.check_application(APPLICATION) is APPLICATION
    assert cases.check_answer(ANSWER) is ANSWER
    refusal = replace(ANSWER, outcome="refused", reason="超出职责范围", grant="")
    assert cases.check_answer(refusal) is refusal


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"case": "x"}, CaseField),
        ({"department": "x"}, CodecIdentifier),
        ({"purpose": ""}, CaseField),
        ({"basis": " "}, CaseField),
        ({"scenario": ""}, CaseField),
        ({"handler": ""}, CaseField),
        ({"approver": ""}, CaseField),
        ({"approver": APPLICATION.handler}, CaseField),
    ],
)
def test_other_applications(changes: dict[str, Any], error: type[OrtooError]) -> None:
    with pytest.raises(error):
        cases.check_application(replace(APPLICATION, **changes))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"case": "x"}, CaseField),
        ({"outcome": "maybe"}, CaseField),
        ({"outcome": "refused"}, CaseReason),
        ({"outcome": "refused", "reason": " \n"}, CaseReason),
        ({"grant": ""}, CaseField),
    ],
)
def test_other_answers(changes: dict[str, Any], error: type[OrtooError]) -> None:
    with pytest.raises(error):
        cases.check_answer(replace(ANSWER, **changes))
