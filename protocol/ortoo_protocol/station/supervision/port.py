"""What an application brings: whom it supervises, what it can count of them, which matters it sees.

A source is one function of one look. What it cannot tell it leaves out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ortoo_protocol.core.supervision.answering import Asked
from ortoo_protocol.core.supervision.facts import Facts, Period, Subject
from ortoo_protocol.core.supervision.leads import Matter
from ortoo_protocol.core.trust import Trust


@dataclass(frozen=True)
class Look:
    """One subject over one period, as of `now_ms`. `party`: who looks."""

    conn: Connection
    trust: Trust
    party: str
    subject: Subject
    period: Period
    now_ms: int


FactSource = Callable[[Look], Facts]
MatterSource = Callable[[Look], Sequence[Matter]]


@dataclass(frozen=True)
class Sources:
    """`subjects`: with their names, in the order in which they are listed. `requests`: those that
    were asked of the subject within the period. `matters`: by the name that rules use."""

    subjects: Callable[[Trust], Mapping[Subject, str]]
    facts: tuple[FactSource, ...] = ()
    requests: Callable[[Look], Sequence[Asked]] = lambda _look: ()
    matters: Mapping[str, MatterSource] = field(default_factory=dict)
