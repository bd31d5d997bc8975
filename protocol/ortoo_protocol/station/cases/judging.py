"""Whether an event may happen to a case now; the same question at applicant, provider and hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ortoo_protocol.core.cases import Answer, Duty, Event, Facts, Logged, Side, State, move
from ortoo_protocol.core.cases.log import asked_extension, disagreed
from ortoo_protocol.core.cases.needs import check_needs, check_side
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.station import clocks
from ortoo_protocol.station.context import Tx


@dataclass(frozen=True)
class Subject:
    """What a case is about, as far as rules and clocks ask. `authority`: the party whose people
    coordinate: the hub, or the one station of two of its departments."""

    case: str
    share_type: int
    provider: str
    provider_department: str
    authority: str

    @property
    def clock_subject(self) -> str:
        return f"case:{self.case}"


def judge(
    tx: Tx,
    subject: Subject,
    log: Sequence[Logged],
    state: State,
    event: Event,
    side: Side,
    *,
    answer: Answer | None = None,
) -> State:
    """The state after `event`, taken now by `side`.

    Raises CaseMove, CaseSide, CaseUnconditional, CaseGround, CaseRule, CaseNotAsked, CaseEarly.
    """
    check_side(event, side)
    after = move(state, event)
    facts = Facts(
        profile=profile_named(tx.trust.profile),
        share_type=subject.share_type,
        state=state,
        at_ms=tx.now_ms,
        due_ms=due_ms(tx.conn, subject),
        disagreed=disagreed(log),
        asked=asked_extension(log),
    )
    check_needs(event, facts, answer)
    return after


def due_ms(conn: Connection, subject: Subject) -> dict[Duty, int]:
    """When the clocks of a case run out or ran out, by duty."""
    found = clocks.of(conn, subject.clock_subject)
    duties = {duty.value: duty for duty in Duty}
    return {
        duties[clock.duty]: clock.due_ms
        for clock in found
        if clock.duty in duties and clock.due_ms is not None
    }
