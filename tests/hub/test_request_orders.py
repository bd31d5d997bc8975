"""Any order of moves and letters: people of both sides and of the authority move as their own
station lets them, letters come late, twice, in another order, or are lost and sent again. When
nothing is on its way any more all three hold the same state, the same grant and the same clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from ortoo_hub import cases as hub_cases
from ortoo_node.app import _expire
from ortoo_node.cases import store
from ortoo_node.store.case_tables import case_records
from ortoo_protocol.core.cases import MOVES, STEPS, Event, Side, State
from ortoo_protocol.core.cases.log import REFUSED
from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.station import clocks, grants_held
from ortoo_protocol.station.store.tables import grants
from tests.support.hubs import RESOURCE
from tests.support.post_office import PostOffice, post_office
from tests.support.requests_rig import CLOSED_RESOURCE, OPEN_RESOURCE, end_terms

PLACES = ("applicant", "provider", "hub")
MOVING = (Side.APPLICANT, Side.PROVIDER, Side.AUTHORITY)
OPEN = (clocks.RUNNING, clocks.PAUSED)
RUN_OUT = ("answer", "negotiation")  # whose days the test lets pass
CASES = 2
TURNS_MOST = 24
EXAMPLES = 20
# No shrinking: an example takes a second, and the notes of a failure tell its story.
PHASES = (Phase.explicit, Phase.generate)


@dataclass(repr=False)
class Region:
    office: PostOffice
    runner: asyncio.Runner


@pytest.fixture(scope="module", params=["NM2018", "SC2025"])
def region(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Region]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        folder = tmp_path_factory.mktemp(request.param)
        office = runner.run(stack.enter_async_context(post_office(folder, request.param)))
        try:
            yield Region(office, runner)
        finally:
            runner.run(stack.aclose())


@dataclass(frozen=True)
class Turn:
    """One thing that happens; numbers are taken modulo what there is to choose from then."""

    what: str
    case: int
    side: int
    number: int


_TURNS = st.builds(
    Turn,
    st.sampled_from(("move", "move", "carry", "carry", "again", "lose", "date")),
    st.integers(0, CASES - 1),
    st.integers(0, len(MOVING) - 1),
    st.integers(0, 59),
)
_RESOURCES = st.sampled_from((RESOURCE, RESOURCE, OPEN_RESOURCE, CLOSED_RESOURCE))


@settings(max_examples=EXAMPLES, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(
    resources=st.lists(_RESOURCES, min_size=CASES, max_size=CASES),
    turns=st.lists(_TURNS, min_size=4, max_size=TURNS_MOST),
)
def test_whatever_crosses_ends_in_one_state(
    region: Region, resources: list[str], turns: list[Turn]
) -> None:
    region.runner.run(_whatever(region.office, resources, turns))


async def _whatever(office: PostOffice, resources: list[str], turns: list[Turn]) -> None:
    made = [await office.rig.apply(resource) for resource in resources]
    dated: set[str] = set()
    for turn in turns:
        await office.collect()
        case = made[turn.case]
        if turn.what == "move":
            await _move(office, case, MOVING[turn.side], turn.number)
        elif turn.what == "date":
            dated.add(case)
            note(f"{turn.case}: the last day is over at {PLACES[turn.side]}")
            await _date(office, case, PLACES[turn.side])
        elif office.bag:
            place = turn.number % len(office.bag)
            note(f"{turn.what} {office.bag[place].note}")
            if turn.what == "lose":
                office.bag.pop(place)
            else:
                await office.deliver(place, again=turn.what == "again")
    await office.settle()
    for case in dated:
        for place in PLACES:
            await _date(office, case, place)
    await office.settle()
    for number, case in enumerate(made):
        note(f"{number}: {await office.rig.states(case)}")
    for case in made:
        await _check(office, case)


async def _move(office: PostOffice, case: str, side: Side, number: int) -> None:
    """One of the moves that the state at hand lets this side's people take."""
    held = (await office.rig.states(case))[MOVING.index(side)]
    legal = [
        event
        for event in Event
        if held and (State(held), event) in MOVES and side in STEPS[event].by
    ]
    if not legal:
        return
    event = legal[number % len(legal)]
    if event in (Event.NEGOTIATE, Event.COORDINATE) and number % 2:
        await _run_out(office, case)
    try:
        await office.rig.do(event, case, side)
    except OrtooError as error:
        note(f"{side.value} {event.value} {case[-4:]}: {error.code}")
    else:
        note(f"{side.value} {event.value} {case[-4:]}")


async def _run_out(office: PostOffice, case: str) -> None:
    """The days of what runs at all three are over."""
    running = [
        {
            duty
            for duty, state, _ in await station.read(lambda conn: _held(conn, case))
            if state in OPEN
        }
        for station in office.stations
    ]
    for duty in set.intersection(*running) & set(RUN_OUT):
        await office.rig.run_out(case, duty)


async def _date(office: PostOffice, case: str, place: str) -> None:
    """The grant's last day is over there, and is looked at."""
    station = office.stations[PLACES.index(place)]
    await station.write(lambda tx: end_terms(tx, case))
    if place == "hub":
        await station.write(hub_cases.expire)
    else:
        await station.write(_expire)


async def _check(office: PostOffice, case: str) -> None:
    states = await office.rig.states(case)
    if states[0] == State.REJECTED.value:
        assert states == ("rejected", "", "")
        return
    assert len(set(states)) == 1, states
    for station in office.stations[:2]:
        assert await station.read(lambda conn: _unmatched(conn, case)) == []
    held = [await station.read(lambda conn: _held(conn, case)) for station in office.stations]
    assert held[0] == held[1] == held[2], held
    now_ms = office.rig.hub.parts.clock()
    live = [await each.read(lambda conn: _live(conn, case, now_ms)) for each in office.stations]
    assert [len(each) for each in live] == [int(states[0] == State.GRANTED.value)] * 3, (
        states,
        live,
    )
    assert live[0] == live[1] == live[2]


def _unmatched(conn: Connection, case: str) -> list[tuple[str, str]]:
    """Records without their event, and events that the notary did not number: but for an end that
    came after another."""
    records = select(case_records).where(
        case_records.c.case == case, case_records.c.taken.is_(False)
    )
    found = [("record", row.event) for row in conn.execute(records)]
    ends = (Event.END.value, Event.EXPIRE.value)
    for row in store.events_of(conn, case):
        if not row.noted and row.status != REFUSED and row.event not in ends:
            found.append(("event", row.event))
    return found


def _held(conn: Connection, case: str) -> list[tuple[str, str, int | None]]:
    """Of days that the test let pass by hand nothing is left once a station reckons anew: there
    late and in time are one."""
    return sorted(
        (each.duty, "met" if each.state == clocks.LATE else each.state, None)
        if each.duty in RUN_OUT
        else (each.duty, each.state, each.due_ms)
        for each in clocks.of(conn, f"case:{case}")
    )


def _live(conn: Connection, case: str, now_ms: int) -> list[str]:
    rows = conn.execute(select(grants).where(grants_held.live(now_ms))).all()
    return [row.grant for row in rows if grants_held.terms_of(row).case == case]
