"""Evaluation (考评, art. 31): points from facts, by a standard that is data.

Whole numbers only, in thousandths of a point, so that whoever counts again gets the same. Every
figure that entered is part of the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ortoo_protocol.core.codec import Packed, Shape
from ortoo_protocol.core.errors import SupervisionStandard
from ortoo_protocol.core.supervision.facts import BY_NAME, Facts, Subject, permille
from ortoo_protocol.core.supervision.leads import BY_CODE

MAX_INDICATORS = 60
POINT = 1_000  # thousandths


class Indicator(Packed, frozen=True):
    """`weight` points for `part` of `whole` (a share, in permille), or for the bare figure `part`
    (`whole` empty). None at `zero` and beyond, all at `full` and beyond, in between in proportion;
    where `zero` is above `full`, less is better. `title` empty: the built-in one of this code."""

    code: str
    title: str
    weight: int
    part: str
    whole: str
    zero: int
    full: int


class Bound(Packed, frozen=True):
    """How many matters make a lead of this rule; 0 puts the rule out of use."""

    rule: str
    at_least: int


class Standard(Shape, frozen=True):
    """考评标准: indicators, and the bounds of leads that differ from what is built in."""

    indicators: tuple[Indicator, ...]
    bounds: tuple[Bound, ...] = ()


BUILT_IN = Standard(
    indicators=(
        Indicator("coverage", "", 15, "supplied", "shareable", 300, 1_000),
        Indicator("fresh", "", 20, "fresh", "promised", 500, 950),
        Indicator("changes", "", 5, "changes_late", "changes_due", 500, 0),
        Indicator("answers", "", 20, "answers_in_time", "answers_due", 600, 1_000),
        Indicator("granted", "", 10, "granted", "decided", 300, 900),
        Indicator("corrections", "", 5, "corrections_in_time", "corrections_due", 600, 1_000),
        Indicator("quality", "", 5, "tasks_settled", "tasks", 300, 1_000),
        Indicator("submissions", "", 5, "submissions_in_time", "submissions_due", 0, 1_000),
        Indicator("rectified", "", 10, "notices_mended", "notices_due", 0, 1_000),
        Indicator("contacts", "", 5, "contacts_current", "contacts", 0, 1_000),
    ),
)  # fmt: skip


class Score(Packed, frozen=True):
    """Of one indicator: the figures that entered, the share or figure that was looked at, and what
    it gave. `applies` false: there was nothing to judge, and its weight is not counted."""

    code: str
    applies: bool
    part: int
    whole: int
    value: int
    points: int  # thousandths
    weight: int


class Evaluated(Packed, frozen=True):
    """`total`: thousandths of a point of 100, over the weights that apply. `rank` 0: nothing of the
    standard applies."""

    party: str
    department: str
    scores: tuple[Score, ...]
    points: int
    weight: int
    total: int
    rank: int


def check_standard(standard: Standard) -> Standard:
    """Raises SupervisionStandard."""
    codes = [each.code for each in standard.indicators]
    if not 1 <= len(codes) <= MAX_INDICATORS or len(set(codes)) != len(codes):
        raise SupervisionStandard(subject="indicators", detail=f"1 to {MAX_INDICATORS}, each once")
    for each in standard.indicators:
        _check_indicator(each)
    rules = [each.rule for each in standard.bounds]
    if len(set(rules)) != len(rules):
        raise SupervisionStandard(subject="bounds", detail="a rule stands twice")
    for bound in standard.bounds:
        if bound.rule not in BY_CODE:
            raise SupervisionStandard(subject=bound.rule, detail="no such rule")
        if not 0 <= bound.at_least <= 10_000:
            raise SupervisionStandard(subject=bound.rule, detail="0 to 10000")
    return standard


def _check_indicator(each: Indicator) -> None:
    if not each.code.strip():
        raise SupervisionStandard(subject="indicators", detail="one has no code")
    for name in (each.part, each.whole):
        if name and name not in BY_NAME:
            raise SupervisionStandard(subject=each.code, detail=f"no such fact: {name}")
    if not each.part:
        raise SupervisionStandard(subject=each.code, detail="it names no fact")
    if not 1 <= each.weight <= 1_000:
        raise SupervisionStandard(subject=each.code, detail="its weight: 1 to 1000")
    if each.zero == each.full or min(each.zero, each.full) < 0:
        raise SupervisionStandard(subject=each.code, detail="zero and full differ, neither below 0")


def score(indicator: Indicator, facts: Facts) -> Score:
    """The points of one indicator; proportional and rounded down between its bounds."""
    part, whole = facts.get(indicator.part), facts.get(indicator.whole)
    judged = part is not None and (not indicator.whole or bool(whole))
    if part is None or not judged:
        return Score(indicator.code, False, part or 0, whole or 0, 0, 0, indicator.weight)
    value = permille(part, whole) if indicator.whole and whole else part
    span = indicator.full - indicator.zero
    gone = value - indicator.zero
    if span < 0:
        span, gone = -span, -gone
    points = indicator.weight * POINT * min(max(gone, 0), span) // span
    return Score(indicator.code, True, part, whole or 0, value, points, indicator.weight)


def evaluate(standard: Standard, known: Mapping[Subject, Facts]) -> list[Evaluated]:
    """Everybody's points, the best first; equal totals share a rank."""
    judged = [_judged(standard, subject, facts) for subject, facts in known.items()]
    judged.sort(key=lambda each: (not each.weight, -each.total, each.party, each.department))
    return [_ranked(each, judged) for each in judged]


def _judged(standard: Standard, subject: Subject, facts: Facts) -> Evaluated:
    scores = tuple(score(each, facts) for each in standard.indicators)
    points = sum(each.points for each in scores if each.applies)
    weight = sum(each.weight for each in scores if each.applies)
    total = 100 * points // weight if weight else 0
    return Evaluated(subject.party, subject.department, scores, points, weight, total, 0)


def _ranked(one: Evaluated, judged: Sequence[Evaluated]) -> Evaluated:
    if not one.weight:
        return one
    better = sum(each.total > one.total for each in judged if each.weight)
    return Evaluated(
        one.party, one.department, one.scores, one.points, one.weight, one.total, better + 1
    )


def bounds_of(standard: Standard) -> Mapping[str, int]:
    return MappingProxyType({each.rule: each.at_least for each in standard.bounds})
