"""Supervision without a store: machines, answer times, leads, points."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ortoo_protocol.core.codec import decode, encode
from ortoo_protocol.core.errors import (
    CaseField,
    SupervisionField,
    SupervisionMove,
    SupervisionReason,
    SupervisionStandard,
)
from ortoo_protocol.core.supervision import answering, facts, law, leads, notices, scores
from ortoo_protocol.core.supervision import half_years as periods
from ortoo_protocol.core.supervision import submissions as half_years
from ortoo_protocol.core.supervision.answering import GRANTED, REFUSED, WAITING, WITHDRAWN, Asked
from ortoo_protocol.core.supervision.facts import BY_NAME, SHARES, Subject, Unit
from ortoo_protocol.core.supervision.leads import LeadRule, Matter
from ortoo_protocol.core.supervision.notices import NoticeIssued, NoticeMoved, Step
from ortoo_protocol.core.supervision.scores import Bound, Indicator, Standard
from ortoo_protocol.core.supervision.submissions import Figure, Passage, SubmissionSent

HOUR = 3_600_000
MACHINES: list[tuple[Any, Any, Any, Callable[[Any, Any], Any]]] = [
    (leads.State, leads.Event, leads.MOVES, leads.move),
    (notices.State, notices.Event, notices.MOVES, notices.move),
    (half_years.State, half_years.Event, half_years.MOVES, half_years.move),
]


# --- machines -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("states", "events", "moves", "move"), MACHINES)
def test_what_the_table_does_not_list_is_refused(
    states: Any, events: Any, moves: Any, move: Callable[[Any, Any], Any]
) -> None:
    for state, event in itertools.product(states, events):
        if (state, event) in moves:
            assert move(state, event) is moves[state, event]
        else:
            with pytest.raises(SupervisionMove):
                move(state, event)


def test_ends_lead_nowhere() -> None:
    for state in (*notices.SETTLED, half_years.State.ACCEPTED):
        for _, events, moves, _ in MACHINES[1:]:
            assert not any((state, event) in moves for event in events)
    assert not any(before is leads.State.DISMISSED for before, _ in leads.MOVES)


def test_every_move_of_a_notice_has_a_duty_and_each_side_its_own() -> None:
    assert set(notices.DUTIES) == set(notices.Event)
    for _, event in notices.MOVES:
        own = event in (notices.Event.ACKNOWLEDGE, notices.Event.ANSWER)
        side = notices.Side.SUBJECT if own else notices.Side.AUTHORITY
        assert notices.DUTIES[event].side is side


histories = st.lists(st.sampled_from(notices.Event), max_size=8)


@given(histories, st.integers(1, 50))
def test_lateness_is_monotonous_and_never_beside_the_state(
    events: list[notices.Event], due: int
) -> None:
    state, steps = notices.State.ISSUED, [Step(notices.Event.ISSUE, 0)]
    for time, event in enumerate(events, 1):
        if (state, event) in notices.MOVES:
            state = notices.move(state, event)
            steps.append(Step(event, time))
    assert notices.state_of(steps) is state
    late = [notices.is_late(steps, due, now) for now in range(len(events) + 1, 60)]
    assert late == sorted(late), "what is late is not in time again by waiting"
    if state is notices.State.REVOKED:
        assert not any(late)
    if state in (notices.State.ANSWERED, notices.State.VERIFIED):
        assert notices.mended_ms(steps) == max(
            step.time_ms for step in steps if step.event is notices.Event.ANSWER
        )
        assert set(late) == {notices.mended_ms(steps) >= due}
    elif state is not notices.State.REVOKED:
        assert notices.mended_ms(steps) == 0


def test_the_authoritys_time_to_look_is_not_the_departments() -> None:
    steps = [Step(notices.Event.ISSUE, 0), Step(notices.Event.ANSWER, 10)]
    assert not notices.is_late([*steps, Step(notices.Event.VERIFY, 99)], due_ms=11, now_ms=100)
    assert notices.is_late([*steps, Step(notices.Event.RETURN, 99)], due_ms=10, now_ms=100)


# --- answer times -------------------------------------------------------------------------------


def asked(number: int, took: int | None, *, due: int = 10, outcome: str = GRANTED) -> Asked:
    opened = 1_000
    answered = 0 if took is None else opened + took
    known = WAITING if took is None else outcome
    return Asked(str(number), opened, known, answered, opened + due if due else 0, "理由")


def test_answer_times() -> None:
    requests = [
        *(asked(n, n) for n in range(10)),  # in time: midnight belongs to the next day
        asked(11, 10, outcome=REFUSED),
        asked(12, None),
        asked(13, 50, outcome=WITHDRAWN),
        asked(14, 0, due=0),
    ]
    found = answering.counted(requests, 1_009)
    assert found["asked"] == 14
    assert (found["granted"], found["refused"], found["withdrawn"]) == (11, 1, 1)
    assert (found["answers_due"], found["answers_late"], found["answers_in_time"]) == (11, 1, 10)
    assert (found["answer_median_ms"], found["answer_p90_ms"]) == (4, 9)
    assert answering.counted(requests, 1_010)["answers_late"] == 2, "the one that waits is due"
    assert answering.reasons(requests) == [("理由", 1)]


def test_what_software_grants_at_once_is_nobodys_answer_time() -> None:
    automatic = Asked("1", 5, GRANTED, 5, by_people=False)
    found = answering.counted([automatic], 9)
    assert (found["asked"], found["granted"], found["decided"]) == (1, 0, 0)
    assert "answer_median_ms" not in found


@given(st.lists(st.integers(0, 1_000), min_size=1), st.integers(1, 100))
def test_percentiles_are_values_that_so_many_do_not_exceed(values: list[int], part: int) -> None:
    ordered = sorted(values)
    found = answering.nearest(ordered, part)
    assert found in ordered
    assert sum(value <= found for value in ordered) * 100 >= part * len(ordered)
    below = [value for value in ordered if value < found]
    assert len(below) * 100 < part * len(ordered)


requests = st.builds(
    Asked,
    case=st.text(max_size=3),
    opened_ms=st.integers(0, 100),
    outcome=st.sampled_from((GRANTED, REFUSED, WITHDRAWN)),
    answered_ms=st.integers(100, 200),
    due_ms=st.integers(0, 200),
)


@given(st.lists(requests), st.integers(200, 300))
def test_counts_add_up(several: list[Asked], now: int) -> None:
    found = answering.counted(several, now)
    assert found["answers_late"] + found["answers_in_time"] == found["answers_due"]
    assert found["granted"] + found["refused"] == found["decided"]
    assert found["decided"] + found["withdrawn"] + found["waiting"] == found["asked"]


# --- facts --------------------------------------------------------------------------------------


def test_the_table_of_facts() -> None:
    assert len(BY_NAME) == len(facts.FACTS)
    assert {each.group for each in facts.FACTS} == set(facts.GROUPS)
    shares = {each.name for each in facts.FACTS if each.unit is Unit.PERMILLE}
    assert shares == set(SHARES)
    for part, whole in SHARES.values():
        assert {part, whole} <= BY_NAME.keys()


def test_shares_and_sums() -> None:
    one = facts.with_shares({"shareable": 4, "supplied": 1, "entries": 5})
    assert one["coverage_permille"] == 250
    assert "coverage_permille" not in facts.with_shares({"shareable": 0, "supplied": 0})
    assert "coverage_permille" not in facts.with_shares({"shareable": 3}), "unknown is not zero"
    whole = facts.summed([one, {"shareable": 4, "supplied": 4, "answer_median_ms": 9}])
    assert whole == {"entries": 5, "shareable": 8, "supplied": 5, "coverage_permille": 625}


# --- leads --------------------------------------------------------------------------------------

RULE = LeadRule("some", law.Violation.DATA, "stale", at_least=2)
matters = st.lists(
    st.builds(
        Matter, kind=st.just("entry"), ref=st.sampled_from("abcdef"), since_ms=st.integers(0, 9)
    )
)


@given(matters, st.sets(st.sampled_from("abcdef")), st.integers(0, 4))
def test_a_lead_needs_enough_that_nobody_decided_on(
    several: list[Matter], decided: set[str], bound: int
) -> None:
    settled = {("some", f"entry:{ref}") for ref in decided}
    found = leads.find({"stale": several}, settled, {"some": bound}, [RULE])
    left = {each.key for each in several} - {key for _, key in settled}
    assert bool(found) == (bound > 0 and len(left) >= bound)
    for each in found:
        assert {matter.key for matter in each.matters} == left
        assert list(each.matters) == sorted(each.matters, key=lambda m: (m.since_ms, m.key))


def test_each_of_five_violations_has_a_rule_and_the_sixth_has_none() -> None:
    assert {rule.violation for rule in leads.RULES} == set(law.Violation) - {law.Violation.OTHER}
    assert len(leads.BY_CODE) == len(leads.RULES)
    assert leads.ENTERED not in leads.BY_CODE


def test_a_decision_needs_who_and_why() -> None:
    for by, reason in (("", "why"), ("甲", " ")):
        with pytest.raises(SupervisionReason):
            leads.check_decision(leads.Event.CONFIRM, by, reason)


def test_every_profile_cites_an_article_for_each_violation() -> None:
    for profile in ("NM2018", "SC2025", "another"):
        known = law.law_of(profile)
        assert all(known.violations[each].strip() for each in law.Violation)
    assert law.law_of("another") is law.law_of("NM2018")


# --- letters ------------------------------------------------------------------------------------

ISSUED = NoticeIssued(
    notice="a" * 32,
    number="内数通〔2026〕3号",
    party="s150700",
    department="",
    violation=3,
    article="Measures art. 36 (3)",
    title="数据未及时更新",
    found="三个资源超期",
    demands="限期更新",
    days=10,
    due_ms=1,
    leads=("b" * 32,),
    evidence=(notices.Evidence("entry", "3/1@4", 1, "每日", 0, b"", b"", b"h" * 32),),
    handler="甲",
    approver="乙",
)


def test_a_notice_crosses_as_it_is() -> None:
    assert decode(encode(notices.check_issued(ISSUED)), NoticeIssued) == ISSUED


@pytest.mark.parametrize(
    "wrong",
    [
        {"violation": 7},
        {"found": " "},
        {"demands": ""},
        {"days": 0},
        {"days": 400},
        {"number": "号" * 101},
        {"approver": "甲"},
        {"handler": ""},
        {"evidence": ISSUED.evidence * 201},
    ],
)
def test_notices_that_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SupervisionField):
        notices.check_issued(replace(ISSUED, **wrong))


def test_texts_are_bounded() -> None:
    with pytest.raises(CaseField):
        notices.check_issued(replace(ISSUED, found="长" * 5_000))


MOVED = NoticeMoved(
    notice="a" * 32, place=1, event="answer", text="已更新", handler="甲", approver="乙"
)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"event": "issue"}, SupervisionField),
        ({"event": "forget"}, SupervisionField),
        ({"place": 0}, SupervisionField),
        ({"text": " "}, SupervisionReason),
        ({"handler": ""}, SupervisionReason),
        ({"approver": "甲"}, SupervisionField),
    ],
)
def test_moves_that_are_refused(wrong: dict[str, Any], error: type[Exception]) -> None:
    notices.check_move(MOVED)
    with pytest.raises(error):
        notices.check_move(replace(MOVED, **wrong))


def test_to_acknowledge_needs_a_name_alone() -> None:
    notices.check_move(replace(MOVED, event="acknowledge", text="", approver=""))


SENT = SubmissionSent(
    submission="a" * 32,
    round=1,
    figures=(Figure("entries", 5, 5, ""), Figure("items", 20, 21, "一项漏报")),
    passages=(Passage("implementation", "已落实"), Passage("effect", "减少材料")),
    handler="甲",
    approver="乙",
)


@pytest.mark.parametrize(
    "wrong",
    [
        {"passages": SENT.passages[:1]},
        {"passages": (*SENT.passages, Passage("other", "x"))},
        {"passages": SENT.passages * 2},
        {"figures": (Figure("entries", 5, 6, ""),)},
        {"figures": (Figure("entries", 5, -1, "负"),)},
        {"figures": (Figure("unheard-of", 5, 5, ""),)},
        {"figures": SENT.figures * 2},
        {"approver": ""},
        {"round": 0},
    ],
)
def test_submissions_that_are_refused(wrong: dict[str, Any]) -> None:
    assert decode(encode(half_years.check_sent(SENT)), SubmissionSent) == SENT
    with pytest.raises(SupervisionField):
        half_years.check_sent(replace(SENT, **wrong))


def test_half_years_by_civil_time() -> None:
    first, second = periods.half_year("2026H1"), periods.half_year("2026H2")
    assert first.until_ms == second.from_ms
    year = periods.period_named("2026")
    assert (year.from_ms, year.until_ms) == (first.from_ms, second.until_ms)
    assert periods.half_year_of(first.from_ms) == "2026H1"
    assert periods.half_year_of(first.from_ms - 1) == "2025H2"
    assert periods.half_year_of(second.until_ms - 1) == "2026H2"
    for wrong in ("2026", "2026H3", "1999H1", "2026h1", " 2026H1", "2026H1\n", "２026H1"):
        with pytest.raises(SupervisionField):
            periods.half_year(wrong)


# --- points -------------------------------------------------------------------------------------

SHARE = Indicator("s", "", 10, "supplied", "shareable", 300, 900)
LESS = Indicator("l", "", 10, "answers_late", "", 4, 0)


@pytest.mark.parametrize(
    ("known", "points"),
    [
        ({"supplied": 9, "shareable": 10}, 10_000),
        ({"supplied": 10, "shareable": 10}, 10_000),
        ({"supplied": 3, "shareable": 10}, 0),
        ({"supplied": 0, "shareable": 10}, 0),
        ({"supplied": 6, "shareable": 10}, 5_000),
        ({"supplied": 1, "shareable": 3}, 550),
    ],
)
def test_points_of_a_share(known: dict[str, int], points: int) -> None:
    found = scores.score(SHARE, known)
    assert (found.applies, found.points) == (True, points)
    assert (found.part, found.whole) == (known["supplied"], known["shareable"])


def test_less_may_be_better() -> None:
    given = [scores.score(LESS, {"answers_late": n}).points for n in range(6)]
    assert given == [10_000, 7_500, 5_000, 2_500, 0, 0]


def test_what_cannot_be_judged_weighs_nothing() -> None:
    standard = Standard(indicators=(SHARE, LESS))
    known = {
        Subject("s150100"): {"supplied": 9, "shareable": 10, "answers_late": 4},
        Subject("s150200"): {"answers_late": 2},
        Subject("s150300"): {"shareable": 0, "supplied": 0},
        Subject("s150400"): {"answers_late": 2},
    }
    found = {each.party: each for each in scores.evaluate(standard, known)}
    assert [each.party for each in scores.evaluate(standard, known)][-1] == "s150300"
    totals = {party: (each.total, each.weight, each.rank) for party, each in found.items()}
    assert totals == {
        "s150100": (50_000, 20, 1),
        "s150200": (50_000, 10, 1),
        "s150400": (50_000, 10, 1),
        "s150300": (0, 0, 0),
    }


figures = st.dictionaries(
    st.sampled_from(sorted(BY_NAME)), st.integers(0, 10_000), min_size=5, max_size=40
)


@given(st.dictionaries(st.sampled_from(["s150100", "s150200", "s150300"]), figures, min_size=1))
def test_evaluation_is_bounded_ordered_and_the_same_again(
    known: dict[str, dict[str, int]],
) -> None:
    subjects = {Subject(party): each for party, each in known.items()}
    found = scores.evaluate(scores.BUILT_IN, subjects)
    again = scores.evaluate(scores.BUILT_IN, dict(reversed(subjects.items())))
    assert found == again
    assert all(0 <= each.total <= 100_000 for each in found)
    ranked = [each for each in found if each.rank]
    assert [each.total for each in ranked] == sorted((e.total for e in ranked), reverse=True)
    for each in ranked:
        assert each.rank == 1 + sum(other.total > each.total for other in ranked)
        assert each.points == sum(score.points for score in each.scores if score.applies)


def test_the_built_in_standard_is_in_order_and_of_a_hundred() -> None:
    scores.check_standard(scores.BUILT_IN)
    assert sum(each.weight for each in scores.BUILT_IN.indicators) == 100
    assert decode(encode(scores.BUILT_IN), Standard) == scores.BUILT_IN


@pytest.mark.parametrize(
    "wrong",
    [
        Standard(indicators=()),
        Standard(indicators=(SHARE, SHARE)),
        Standard(indicators=(replace(SHARE, part="nothing"),)),
        Standard(indicators=(replace(SHARE, whole="nothing"),)),
        Standard(indicators=(replace(SHARE, part=""),)),
        Standard(indicators=(replace(SHARE, weight=0),)),
        Standard(indicators=(replace(SHARE, zero=900),)),
        Standard(indicators=(replace(SHARE, zero=-1),)),
        Standard(indicators=(SHARE,), bounds=(Bound("nothing", 1),)),
        Standard(indicators=(SHARE,), bounds=(Bound("data-stale", -1),)),
        Standard(indicators=(SHARE,), bounds=(Bound("data-stale", 1), Bound("data-stale", 2))),
    ],
)
def test_standards_that_are_refused(wrong: Standard) -> None:
    with pytest.raises(SupervisionStandard):
        scores.check_standard(wrong)
