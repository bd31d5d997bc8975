"""Every legal and every illegal move, against real stations with a hub, letters as another
implementation might send them: after each all three hold the same state."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ortoo_protocol.core.cases import MOVES, STEPS, Event, Side, State
from ortoo_protocol.core.errors import CaseMove, CaseNotAsked
from tests.support.requests_rig import Requests, body_of, held_application, requests

# Reached by other means than what people of a case do (tests/hub/test_request_odd_days.py).
_APART = (State.DRAFT, State.REJECTED)
STATES = [state for state in State if state not in _APART]
# Legal only with something before it: (ruling, its ask).
_AFTER = {
    Event.EXTEND: Event.ASK_EXTENSION,
    Event.DENY_EXTENSION: Event.ASK_EXTENSION,
    Event.COORDINATE: Event.DISAGREE,
}


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.value)
async def test_legal_moves(tmp_path: Path, state: State) -> None:
    """Each in a case of its own, taken by the people whose it is."""
    async with requests(tmp_path, "SC2025") as rig:
        legal = [
            (event, side)
            for event in Event
            if (state, event) in MOVES and event not in (Event.REJECT, Event.EXPIRE)
            for side in STEPS[event].by
        ]
        await asyncio.gather(*(_taken(rig, state, event, side) for event, side in legal))
        assert await rig.differing() == []


async def _taken(rig: Requests, state: State, event: Event, side: Side) -> None:
    case = await rig.reach(state)
    if event in _AFTER:
        await rig.do(_AFTER[event], case)
        await rig.all_hold(case, state)
    if event is Event.NEGOTIATE and state is not State.REFUSED:
        await rig.run_out(case, "answer")
    await rig.do(event, case, side)
    await rig.all_hold(case, MOVES[state, event])


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.value)
async def test_illegal_moves(tmp_path: Path, state: State) -> None:
    """One case stays what it is, whatever letters come: the hub refuses them by name."""
    async with requests(tmp_path, "SC2025") as rig:
        case = await rig.reach(state)
        for event in Event:
            if (state, event) not in MOVES and event not in (Event.REJECT, Event.EXPIRE):
                await _refused(rig, case, event, state)
        assert await rig.differing() == []


async def _refused(rig: Requests, case: str, event: Event, state: State) -> None:
    held = await rig.reader.app.station.read(lambda conn: held_application(conn, case))
    letter = body_of(event, case, held)
    if Side.AUTHORITY in STEPS[event].by:
        with pytest.raises(CaseMove):
            await rig.do(event, case)
    elif event is Event.END:  # of a grant: there is none, or it has ended
        pass
    else:
        assert letter is not None
        refused = await rig.send(*letter)
        expected = "case.field" if event is Event.SUBMIT else "case.move"
        assert refused == ("refused", expected), (state, event)
    assert await rig.states(case) == (state.value,) * 3


async def test_only_who_may_moves(tmp_path: Path) -> None:
    """The table says whose step it is; the other side's letter is refused."""
    async with requests(tmp_path, "SC2025") as rig:
        case = await rig.reach(State.SUBMITTED)
        held = await rig.reader.app.station.read(lambda conn: held_application(conn, case))
        for event, step in STEPS.items():
            found = body_of(event, case, held)
            if found is None or len(step.by) > 1 or event is Event.SUBMIT:
                continue
            side, body = found
            other = Side.PROVIDER if side is Side.APPLICANT else Side.APPLICANT
            status, code = await rig.send(other, body)
            assert status == "refused", event
            assert code in ("case.side", "envelope.destination"), event
        with pytest.raises(CaseNotAsked):
            await rig.do(Event.EXTEND, case)
        await rig.all_hold(case, State.SUBMITTED)
