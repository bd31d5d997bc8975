"""The state of a case is what its events add up to: the notary's in the notary's order, then a
party's own that are still on their way. So a later word from the notary changes the order, and an
event that was refused leaves no trace in the state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ortoo_protocol.core.cases.table import MOVES, Event, Side, State

COUNTED, WAITING, REFUSED = "counted", "waiting", "refused"


@dataclass(frozen=True)
class Logged:
    """One event in the order in which this party came to know it. `number`: its place in the
    notary's order, 0 while unknown or where no notary is."""

    event: Event
    side: Side
    status: str
    number: int = 0


@dataclass(frozen=True)
class Folded:
    """`unfit`: places in the log of events that count and do not fit: the two sides differ."""

    state: State
    unfit: tuple[int, ...]


def fold(log: Sequence[Logged]) -> Folded:
    """The state that `log` leads to."""
    state, unfit = State.DRAFT, []
    for place in _in_order(log):
        after = MOVES.get((state, log[place].event))
        if after is not None:
            state = after
        elif log[place].status == COUNTED:
            unfit.append(place)
    return Folded(state, tuple(unfit))


def _in_order(log: Sequence[Logged]) -> list[int]:
    """Numbered events by number; those without one where they came; then the end of the grant,
    which a side may know by itself before the notary says what came first; what waits at last."""
    ends = [place for place, each in enumerate(log) if _is_own_end(each)]
    counted = [
        place for place, each in enumerate(log) if each.status == COUNTED and not _is_own_end(each)
    ]
    numbered = sorted(
        (place for place in counted if log[place].number), key=lambda place: log[place].number
    )
    free = iter(numbered)
    placed = [next(free) if log[place].number else place for place in counted]
    return [*placed, *ends, *(place for place, each in enumerate(log) if each.status == WAITING)]


def _is_own_end(logged: Logged) -> bool:
    end = logged.event in (Event.END, Event.EXPIRE)
    return end and logged.status == COUNTED and not logged.number


def asked_extension(log: Iterable[Logged]) -> bool:
    """Whether an extension is asked for and not answered."""
    asked = False
    for each in log:
        if each.status != REFUSED and each.event in _EXTENSION:
            asked = each.event is Event.ASK_EXTENSION
    return asked


_EXTENSION = frozenset((Event.ASK_EXTENSION, Event.EXTEND, Event.DENY_EXTENSION))


def disagreed(log: Iterable[Logged]) -> frozenset[Side]:
    """Who said in the negotiation that there is no agreement."""
    said: frozenset[Side] = frozenset()
    for each in log:
        if each.status == REFUSED:
            continue
        if each.event is Event.NEGOTIATE:
            said = frozenset()
        elif each.event is Event.DISAGREE:
            said |= {each.side}
    return said
