"""Suspensions and announced ends: every pair of state and event, and what letters have to hold."""

from __future__ import annotations

import itertools

import pytest
from msgspec.structs import replace

from ortoo_protocol.core.errors import (
    CaseField,
    DisposalMove,
    EndingMove,
    OnwardClause,
    OnwardMove,
    SuspensionMove,
)
from ortoo_protocol.core.law.profiles import NM2018, SC2025
from ortoo_protocol.core.use import ending, onward, records, suspension
from ortoo_protocol.core.use.filled import check_filled
from tests.support.forge import NOW_MS
from tests.support.use_bodies import ONWARD, SUSPENDED, USE_BODIES

S, E = suspension.State, suspension.Event
SUSPENSION = {
    (S.NONE, E.SUSPEND): S.SUSPENDED,
    (S.SUSPENDED, E.REPORT): S.REPORTED,
    (S.SUSPENDED, E.RESUME): S.RESUMED,
    (S.SUSPENDED, E.TERMINATE): S.TERMINATED,
    (S.SUSPENDED, E.DROP): S.VOID,
    (S.REPORTED, E.REPORT): S.REPORTED,
    (S.REPORTED, E.REJECT): S.SUSPENDED,
    (S.REPORTED, E.RESUME): S.RESUMED,
    (S.REPORTED, E.TERMINATE): S.TERMINATED,
    (S.REPORTED, E.DROP): S.VOID,
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(S, E)))
def test_every_move_of_a_suspension(state: suspension.State, event: suspension.Event) -> None:
    if (state, event) in SUSPENSION:
        assert suspension.move(state, event) is SUSPENSION[state, event]
    else:
        with pytest.raises(SuspensionMove):
            suspension.move(state, event)


A, W = ending.State, ending.Event
AFTER = {
    W.AGREE: A.AGREED,
    W.OBJECT: A.OBJECTED,
    W.KEEP: A.KEPT,
    W.CARRY_OUT: A.DONE,
    W.DROP: A.VOID,
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(A, W)))
def test_every_move_of_an_announced_end(state: ending.State, event: ending.Event) -> None:
    if (state, event) == (A.NONE, W.ANNOUNCE):
        assert ending.move(state, event) is A.ANNOUNCED
    elif state.value in ending.OPEN and event in AFTER:
        assert ending.move(state, event) is AFTER[event]
    else:
        with pytest.raises(EndingMove):
            ending.move(state, event)


@pytest.mark.parametrize("field", ["reason", "evidence", "by"])
def test_a_suspension_says_why_and_on_what_ground(field: str) -> None:
    suspension.check_suspended(SUSPENDED)
    with pytest.raises(CaseField):
        suspension.check_suspended(replace(SUSPENDED, **{field: " "}))


@pytest.mark.parametrize("days", [0, 366])
def test_a_suspension_has_a_time_limit(days: int) -> None:
    with pytest.raises(CaseField):
        suspension.check_suspended(replace(SUSPENDED, days=days))


def test_an_objection_says_why_and_an_agreement_need_not() -> None:
    agreed = next(body for body in USE_BODIES if isinstance(body, ending.GrantEndingAnswer))
    ending.check_answer(agreed)
    with pytest.raises(CaseField):
        ending.check_answer(replace(agreed, agreed=False))
    with pytest.raises(CaseField):
        check_filled(replace(agreed, reason="很" * 4_001), "by")


def test_what_is_announced_is_an_end_or_a_change() -> None:
    announced = next(body for body in USE_BODIES if isinstance(body, ending.GrantEnding))
    ending.check_ending(replace(announced, what="change"))
    with pytest.raises(CaseField):
        ending.check_ending(replace(announced, what="other"))


D, V = records.State, records.Event
DISPOSAL = {
    (D.NONE, V.DECLARE): D.DECLARED,
    (D.NONE, V.ASK): D.ASKED,
    (D.DECLARED, V.ASK): D.ASKED,
    (D.ASKED, V.ASK): D.ASKED,
    (D.ASKED, V.DECLARE): D.ASKED,
    (D.DECLARED, V.DESTROY): D.DONE,
    (D.ASKED, V.DESTROY): D.DONE,
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(D, V)))
def test_every_move_of_a_disposal(state: records.State, event: records.Event) -> None:
    if (state, event) in DISPOSAL:
        assert records.move(state, event) is DISPOSAL[state, event]
    else:
        with pytest.raises(DisposalMove):
            records.move(state, event)


N, W2 = onward.State, onward.Event
ONWARD_MOVES = {
    (N.NONE, W2.ASK): N.ASKED,
    (N.ASKED, W2.CONSENT): N.CONSENTED,
    (N.ASKED, W2.REFUSE): N.REFUSED,
    (N.ASKED, W2.LAPSE): N.LAPSED,
    (N.ASKED, W2.DROP): N.VOID,
    (N.CONSENTED, W2.REVOKE): N.REVOKED,
    (N.CONSENTED, W2.LAPSE): N.LAPSED,
    (N.CONSENTED, W2.DROP): N.VOID,
    (N.REFUSED, W2.DROP): N.VOID,
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(N, W2)))
def test_every_move_of_a_consent(state: onward.State, event: onward.Event) -> None:
    if (state, event) in ONWARD_MOVES:
        assert onward.move(state, event) is ONWARD_MOVES[state, event]
    else:
        with pytest.raises(OnwardMove):
            onward.move(state, event)


def test_passing_on_is_asked_for_under_the_clause_of_the_profile_and_no_other() -> None:
    rules = SC2025.sharing
    onward.check_ask(ONWARD, rules, NOW_MS)
    for wrong in (replace(ONWARD, clause="Decree 809 art. 24"), replace(ONWARD, clause="")):
        with pytest.raises(OnwardClause):
            onward.check_ask(wrong, rules, NOW_MS)
    with pytest.raises(OnwardClause) as refused:
        onward.check_ask(ONWARD, NM2018.sharing, NOW_MS)
    assert refused.value.facts["article"] == "Measures art. 20"


@pytest.mark.parametrize(
    "change",
    [
        {"until_ms": NOW_MS},
        {"approver": ONWARD.handler},
        {"basis": " "},
        {"form": ""},
        {"resource": "x" * 65},
    ],
)
def test_what_an_ask_has_to_say(change: dict[str, object]) -> None:
    with pytest.raises(CaseField):
        onward.check_ask(replace(ONWARD, **change), SC2025.sharing, NOW_MS)


def test_a_consent_has_an_end_and_a_refusal_a_reason() -> None:
    consent = next(body for body in USE_BODIES if isinstance(body, onward.OnwardAnswer))
    onward.check_answer(consent)
    onward.check_answer(replace(consent, consented=False, until_ms=0, reason="涉及个人隐私"))
    for wrong in (
        replace(consent, until_ms=0),
        replace(consent, consented=False, reason="不同意"),
        replace(consent, consented=False, until_ms=0),
        replace(consent, approver="乙"),
    ):
        with pytest.raises(CaseField):
            onward.check_answer(wrong)
