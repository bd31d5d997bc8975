"""Half-yearly submissions in the store and their letters: opened, filled in, sent, returned,
chased, accepted, archived. One machine on both sides; a department's authority is its own station.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from ortoo_protocol.core.codec import Shape, decode, encode
from ortoo_protocol.core.errors import (
    EnvelopeSender,
    SupervisionField,
    SupervisionOrder,
    SupervisionSubject,
    SupervisionUnknown,
)
from ortoo_protocol.core.law.profiles import Term
from ortoo_protocol.core.supervision.facts import Facts, Subject
from ortoo_protocol.core.supervision.half_years import half_year
from ortoo_protocol.core.supervision.law import law_of
from ortoo_protocol.core.supervision.notices import MAX_DAYS
from ortoo_protocol.core.supervision.submissions import (
    Event,
    Figure,
    Passage,
    State,
    SubmissionCalled,
    SubmissionDecided,
    SubmissionSent,
    check_called,
    check_decided,
    check_figures,
    check_passages,
    check_sent,
    move,
)
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import clocks
from ortoo_protocol.station.clocks import Clock
from ortoo_protocol.station.context import SettledLetter, Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.supervision_tables import submission_events, submissions
from ortoo_protocol.station.supervision import due
from ortoo_protocol.station.supervision.notices import AUTHORITY, SUBJECT, check_subject


class Draft(Shape, frozen=True):
    """What is filled in so far."""

    figures: tuple[Figure, ...] = ()
    passages: tuple[Passage, ...] = ()


# --- the authority ------------------------------------------------------------------------------


def open_period(
    tx: Tx, period: str, subjects: Sequence[Subject], days: int, note: str, by: str
) -> list[str]:
    """Call for the submissions of a half-year, one letter a subject; those that were called for it
    before are left as they are. Raises SupervisionField, SupervisionReason, SupervisionSubject."""
    half_year(period)
    called = []
    for subject in subjects:
        check_subject(tx, subject)
        if _of_period(tx.conn, AUTHORITY, period, subject) is not None:
            continue
        submission = tx.new_id().hex()
        clock = _run_clock(tx, submission, subject, days, tx.now_ms)
        body = check_called(
            SubmissionCalled(
                submission=submission,
                period=period,
                party=subject.party,
                department=subject.department,
                days=days,
                due_ms=clock.due_ms or 0,
                note=note,
                by=by,
            )
        )
        send(tx, subject.party, body, case=body.submission)
        _keep(tx, AUTHORITY, tx.party, body, clock)
        called.append(body.submission)
    return called


def _run_clock(tx: Tx, submission: str, subject: Subject, days: int, from_ms: int) -> Clock:
    if not 1 <= days <= MAX_DAYS:
        raise SupervisionField(field="days", detail=f"1 to {MAX_DAYS} working days")
    term = Term(law_of(tx.trust.profile).half_year, days)
    return due.run(
        tx, due.SUBMISSION, submission, due.SUBMIT, term,
        party=subject.party, department=subject.department, from_ms=from_ms,
    )  # fmt: skip


def on_sent(tx: Tx, opened: Opened[Shape]) -> None:
    """A submission comes; its very bytes are kept and hashed."""
    letter = as_body(opened, SubmissionSent)
    sent, sender = check_sent(letter.body), letter.header.sender
    row = find(tx.conn, AUTHORITY, sent.submission)
    if sender != row.party:
        raise EnvelopeSender(sender=sender, owner=row.party)
    if sent.round != row.round + 1:
        raise SupervisionOrder(found=sent.round, expected=row.round + 1)
    state = move(State(row.state), Event.SUBMIT)
    _set(
        tx, row,
        state=state.value,
        round=sent.round,
        body=letter.body_bytes,
        hash=tx.suite.hash(letter.body_bytes),
        letter=letter.header.id,
        first_ms=row.first_ms or tx.now_ms,
    )  # fmt: skip
    _stop_clock(tx, sent.submission)
    _note(tx, row, Event.SUBMIT.value, f"{sent.handler}, {sent.approver}", "")


def decide(tx: Tx, submission: str, event: Event, reason: str, by: str) -> State:
    """Return (with the reason), accept (what came is archived) or chase (催报).

    Raises SupervisionUnknown, SupervisionMove, SupervisionReason.
    """
    row = find(tx.conn, AUTHORITY, submission)
    outcomes = {Event.ACCEPT: "accepted", Event.RETURN: "returned", Event.CHASE: "chased"}
    if event not in outcomes:
        raise SupervisionField(field="event", detail=event.value)
    state = move(State(row.state), event)
    decided = SubmissionDecided(
        submission=submission,
        round=row.round,
        outcome=outcomes[event],
        reason=reason,
        hash=row.hash,
        by=by,
    )
    check_decided(decided)
    send(tx, row.party, decided, case=submission)
    _set(tx, row, state=state.value)
    _note(tx, row, event.value, by, reason)
    return state


# --- who submits --------------------------------------------------------------------------------


def on_called(tx: Tx, opened: Opened[Shape]) -> None:
    """The authority opens a period for this league, or for a department here."""
    letter = as_body(opened, SubmissionCalled)
    called, sender = check_called(letter.body), letter.header.sender
    authority = tx.party if called.department else tx.trust.hub
    if sender != authority:
        raise EnvelopeSender(sender=sender, owner=authority)
    if called.party != tx.party:
        raise SupervisionSubject(subject=called.party, authority=sender)
    if called.department:
        tx.trust.check_department(tx.party, called.department)
    subject = Subject(called.party, called.department)
    clock = _run_clock(tx, called.submission, subject, called.days, letter.header.created_ms)
    _keep(tx, SUBJECT, sender, called, clock)


def on_decided(tx: Tx, opened: Opened[Shape]) -> None:
    letter = as_body(opened, SubmissionDecided)
    decided, sender = letter.body, letter.header.sender
    event = check_decided(decided)
    row = find(tx.conn, SUBJECT, decided.submission)
    if sender != row.authority:
        raise EnvelopeSender(sender=sender, owner=row.authority)
    if event is Event.CHASE:
        # It may cross the submission that it asks for: it changes nothing, and is written down.
        _note(tx, row, event.value, decided.by, decided.reason)
        return
    state = move(State(row.state), event)
    if decided.round != row.round or decided.hash != row.hash:
        raise SupervisionOrder(found=decided.round, expected=row.round)
    _set(tx, row, state=state.value)
    _note(tx, row, event.value, decided.by, decided.reason)


def fill(
    tx: Tx,
    submission: str,
    facts: Facts,
    stated: Mapping[str, tuple[int, str]],
    passages: Mapping[str, str],
    by: str,
) -> Draft:
    """Save the draft: the facts as counted now, what is stated otherwise and why, what is written.
    What is not given again stays. Raises SupervisionMove, SupervisionField."""
    row = find(tx.conn, SUBJECT, submission)
    move(State(row.state), Event.FILL)
    before = draft_of(row)
    if set(stated) - set(facts):
        unknown = ", ".join(sorted(set(stated) - set(facts)))
        raise SupervisionField(field="figures", detail=f"not counted here: {unknown}")
    said = {each.name: (each.stated, each.note) for each in before.figures if each.note}
    said.update(stated)
    figures = []
    for name, counted in facts.items():
        value, note = said.get(name, (counted, ""))
        figures.append(Figure(name, counted, value, note if value != counted else ""))
    written = {each.name: each.text for each in before.passages} | dict(passages)
    draft = Draft(
        figures=tuple(figures),
        passages=tuple(Passage(name, text) for name, text in written.items()),
    )
    check_figures(draft.figures)
    check_passages(draft.passages)
    _set(tx, row, draft=encode(draft))
    _note(tx, row, Event.FILL.value, by, "")
    return draft


def submit(tx: Tx, submission: str, handler: str, approver: str) -> State:
    """Send what is filled in. Raises SupervisionMove, SupervisionField (what is lacking)."""
    row = find(tx.conn, SUBJECT, submission)
    state = move(State(row.state), Event.SUBMIT)
    draft = draft_of(row)
    sent = check_sent(
        SubmissionSent(
            submission=submission,
            round=row.round + 1,
            figures=draft.figures,
            passages=draft.passages,
            handler=handler,
            approver=approver,
        )
    )
    letter = send(tx, row.authority, sent, case=submission)
    body = encode(sent)
    _set(
        tx, row,
        state=state.value,
        round=sent.round,
        body=body,
        hash=tx.suite.hash(body),
        letter=letter,
        first_ms=row.first_ms or tx.now_ms,
    )  # fmt: skip
    _stop_clock(tx, submission)
    _note(tx, row, Event.SUBMIT.value, f"{handler}, {approver}", "")
    return state


def _stop_clock(tx: Tx, submission: str) -> None:
    clocks.stop(tx, f"{due.SUBMISSION}:{submission}", due.SUBMIT, tx.now_ms)


def on_settled(tx: Tx, letter: SettledLetter) -> None:
    """The authority did not take it: it can be mended and sent again."""
    if letter.kind != "submission.sent" or letter.status != "refused":
        return
    mine = (submissions.c.side == SUBJECT, submissions.c.letter == letter.id)
    row = tx.conn.execute(select(submissions).where(*mine)).first()
    if row is None or row.state != State.SUBMITTED.value:
        return
    first = row.round == 1
    state = State.OPEN if first else State.RETURNED
    first_ms = 0 if first else row.first_ms
    _set(tx, row, state=state.value, round=row.round - 1, first_ms=first_ms, body=b"", hash=b"")
    if first:
        subject = Subject(row.party, row.department)
        called_days = clocks.of(tx.conn, f"{due.SUBMISSION}:{row.submission}")[0].days or 1
        _run_clock(tx, row.submission, subject, called_days, row.opened_ms)
    _note(tx, row, "refused", letter.recipient, letter.error)


# --- reading ------------------------------------------------------------------------------------


def find(conn: Connection, side: str, submission: str) -> Row[Any]:
    """Raises SupervisionUnknown."""
    row = conn.execute(select(submissions).where(*_named(side, submission))).first()
    if row is None:
        raise SupervisionUnknown(document="submission", id=submission)
    return row


def sides(conn: Connection, submission: str) -> set[str]:
    query = select(submissions.c.side).where(submissions.c.submission == submission)
    return set(conn.execute(query).scalars())


def in_order(side: str, period: str) -> Select[Any]:
    """The newest period first; of one side and period, or all."""
    named = (submissions.c.party, submissions.c.department, submissions.c.side)
    query = select(submissions).order_by(submissions.c.period.desc(), *named)
    if side:
        query = query.where(submissions.c.side == side)
    return query.where(submissions.c.period == period) if period else query


def listed(conn: Connection, side: str, period: str, limit: int) -> list[Row[Any]]:
    return list(conn.execute(in_order(side, period).limit(limit)))


def draft_of(row: Row[Any]) -> Draft:
    return decode(row.draft, Draft)


def sent_of(row: Row[Any]) -> SubmissionSent | None:
    return decode(row.body, SubmissionSent) if row.body else None


def events_of(conn: Connection, side: str, submission: str) -> list[Row[Any]]:
    table = submission_events.c
    query = select(submission_events).where(table.side == side, table.submission == submission)
    return list(conn.execute(query.order_by(table.number)))


def is_late(row: Row[Any], now_ms: int) -> bool:
    """Submitted, or not yet submitted, after its last day."""
    return bool((row.first_ms or now_ms) >= row.due_ms)


def _of_period(conn: Connection, side: str, period: str, subject: Subject) -> Row[Any] | None:
    table = submissions.c
    query = select(submissions).where(
        table.side == side,
        table.period == period,
        table.party == subject.party,
        table.department == subject.department,
    )
    return conn.execute(query).first()


# --- the store ----------------------------------------------------------------------------------


def _keep(tx: Tx, side: str, authority: str, called: SubmissionCalled, clock: Clock) -> None:
    if tx.conn.execute(
        select(submissions.c.period).where(*_named(side, called.submission))
    ).first():
        raise SupervisionField(field="submission", detail="this number is taken")
    names = ("submission", "period", "party", "department", "due_ms", "note")
    values = {
        **{name: getattr(called, name) for name in names},
        "side": side,
        "authority": authority,
        "state": State.OPEN.value,
        "round": 0,
        "provisional": clock.provisional,
        "opened_ms": clock.opened_ms,
        "first_ms": 0,
        "changed_ms": tx.now_ms,
        "draft": encode(Draft()),
        "body": b"",
        "hash": b"",
        "letter": b"",
    }
    tx.conn.execute(insert(submissions).values(values))
    row = find(tx.conn, side, called.submission)
    _note(tx, row, "open", called.by, called.note)


def _named(side: str, submission: str) -> tuple[Any, Any]:
    return submissions.c.side == side, submissions.c.submission == submission


def _set(tx: Tx, row: Row[Any], **values: Any) -> None:
    changed = update(submissions).where(*_named(row.side, row.submission))
    tx.conn.execute(changed.values(changed_ms=tx.now_ms, **values))


def _note(tx: Tx, row: Row[Any], event: str, by: str, reason: str) -> None:
    values = {
        "side": row.side,
        "submission": row.submission,
        "time_ms": tx.now_ms,
        "event": event,
        "by": by,
        "reason": reason,
    }
    tx.conn.execute(insert(submission_events).values(values))
