"""What an event does to the clocks of its case, as the table of steps says."""

from __future__ import annotations

from collections.abc import Sequence

from ortoo_protocol.core.cases import STEPS, Act, Duty, Effect, Event, term_of
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.station import clocks
from ortoo_protocol.station.cases.judging import Subject
from ortoo_protocol.station.context import Tx

RETURNED = "completion"  # why an answer's clock may stand still, as profiles name it


def happened(tx: Tx, subject: Subject, event: Event, at_ms: int) -> None:
    """Carry out the effects of `event`. `at_ms`: the legal instant."""
    for effect in STEPS[event].clocks:
        _carry_out(tx, subject, effect, at_ms)


def anew(tx: Tx, subject: Subject, happened_ms: Sequence[tuple[Event, int]]) -> None:
    """All events of a case and their legal instants, now that their order is another."""

    def happen() -> None:
        for event, at_ms in happened_ms:
            happened(tx, subject, event, at_ms)

    clocks.anew(tx, subject.clock_subject, [duty.value for duty in Duty], happen)


def _carry_out(tx: Tx, subject: Subject, effect: Effect, at_ms: int) -> None:
    name, duty = subject.clock_subject, effect.duty
    match effect.act:
        case Act.START:
            _start(tx, subject, duty, at_ms)
        case Act.STOP:
            clocks.stop(tx, name, duty.value, at_ms)
        case Act.CANCEL:
            clocks.cancel(tx, name, duty.value, at_ms)
        case Act.PAUSE if _stands(tx, subject, duty, at_ms) and _pauses(tx, duty):
            clocks.pause(tx, name, duty.value, at_ms, RETURNED)
        case Act.RESUME if _open_state(tx, subject, duty) == clocks.PAUSED:
            clocks.resume(tx, name, duty.value, at_ms)
        case Act.EXTEND if _open_state(tx, subject, duty) is not None:
            term = term_of(duty, profile_named(tx.trust.profile), subject.share_type)
            clocks.extend(tx, name, duty.value, term.extension_days)


def _start(tx: Tx, subject: Subject, duty: Duty, at_ms: int) -> None:
    """A term without days starts no clock: nothing of it ever runs out."""
    term = term_of(duty, profile_named(tx.trust.profile), subject.share_type)
    if term.days is None:
        return
    party, department = subject.provider, subject.provider_department
    if duty is Duty.COORDINATION:
        party, department = subject.authority, ""
    clocks.start(
        tx,
        subject.clock_subject,
        duty.value,
        term,
        party=party,
        department=department,
        opened_ms=at_ms,
    )


def _stands(tx: Tx, subject: Subject, duty: Duty, at_ms: int) -> bool:
    found = clocks.of(tx.conn, subject.clock_subject)
    return any(clock.duty == duty.value and clocks.stands(clock, at_ms) for clock in found)


def _open_state(tx: Tx, subject: Subject, duty: Duty) -> str | None:
    for clock in clocks.of(tx.conn, subject.clock_subject):
        if clock.duty == duty.value and clock.open:
            return clock.state
    return None


def _pauses(tx: Tx, duty: Duty) -> bool:
    rules = profile_named(tx.trust.profile).sharing.pauses
    return any((each.why, each.duty) == (RETURNED, duty.value) for each in rules)
