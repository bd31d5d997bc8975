"""What an event needs beside the state: what the rule profile allows, and what went before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ortoo_protocol.core.cases.bodies import Answer
from ortoo_protocol.core.cases.table import STEPS, Duty, Event, Need, Side, State
from ortoo_protocol.core.catalog.names import says_nothing
from ortoo_protocol.core.errors import (
    CaseEarly,
    CaseGround,
    CaseNotAsked,
    CaseRule,
    CaseSide,
    CaseUnconditional,
)
from ortoo_protocol.core.law.profiles import Profile, Term
from ortoo_protocol.core.law.share_types import NOT_SHARED, UNCONDITIONAL

GROUNDS = ("法律", "行政法规", "国务院决定")  # of a refusal (Decree 809 art. 14, 15)


@dataclass(frozen=True)
class Facts:
    """What is known of a case at the moment of an event. `due_ms`: of its clocks that were
    started, when they run out."""

    profile: Profile
    share_type: int
    state: State
    at_ms: int
    due_ms: Mapping[Duty, int]
    disagreed: frozenset[Side] = frozenset()
    asked: bool = False


def opening(share_type: int) -> Event:
    """What an application is: a request, or of what is not shared the beginning of a negotiation
    (art. 19)."""
    return Event.NEGOTIATE if share_type == NOT_SHARED else Event.SUBMIT


def term_of(duty: Duty, profile: Profile, share_type: int) -> Term:
    sharing = profile.sharing
    if duty is Duty.ANSWER and share_type == UNCONDITIONAL:
        return sharing.answer_open
    return {
        Duty.ANSWER: sharing.answer,
        Duty.NEGOTIATION: sharing.negotiation,
        Duty.COORDINATION: sharing.coordination,
        Duty.DELIVERY: sharing.delivery,
    }[duty]


def check_side(event: Event, side: Side) -> None:
    if side not in STEPS[event].by:
        raise CaseSide(event=event.value, side=side.value)


def check_needs(event: Event, facts: Facts, answer: Answer | None = None) -> None:
    """Raises CaseUnconditional, CaseGround, CaseRule, CaseNotAsked, CaseEarly."""
    for need in Need:  # in their order, so that the same one is named everywhere
        if need in STEPS[event].needs and need in _CHECKS:
            _CHECKS[need](facts, answer)


def _limited(facts: Facts, _answer: Answer | None) -> None:
    if facts.share_type == UNCONDITIONAL:
        raise CaseUnconditional(article=facts.profile.sharing.answer_open.article)


def _ground(facts: Facts, answer: Answer | None) -> None:
    rule = facts.profile.sharing.refusal_basis
    if answer is None or facts.share_type not in rule.share_types:
        return
    if answer.ground_kind not in GROUNDS or says_nothing(answer.ground):
        raise CaseGround(article=rule.article)


def _returning(facts: Facts, _answer: Answer | None) -> None:
    if facts.share_type not in facts.profile.sharing.completion.share_types:
        raise CaseRule(profile=facts.profile.name, article=facts.profile.sharing.answer.article)


def _extending(facts: Facts, _answer: Answer | None) -> None:
    term = term_of(Duty.ANSWER, facts.profile, facts.share_type)
    if not term.extension_days:
        raise CaseRule(profile=facts.profile.name, article=term.article)


def _asked(facts: Facts, _answer: Answer | None) -> None:
    if not facts.asked:
        raise CaseNotAsked()


def _answer_due(facts: Facts, _answer: Answer | None) -> None:
    """Silence beyond the term is not to be worse than a refusal."""
    if facts.state in (State.DRAFT, State.REFUSED):
        return
    due_ms = facts.due_ms.get(Duty.ANSWER)
    if due_ms is None or facts.at_ms < due_ms:
        raise CaseEarly(article=facts.profile.sharing.answer.article)


def _no_agreement(facts: Facts, _answer: Answer | None) -> None:
    """Where the profile names no days for the negotiation, one side's word ends it."""
    term = facts.profile.sharing.negotiation
    due_ms = facts.due_ms.get(Duty.NEGOTIATION)
    over = due_ms is not None and facts.at_ms >= due_ms
    sides = {Side.APPLICANT, Side.PROVIDER}
    said = bool(facts.disagreed) if term.days is None else facts.disagreed >= sides
    if not (over or said):
        raise CaseEarly(article=term.article)


def _government(facts: Facts, _answer: Answer | None) -> None:
    if not facts.profile.sharing.then_government:
        article = facts.profile.sharing.coordination.article
        raise CaseRule(profile=facts.profile.name, article=article)


_CHECKS: Mapping[Need, Callable[[Facts, Answer | None], None]] = MappingProxyType(
    {
        Need.LIMITED: _limited,
        Need.GROUND: _ground,
        Need.RETURNING: _returning,
        Need.EXTENDING: _extending,
        Need.ASKED: _asked,
        Need.ANSWER_DUE: _answer_due,
        Need.NO_AGREEMENT: _no_agreement,
        Need.GOVERNMENT: _government,
    }
)
