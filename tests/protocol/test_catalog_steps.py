"""The steps of an entry: every legal and every illegal move, and who may make them."""

from __future__ import annotations

import itertools

import pytest

from ortoo_protocol.core.catalog.steps import (
    DUTIES,
    LIVE_STATES,
    MOVES,
    OPEN_STATES,
    Act,
    Of,
    Side,
    State,
    Taken,
    check_duty,
    move,
    open_acts,
    this_round,
)
from ortoo_protocol.core.errors import CatalogDuties, CatalogReason, CatalogStep

# The table once more, by hand: state, act, state after for what needs no 核定, for what needs it.
LEGAL = """
drafting compile drafting drafting
drafting review reviewed reviewed
drafting withdraw withdrawn withdrawn
reviewed assess reviewed reviewed
reviewed check secrecy-checked secrecy-checked
reviewed send-back drafting drafting
reviewed withdraw withdrawn withdrawn
secrecy-checked assess secrecy-checked secrecy-checked
secrecy-checked file filed filed
secrecy-checked send-back drafting drafting
secrecy-checked withdraw withdrawn withdrawn
filed ratify - ratified
filed publish published -
filed plan planned -
filed send-back drafting drafting
filed withdraw withdrawn withdrawn
ratified publish - published
ratified plan - planned
ratified send-back drafting drafting
ratified withdraw withdrawn withdrawn
planned take-over published published
planned revise planned planned
planned supersede superseded superseded
planned withdraw stopped stopped
published revise published published
published supersede superseded superseded
published file-stop stopping stopping
stopping keep published published
stopping stop stopped stopped
stopped revise stopped stopped
stopped supersede superseded superseded
"""
EXPECTED = {
    (State(state), Act(act)): (opened, limited)
    for state, act, opened, limited in (line.split() for line in LEGAL.strip().splitlines())
}


@pytest.mark.parametrize(
    ("state", "act", "limited"), list(itertools.product(State, Act, (False, True))), ids=str
)
def test_every_move(state: State, act: Act, limited: bool) -> None:
    to = EXPECTED.get((state, act), ("-", "-"))[limited]
    # Where a share type decides, what is wrong for one of the two is a state of the other alone.
    if to == "-" or (state is State.RATIFIED and not limited and act in (Act.PUBLISH, Act.PLAN)):
        with pytest.raises(CatalogStep) as error:
            move(state, act, limited=limited, draft="d")
        assert error.value.facts == {"state": state.value, "step": act.value, "draft": "d"}
        return
    assert move(state, act, limited=limited) is State(to)
    assert act is Act.SUPERSEDE or act in open_acts(state, limited=limited)


def test_the_table_is_whole() -> None:
    assert set(MOVES) == set(EXPECTED)
    assert set(DUTIES) == set(Act)
    reached = {found.to for found in MOVES.values()}
    assert reached == set(State)
    assert {state for state, _ in MOVES} == set(State) - {State.SUPERSEDED, State.WITHDRAWN}
    assert not OPEN_STATES & LIVE_STATES
    # No entry of type 2 or 3 reaches the public without 核定.
    for (state, _), found in MOVES.items():
        if found.to in (State.PUBLISHED, State.PLANNED) and state in OPEN_STATES:
            assert (state, found.of) in ((State.FILED, Of.OPEN), (State.RATIFIED, Of.LIMITED))


def test_nothing_is_published_unexamined() -> None:
    """Every way from drafting to what others see leads over review, secrecy check and filing."""
    needed = (Act.REVIEW, Act.CHECK, Act.FILE)
    waiting: list[tuple[State, frozenset[Act]]] = [(State.DRAFTING, frozenset())]
    seen = set(waiting)
    while waiting:
        state, acts = waiting.pop()
        if state in (State.PLANNED, State.PUBLISHED):
            assert acts.issuperset(needed)
            continue
        for (before, act), found in MOVES.items():
            kept = frozenset() if act is Act.SEND_BACK else acts | {act}
            step = (found.to, kept)
            if before is state and step not in seen:
                seen.add(step)
                waiting.append(step)


COMPILED = [Taken(Act.COMPILE, "甲")]
EXAMINED = [*COMPILED, Taken(Act.REVIEW, "乙"), Taken(Act.CHECK, "丙")]


APART = [each for each in Act if Act.COMPILE in DUTIES[each].apart_from]


def test_whose_duties_are_apart() -> None:
    """By hand, as the table of moves is."""
    apart = {act: {each.value for each in duty.apart_from} for act, duty in DUTIES.items()}
    department = {act: {"compile"} for act in (Act.REVIEW, Act.CHECK, Act.ASSESS)}
    authority = {act: {"compile", "review", "check"} for act in (Act.FILE, Act.RATIFY)}
    publishing = {act: {"compile"} for act in (Act.PLAN, Act.PUBLISH, Act.TAKE_OVER)}
    said = {**department, **authority, **publishing, Act.STOP: {"file-stop"}}
    assert apart == {act: said.get(act, set()) for act in Act}
    sides = {act for act, duty in DUTIES.items() if duty.side is Side.AUTHORITY}
    assert sides == {*authority, *publishing, Act.STOP, Act.SUPERSEDE}


@pytest.mark.parametrize("act", APART)
@pytest.mark.parametrize("who", ["甲", " 甲", "甲\u3000", "\u200b甲"])
def test_who_compiles_does_not_approve(act: Act, who: str) -> None:
    """However the name is typed."""
    with pytest.raises(CatalogDuties):
        check_duty(act, who, "因", COMPILED)
    assert check_duty(act, "丁", "因", EXAMINED) is DUTIES[act]


def test_who_files_a_stop_does_not_stop() -> None:
    filed = [Taken(Act.FILE_STOP, "Ａnna")]
    with pytest.raises(CatalogDuties):
        check_duty(Act.STOP, "anna", "", this_round(filed))
    taken_back = [*filed, Taken(Act.KEEP, "乙"), Taken(Act.FILE_STOP, "丙")]
    check_duty(Act.STOP, "anna", "", this_round(taken_back))
    with pytest.raises(CatalogDuties):
        check_duty(Act.STOP, "丙", "", this_round(taken_back))


@pytest.mark.parametrize("act", [Act.FILE, Act.RATIFY])
@pytest.mark.parametrize("who", ["甲", "乙", "丙"])
def test_who_approved_for_the_department_does_not_file(act: Act, who: str) -> None:
    assert DUTIES[act].side is Side.AUTHORITY
    with pytest.raises(CatalogDuties):
        check_duty(act, who, "", EXAMINED)


@pytest.mark.parametrize("act", Act)
def test_who_and_why(act: Act) -> None:
    with pytest.raises(CatalogReason):
        check_duty(act, " ", "因", ())
    reason = act in (Act.FILE_STOP, Act.KEEP, Act.SEND_BACK, Act.WITHDRAW)
    assert DUTIES[act].reason is reason
    if reason:
        with pytest.raises(CatalogReason):
            check_duty(act, "甲", " ", ())
    else:
        check_duty(act, "甲", "", ())


def test_what_was_sent_back_is_examined_anew() -> None:
    steps = [*EXAMINED, Taken(Act.SEND_BACK, "丁"), Taken(Act.COMPILE, "戊")]
    counted = this_round(steps)
    assert [taken.who for taken in counted] == ["甲", "丁", "戊"]
    check_duty(Act.FILE, "乙", "", counted)  # approved then, not now
    with pytest.raises(CatalogDuties):
        check_duty(Act.REVIEW, "甲", "", counted)
