"""Share requests: every move of the table and none besides; what people must fill in; the state as
what events add up to, in the notary's order."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ortoo_protocol.core import cases
from ortoo_protocol.core.cases import (
    CLOSED,
    MOVES,
    OPEN,
    STEPS,
    Act,
    CaseStep,
    Duty,
    Event,
    Facts,
    Logged,
    Need,
    Side,
    State,
    check_needs,
    fold,
    move,
    opening,
)
from ortoo_protocol.core.cases.log import COUNTED, REFUSED, WAITING, asked_extension, disagreed
from ortoo_protocol.core.codec import MAX_COUNT, decode
from ortoo_protocol.core.errors import (
    CaseEarly,
    CaseField,
    CaseGround,
    CaseMove,
    CaseNotAsked,
    CaseReason,
    CaseRule,
    CaseUnconditional,
    CodecIdentifier,
    CodecShape,
    OrtooError,
)
from ortoo_protocol.core.law.clock import day_of
from ortoo_protocol.core.law.instants import END_OF_TIME_MS
from ortoo_protocol.core.law.profiles import NM2018, SC2025, Profile
from ortoo_protocol.core.law.workdays import LAST_YEAR
from ortoo_protocol.core.messages import kind_named
from tests.support.bodies import ANSWER, APPLICATION, CASE, CITY

replace = msgspec.structs.replace


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_the_table_is_the_machine(state: State, event: Event) -> None:
    if (state, event) in MOVES:
        assert move(state, event) is MOVES[state, event]
    else:
        with pytest.raises(CaseMove):
            move(state, event)


def test_every_case_ends_and_every_state_is_reached() -> None:
    stay = {state for (state, _), after in MOVES.items() if after is state}
    ends = {state for state in State if {MOVES.get((state, e), state) for e in Event} <= {state}}
    assert ends == CLOSED
    assert stay >= OPEN
    reached = {State.DRAFT}
    for _ in State:
        reached |= {after for (state, _), after in MOVES.items() if state in reached}
    assert reached == set(State)


def test_every_event_has_a_step_that_a_known_letter_carries() -> None:
    assert set(STEPS) == set(Event)
    for event, step in STEPS.items():
        assert step.by
        for kind in step.kinds:
            senders = kind_named(kind).senders
            assert "h" in senders or Side.AUTHORITY not in step.by, event


@pytest.mark.parametrize("event", [Event.RETURN, Event.EXTEND])
def test_what_may_happen_once_happens_once(event: Event) -> None:
    """Along every path of the table."""
    paths: set[tuple[State, int]] = {(State.DRAFT, 0)}
    while True:
        further = {
            (after, count + (each is event))
            for state, count in paths
            for (before, each), after in MOVES.items()
            if before is state
        }
        if further <= paths:
            break
        paths |= further
        assert max(count for _, count in paths) <= 1


def test_clocks_that_run_are_stopped_however_a_case_closes() -> None:
    """Whatever closes a case stops or cancels each duty that an earlier event may have started."""
    for (_before, event), after in MOVES.items():
        if after in CLOSED and event not in (Event.SIGN, Event.UPHOLD):
            closed = {effect.duty for effect in STEPS[event].clocks if effect.act is Act.CANCEL}
            assert closed == set(Duty), event


def test_good_bodies() -> None:
    assert cases.check_application(APPLICATION) is APPLICATION
    assert cases.check_answer(ANSWER) is ANSWER
    refusal = replace(ANSWER, outcome="refused", reason="超出职责范围", grant="")
    assert cases.check_answer(refusal) is refusal


RECORD = cases.Record(
    case=APPLICATION.case, number=1, event="submit", party=CITY, state="submitted", time_ms=1
)


@pytest.mark.parametrize(
    "changes",
    [{"time_ms": 0}, {"time_ms": END_OF_TIME_MS}, {"time_ms": MAX_COUNT}, {"number": 0}],
)
def test_bad_records(changes: dict[str, Any]) -> None:
    with pytest.raises(CaseField):
        cases.check_record(replace(RECORD, **changes))


@pytest.mark.parametrize("time_ms", [-1, 1 << 62])
def test_what_is_no_count_is_not_even_read(time_ms: int) -> None:
    with pytest.raises(CodecShape):
        decode(
            msgspec.msgpack.encode(msgspec.structs.asdict(RECORD) | {"time_ms": time_ms}),
            cases.Record,
        )


def test_the_last_moment_of_a_record_can_be_reckoned_with() -> None:
    last = cases.check_record(replace(RECORD, time_ms=END_OF_TIME_MS - 1))
    assert day_of(last.time_ms).year == LAST_YEAR


@pytest.mark.parametrize(
    "changes", [{"approver": ""}, {"approver": "甲"}, {"handler": ""}, {"approver": " 甲"}]
)
def test_a_refusal_takes_two_people(changes: dict[str, Any]) -> None:
    refusal = replace(ANSWER, outcome="refused", reason="超出职责范围", grant="", handler="甲")
    with pytest.raises(CaseField):
        cases.check_answer(replace(refusal, **changes))


@pytest.mark.parametrize("changes", [{"reason": ""}, {"reason": "无"}, {"handler": " "}])
def test_a_withdrawal_says_why_and_who(changes: dict[str, Any]) -> None:
    good = cases.Withdrawal(case=APPLICATION.case, reason="不再需要", handler="丁")
    assert cases.check_withdrawal(good) is good
    with pytest.raises(CaseField):
        cases.check_withdrawal(replace(good, **changes))


SCAN = cases.Attachment(name="申请表.pdf", media_type="application/pdf", size_bytes=9, hash=b"h")


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
        ({"approver": f" {APPLICATION.handler}\u3000"}, CaseField),
        ({"group": "x"}, CaseField),
        ({"until_ms": END_OF_TIME_MS}, CaseField),
        ({"attachments": (SCAN,) * 9}, CaseField),
        ({"attachments": (replace(SCAN, name="a\nb"),)}, CaseField),
        ({"attachments": (replace(SCAN, media_type="text/html"),)}, CaseField),
        ({"attachments": (replace(SCAN, size_bytes=(8 << 20) + 1),)}, CaseField),
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
        ({"outcome": "refused", "reason": "无。"}, CaseReason),
        ({"grant": ""}, CaseField),
    ],
)
def test_other_answers(changes: dict[str, Any], error: type[OrtooError]) -> None:
    with pytest.raises(error):
        cases.check_answer(replace(ANSWER, **changes))


STEP = CaseStep(
    case=CASE, event="return", reason="", missing=("申请表",), handler="甲", approver="乙"
)


@pytest.mark.parametrize(
    "changes",
    [
        {"event": "grant"},
        {"event": "no such event"},
        {"missing": ()},
        {"missing": ("",)},
        {"missing": ("申请表",) * 51},
        {"handler": ""},
        {"approver": ""},
        {"approver": "甲"},
        {"event": "disagree", "missing": ()},
        {"event": "disagree", "reason": "理由"},
        {"event": "sign", "missing": (), "handler": " "},
    ],
)
def test_other_steps(changes: dict[str, Any]) -> None:
    assert cases.check_step(STEP) is STEP
    with pytest.raises(CaseField):
        cases.check_step(replace(STEP, **changes))


# --- what an event needs ------------------------------------------------------------------------


def facts(profile: Profile, **changes: Any) -> Facts:
    values = {"share_type": 2, "state": State.NEGOTIATING, "at_ms": 100, "due_ms": {}, **changes}
    return Facts(profile=profile, **values)


REFUSAL = replace(ANSWER, outcome="refused", reason="不符合条件", grant="")
GROUNDED = replace(REFUSAL, ground_kind="行政法规", ground="《某条例》第三条")


@pytest.mark.parametrize(
    ("event", "given_", "answer", "error"),
    [
        (Event.REFUSE, facts(NM2018), REFUSAL, None),
        (Event.REFUSE, facts(NM2018, share_type=1), REFUSAL, CaseUnconditional),
        (Event.REFUSE, facts(SC2025), REFUSAL, CaseGround),
        (Event.REFUSE, facts(SC2025), replace(GROUNDED, ground=" "), CaseGround),
        (Event.REFUSE, facts(SC2025), replace(GROUNDED, ground_kind="部门规章"), CaseGround),
        (Event.REFUSE, facts(SC2025), GROUNDED, None),
        (Event.ASK_EXTENSION, facts(NM2018), None, CaseRule),
        (Event.ASK_EXTENSION, facts(SC2025), None, None),
        (Event.EXTEND, facts(SC2025), None, CaseNotAsked),
        (Event.EXTEND, facts(SC2025, asked=True), None, None),
        (Event.REFER, facts(NM2018), None, CaseRule),
        (Event.REFER, facts(SC2025), None, None),
        (Event.COORDINATE, facts(NM2018, due_ms={Duty.NEGOTIATION: 101}), None, CaseEarly),
        (Event.COORDINATE, facts(NM2018, due_ms={Duty.NEGOTIATION: 100}), None, None),
        (Event.COORDINATE, facts(NM2018, disagreed={Side.APPLICANT}), None, CaseEarly),
        (
            Event.COORDINATE,
            facts(NM2018, disagreed={Side.APPLICANT, Side.PROVIDER}),
            None,
            None,
        ),
        (Event.COORDINATE, facts(SC2025), None, CaseEarly),
        (Event.COORDINATE, facts(SC2025, disagreed={Side.APPLICANT}), None, None),
        (Event.NEGOTIATE, facts(NM2018, state=State.REFUSED), None, None),
        (Event.NEGOTIATE, facts(NM2018, state=State.SUBMITTED), None, CaseEarly),
        (
            Event.NEGOTIATE,
            facts(NM2018, state=State.ACCEPTED, due_ms={Duty.ANSWER: 99}),
            None,
            None,
        ),
    ],
)
def test_what_an_event_needs(
    event: Event, given_: Facts, answer: cases.Answer | None, error: type[OrtooError] | None
) -> None:
    if error is None:
        check_needs(event, given_, answer)
        return
    with pytest.raises(error):
        check_needs(event, given_, answer)


def test_needs_of_the_body_are_looked_at_with_the_body() -> None:
    judged = {Need.REASON, Need.MISSING}
    for event, step in STEPS.items():
        assert not judged & step.needs or step.kinds, event


def test_what_is_not_shared_begins_with_negotiation() -> None:
    assert [opening(share_type) for share_type in (1, 2, 3)] == [
        Event.SUBMIT,
        Event.SUBMIT,
        Event.NEGOTIATE,
    ]


# --- the log ------------------------------------------------------------------------------------


def logged(event: Event, status: str = COUNTED, number: int = 0) -> Logged:
    return Logged(event, Side.PROVIDER, status, number)


def test_a_crossing_ends_as_the_notary_says() -> None:
    """Own grant on its way, the withdrawal was first."""
    log = [
        logged(Event.SUBMIT, number=1),
        logged(Event.GRANT, WAITING),
        logged(Event.WITHDRAW),
    ]
    assert fold(log).state is State.WITHDRAWN
    taken_back = [log[0], logged(Event.GRANT, REFUSED), logged(Event.WITHDRAW, number=2)]
    assert fold(taken_back) == fold(log)
    other_way = [log[0], logged(Event.GRANT, number=2), logged(Event.WITHDRAW, REFUSED)]
    assert fold(other_way).state is State.GRANTED


def test_what_counts_and_does_not_fit_is_named() -> None:
    log = [logged(Event.SUBMIT, number=1), logged(Event.AGREE, number=2)]
    assert fold(log).unfit == (1,)
    assert fold(log).state is State.SUBMITTED


@st.composite
def histories(draw: st.DrawFn) -> list[Logged]:
    """A legal walk, numbered by the notary."""
    state, log = State.DRAFT, []
    for number in range(1, draw(st.integers(1, 12))):
        events = [event for event in Event if (state, event) in MOVES]
        if not events:
            break
        event = draw(st.sampled_from(events))
        log.append(logged(event, number=number))
        state = MOVES[state, event]
    return log


@given(histories(), st.randoms())
def test_the_order_in_which_numbered_events_come_does_not_matter(
    log: list[Logged], shuffle: Any
) -> None:
    mixed = list(log)
    shuffle.shuffle(mixed)
    assert fold(mixed).state is fold(log).state
    assert fold(mixed).unfit == ()


@given(histories())
def test_refused_and_illegal_waiting_events_leave_no_trace(log: list[Logged]) -> None:
    state = fold(log).state
    illegal = [logged(event, WAITING) for event in Event if (state, event) not in MOVES]
    refused = [logged(event, REFUSED) for event in Event]
    assert fold([*refused, *log, *illegal]).state is state


def test_facts_of_a_log() -> None:
    ask, deny = logged(Event.ASK_EXTENSION), logged(Event.DENY_EXTENSION)
    assert asked_extension([ask])
    assert not asked_extension([ask, deny])
    assert asked_extension([ask, deny, ask])
    assert not asked_extension([logged(Event.ASK_EXTENSION, REFUSED)])
    said = [Logged(Event.DISAGREE, side, COUNTED) for side in (Side.APPLICANT, Side.PROVIDER)]
    assert disagreed(said) == {Side.APPLICANT, Side.PROVIDER}
    assert disagreed([*said, logged(Event.NEGOTIATE)]) == frozenset()
