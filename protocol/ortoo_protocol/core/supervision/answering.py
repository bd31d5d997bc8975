"""Answer times (答复时限) from the rows of cases: how many, how fast, how many too late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

GRANTED, REFUSED, WITHDRAWN, WAITING = "granted", "refused", "withdrawn", "waiting"


@dataclass(frozen=True)
class Asked:
    """One request. `answered_ms` 0: not yet. `due_ms`: end of the last day, 0: no clock runs (an
    unconditional resource that the software granted at once). `by_people`: somebody decided."""

    case: str
    opened_ms: int
    outcome: str
    answered_ms: int = 0
    due_ms: int = 0
    reason: str = ""
    by_people: bool = True


def is_late(asked: Asked, now_ms: int) -> bool:
    """A withdrawn request is nobody's delay after the withdrawal."""
    if not asked.due_ms:
        return False
    return (asked.answered_ms or now_ms) >= asked.due_ms


def is_due(asked: Asked, now_ms: int) -> bool:
    """It was answered, or should have been by now: what is still in time counts neither way."""
    if not asked.due_ms or asked.outcome == WITHDRAWN:
        return False
    return bool(asked.answered_ms) or now_ms >= asked.due_ms


def counted(requests: Iterable[Asked], now_ms: int) -> dict[str, int]:
    """The facts of the group "answering". Times only where somebody answered."""
    several = list(requests)
    outcomes = Counter(each.outcome for each in several)
    due = [each for each in several if is_due(each, now_ms)]
    late = sum(is_late(each, now_ms) for each in due)
    found = {
        "asked": len(several),
        "granted": sum(e.outcome == GRANTED and e.by_people for e in several),
        "refused": outcomes[REFUSED],
        "withdrawn": outcomes[WITHDRAWN],
        "waiting": outcomes[WAITING],
        "decided": sum(e.outcome in (GRANTED, REFUSED) and e.by_people for e in several),
        "answers_due": len(due),
        "answers_late": late,
        "answers_in_time": len(due) - late,
    }
    took = sorted(
        each.answered_ms - each.opened_ms
        for each in several
        if each.by_people and each.outcome in (GRANTED, REFUSED)
    )
    if took:
        found["answer_median_ms"] = nearest(took, 50)
        found["answer_p90_ms"] = nearest(took, 90)
    return found


def nearest(ordered: Sequence[int], percent: int) -> int:
    """The nearest-rank percentile: the least value that `percent` of 100 do not exceed."""
    rank = -(-percent * len(ordered) // 100)
    return ordered[max(rank, 1) - 1]


def reasons(requests: Iterable[Asked]) -> list[tuple[str, int]]:
    """Why was refused, the most frequent first."""
    said = Counter(each.reason for each in requests if each.outcome == REFUSED)
    return sorted(said.items(), key=lambda pair: (-pair[1], pair[0]))
