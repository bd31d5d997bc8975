"""Leads (线索): what may be one of the first five violations of art. 36, by rules that are data.

A rule says of which matters how many make a lead. A matter is one thing that can be looked up again
(a case, an entry, a clock, a notice), and what proves it goes with the lead. There is one open lead
for a rule and a subject: further matters join it. People decide; what they decided on is not raised
again, only what is new. Nobody is punished by software.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ortoo_protocol.core.errors import SupervisionMove, SupervisionReason
from ortoo_protocol.core.supervision.law import Violation


@dataclass(frozen=True)
class Matter:
    """`ref` names it within its kind; `since_ms`: when it came to be what it is; `detail` as data
    (a day, a state), not as a sentence; `flow`: of its letters in the journal, if not `ref`."""

    kind: str
    ref: str
    since_ms: int
    detail: str = ""
    flow: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.ref}"


@dataclass(frozen=True)
class LeadRule:
    """`matter`: which are counted; `at_least`: how many make a lead."""

    code: str
    violation: Violation
    matter: str
    at_least: int = 1


RULES: tuple[LeadRule, ...] = (
    LeadRule("catalog-none", Violation.CATALOG, "no-catalog"),
    LeadRule("catalog-change", Violation.CATALOG, "change-late"),
    LeadRule("sharing-answer", Violation.SHARING, "answer-late"),
    LeadRule("sharing-supply", Violation.SHARING, "granted-unsupplied"),
    LeadRule("sharing-ended", Violation.SHARING, "end-unfiled"),
    LeadRule("data-stale", Violation.DATA, "entry-stale"),
    LeadRule("data-never", Violation.DATA, "entry-never"),
    LeadRule("data-correction", Violation.DATA, "correction-late"),
    LeadRule("data-quality", Violation.DATA, "task-late"),
    LeadRule("use-beyond", Violation.USE, "use-refused", at_least=3),
    LeadRule("use-suspended", Violation.USE, "suspension"),
    LeadRule("rectify-late", Violation.RECTIFICATION, "notice-late"),
)  # fmt: skip
BY_CODE: Mapping[str, LeadRule] = MappingProxyType({each.code: each for each in RULES})
ENTERED = "entered"  # the rule of what people entered themselves


@dataclass(frozen=True)
class Found:
    rule: LeadRule
    matters: tuple[Matter, ...]  # the oldest first


def find(
    matters: Mapping[str, Sequence[Matter]],
    settled: Collection[tuple[str, str]],
    bounds: Mapping[str, int],
    rules: Sequence[LeadRule] = RULES,
) -> list[Found]:
    """Which rules are met by one subject. `settled`: (rule, matter key) that people decided on;
    `bounds`: how many make a lead where that was changed, by rule; 0 puts a rule out of use."""
    found = []
    for rule in rules:
        at_least = bounds.get(rule.code, rule.at_least)
        left = {m.key: m for m in matters.get(rule.matter, ()) if (rule.code, m.key) not in settled}
        if at_least and len(left) >= at_least:
            ordered = sorted(left.values(), key=lambda each: (each.since_ms, each.key))
            found.append(Found(rule, tuple(ordered)))
    return found


class State(enum.Enum):
    OPEN = "open"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    NOTICED = "noticed"  # a written notice was issued on it


class Event(enum.Enum):
    JOIN = "join"  # the rule found more
    CONFIRM = "confirm"
    DISMISS = "dismiss"
    NOTICE = "notice"


# Everything that affects the machine stands here; what is not listed is refused.
MOVES = MappingProxyType(
    {
        (State.OPEN, Event.JOIN): State.OPEN,
        (State.OPEN, Event.CONFIRM): State.CONFIRMED,
        (State.OPEN, Event.DISMISS): State.DISMISSED,
        (State.CONFIRMED, Event.DISMISS): State.DISMISSED,
        (State.CONFIRMED, Event.NOTICE): State.NOTICED,
    }
)


def move(state: State, event: Event) -> State:
    """The state after `event`. Raises SupervisionMove."""
    try:
        return MOVES[state, event]
    except KeyError:
        raise SupervisionMove(document="lead", state=state.value, event=event.value) from None


def check_decision(event: Event, by: str, reason: str) -> None:
    """Who and why are needed, to confirm as to dismiss. Raises SupervisionReason."""
    if not by.strip() or not reason.strip():
        raise SupervisionReason(event=event.value)
