"""Written notices in the store and their letters, at the authority and at who is supervised.

A notice to a department of this very station goes as a letter too, from the station to itself: one
road, and the journal has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from ortoo_protocol.core.codec import Shape, decode, encode
from ortoo_protocol.core.errors import (
    EnvelopeSender,
    SupervisionField,
    SupervisionOrder,
    SupervisionSubject,
    SupervisionUnknown,
)
from ortoo_protocol.core.law.profiles import Term
from ortoo_protocol.core.supervision.facts import Subject
from ortoo_protocol.core.supervision.law import Violation, law_of
from ortoo_protocol.core.supervision.notices import (
    DUTIES,
    MAX_DAYS,
    MAX_EVIDENCE,
    MOVES,
    SETTLED,
    Event,
    Evidence,
    NoticeIssued,
    NoticeMoved,
    Side,
    State,
    Step,
    check_issued,
    check_move,
    mended_ms,
    move,
    state_of,
)
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import clocks
from ortoo_protocol.station.clocks import Clock
from ortoo_protocol.station.context import SettledLetter, Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.supervision_tables import notice_moves, notices
from ortoo_protocol.station.supervision import due, leads

AUTHORITY, SUBJECT = Side.AUTHORITY.value, Side.SUBJECT.value


@dataclass(frozen=True)
class Wanted:
    """A notice as people write it. `leads`: the confirmed leads that it is about."""

    subject: Subject
    violation: int
    number: str
    title: str
    found: str
    demands: str
    days: int
    leads: tuple[str, ...]
    handler: str
    approver: str


# --- the authority ------------------------------------------------------------------------------


def issue(tx: Tx, wanted: Wanted) -> str:
    """Send a written notice with its evidence; its id.

    Raises SupervisionField, SupervisionSubject, SupervisionMove (a lead that is not confirmed),
    and what sending.send does.
    """
    check_subject(tx, wanted.subject)
    notice = tx.new_id().hex()
    violations = {each.value for each in Violation}
    cited = law_of(tx.trust.profile).violations
    clock = _run_clock(tx, notice, wanted.subject, wanted.days, tx.now_ms)
    issued = check_issued(
        NoticeIssued(
            notice=notice,
            number=wanted.number,
            party=wanted.subject.party,
            department=wanted.subject.department,
            violation=wanted.violation,
            article=cited[Violation(wanted.violation)] if wanted.violation in violations else "",
            title=wanted.title,
            found=wanted.found,
            demands=wanted.demands,
            days=wanted.days,
            due_ms=clock.due_ms or 0,
            leads=wanted.leads,
            evidence=_evidence(tx.conn, wanted.leads),
            handler=wanted.handler,
            approver=wanted.approver,
        )
    )
    by = f"{wanted.handler}, {wanted.approver}"
    for lead in wanted.leads:
        leads.noticed(tx, lead, wanted.subject, by, notice)
    send(tx, issued.party, issued, case=notice)
    _keep(tx, AUTHORITY, tx.party, issued, clock)
    return notice


def _run_clock(tx: Tx, notice: str, subject: Subject, days: int, from_ms: int) -> Clock:
    if not 1 <= days <= MAX_DAYS:
        raise SupervisionField(field="days", detail=f"1 to {MAX_DAYS} working days")
    term = Term(law_of(tx.trust.profile).notice, days)
    return due.run(
        tx, due.NOTICE, notice, due.RECTIFY, term,
        party=subject.party, department=subject.department, from_ms=from_ms,
    )  # fmt: skip


def _evidence(conn: Connection, chosen: Sequence[str]) -> tuple[Evidence, ...]:
    """The oldest of each lead first, as many as a notice holds; the leads hold all."""
    found: list[Evidence] = []
    for lead in chosen:
        found += leads.evidence_of(conn, lead, MAX_EVIDENCE)
    return tuple(found[:MAX_EVIDENCE])


def check_subject(tx: Tx, subject: Subject) -> None:
    """本级: departments by their own station, leagues by the hub. Raises SupervisionSubject,
    TrustUnknownParty."""
    by_hub = tx.party == tx.trust.hub
    if by_hub and not subject.department and subject.party != tx.party:
        tx.trust.party(subject.party)
    elif by_hub or subject.party != tx.party or not subject.department:
        raise SupervisionSubject(subject=str(subject), authority=tx.party)
    else:
        tx.trust.check_department(tx.party, subject.department)


def by_authority(
    tx: Tx, notice: str, event: Event, text: str, handler: str, approver: str
) -> State:
    """Return, verify, escalate or revoke. Raises SupervisionMove, SupervisionReason."""
    return _act(tx, AUTHORITY, notice, event, text, handler, approver)


def on_moved(tx: Tx, opened: Opened[Shape]) -> None:
    """The other side's move. At the authority it stands if its place is the next; at the subject it
    stands always, and takes the place of a move of the subject's own that crossed it."""
    moved, sender = as_body(opened, NoticeMoved).body, opened.header.sender
    event = check_move(moved)
    side = SUBJECT if DUTIES[event].side is Side.AUTHORITY else AUTHORITY
    row = find(tx.conn, side, moved.notice)
    owner = row.authority if side == SUBJECT else row.party
    if sender != owner:
        raise EnvelopeSender(sender=sender, owner=owner)
    if side == SUBJECT:
        _forget_own(tx, moved.notice, moved.place)
    _check_place(tx, side, moved)
    _put(tx, side, moved, b"")
    _settle(tx, side, moved.notice)


def _check_place(tx: Tx, side: str, moved: NoticeMoved) -> None:
    """The next one. What an authority says may come before what it said earlier: it waits at its
    place. Raises SupervisionOrder, SupervisionMove."""
    steps = steps_of(tx.conn, side, moved.notice)
    expected = len(steps)
    early = side == SUBJECT and moved.place > expected
    if moved.place != expected and not early:
        raise SupervisionOrder(found=moved.place, expected=expected)
    if not early:
        move(state_of(steps), Event(moved.event))


# --- who is supervised --------------------------------------------------------------------------


def on_issued(tx: Tx, opened: Opened[Shape]) -> None:
    """A notice for this league, or for a department here from its own authority."""
    letter = as_body(opened, NoticeIssued)
    issued, sender = check_issued(letter.body), letter.header.sender
    authority = tx.party if issued.department else tx.trust.hub
    if sender != authority:
        raise EnvelopeSender(sender=sender, owner=authority)
    if issued.party != tx.party:
        raise SupervisionSubject(subject=issued.party, authority=sender)
    if issued.department:
        tx.trust.check_department(tx.party, issued.department)
    subject = Subject(issued.party, issued.department)
    clock = _run_clock(tx, issued.notice, subject, issued.days, letter.header.created_ms)
    _keep(tx, SUBJECT, sender, issued, clock)


def by_subject(tx: Tx, notice: str, event: Event, text: str, handler: str, approver: str) -> State:
    """Acknowledge or answer. Raises SupervisionMove, SupervisionReason."""
    return _act(tx, SUBJECT, notice, event, text, handler, approver)


def on_settled(tx: Tx, letter: SettledLetter) -> None:
    """The authority took our move, by its own time; or it did not, and we stand where it does."""
    if letter.kind != "notice.moved" or letter.status not in ("accepted", "refused"):
        return
    mine = notice_moves.c.letter == letter.id
    row = tx.conn.execute(select(notice_moves).where(mine)).first()
    if row is None:
        return
    if letter.status == "accepted":
        tx.conn.execute(update(notice_moves).where(mine).values(letter=b"", time_ms=letter.time_ms))
    else:
        _forget_own(tx, row.notice, row.place)
    _settle(tx, row.side, row.notice)


# --- both ---------------------------------------------------------------------------------------


def _act(
    tx: Tx, side: str, notice: str, event: Event, text: str, handler: str, approver: str
) -> State:
    row = find(tx.conn, side, notice)
    if DUTIES[event].side.value != side or event is Event.ISSUE:
        raise SupervisionField(field="event", detail=event.value)
    steps = steps_of(tx.conn, side, notice)
    state = move(state_of(steps), event)
    moved = NoticeMoved(
        notice=notice,
        place=len(steps),
        event=event.value,
        text=text,
        handler=handler,
        approver=approver,
    )
    check_move(moved)
    peer = row.party if side == AUTHORITY else row.authority
    letter = send(tx, peer, moved, case=notice)
    _put(tx, side, moved, letter if side == SUBJECT else b"")
    _settle(tx, side, notice)
    return state


def _forget_own(tx: Tx, notice: str, place: int) -> None:
    """A move of ours from this place on that its authority has not taken: it never will."""
    tx.conn.execute(
        delete(notice_moves).where(
            notice_moves.c.side == SUBJECT,
            notice_moves.c.notice == notice,
            notice_moves.c.place >= place,
            notice_moves.c.letter != b"",
        )
    )


def _keep(tx: Tx, side: str, authority: str, issued: NoticeIssued, clock: Clock) -> None:
    values = {
        "side": side,
        "notice": issued.notice,
        "authority": authority,
        "party": issued.party,
        "department": issued.department,
        "state": State.ISSUED.value,
        "due_ms": issued.due_ms,
        "provisional": clock.provisional,
        "issued_ms": clock.opened_ms,
        "changed_ms": tx.now_ms,
        "body": encode(issued),
    }
    if tx.conn.execute(select(notices.c.notice).where(*_named(side, issued.notice))).first():
        raise SupervisionField(field="notice", detail="this number is taken")
    tx.conn.execute(insert(notices).values(values))
    first = NoticeMoved(
        notice=issued.notice,
        place=0,
        event=Event.ISSUE.value,
        text=issued.demands,
        handler=issued.handler,
        approver=issued.approver,
    )
    _put(tx, side, first, b"")


def _put(tx: Tx, side: str, moved: NoticeMoved, letter: bytes) -> None:
    names = ("notice", "place", "event", "text", "handler", "approver")
    values = {name: getattr(moved, name) for name in names}
    tx.conn.execute(
        insert(notice_moves).values(side=side, time_ms=tx.now_ms, letter=letter, **values)
    )


def _settle(tx: Tx, side: str, notice: str) -> None:
    """The state is where the history leads, and so is the clock: it stops with an answer, goes on
    when that is returned, and falls away with a notice that is revoked."""
    steps = steps_of(tx.conn, side, notice)
    state = state_of(steps)
    changed = update(notices).where(*_named(side, notice))
    tx.conn.execute(changed.values(state=state.value, changed_ms=tx.now_ms))
    clock = f"{due.NOTICE}:{notice}"
    if state is State.REVOKED:
        clocks.cancel(tx, clock, due.RECTIFY, tx.now_ms)
    elif answered := mended_ms(steps):
        clocks.stop(tx, clock, due.RECTIFY, answered)
    else:
        row = find(tx.conn, side, notice)
        subject = Subject(row.party, row.department)
        _run_clock(tx, notice, subject, body_of(row).days, row.issued_ms)


def _named(side: str, notice: str) -> tuple[Any, Any]:
    return notices.c.side == side, notices.c.notice == notice


# --- reading ------------------------------------------------------------------------------------


def find(conn: Connection, side: str, notice: str) -> Row[Any]:
    """Raises SupervisionUnknown."""
    row = conn.execute(select(notices).where(*_named(side, notice))).first()
    if row is None:
        raise SupervisionUnknown(document="notice", id=notice)
    return row


def sides(conn: Connection, notice: str) -> set[str]:
    return set(conn.execute(select(notices.c.side).where(notices.c.notice == notice)).scalars())


def body_of(row: Row[Any]) -> NoticeIssued:
    return decode(row.body, NoticeIssued)


def moves_of(conn: Connection, side: str, notice: str) -> list[Row[Any]]:
    query = select(notice_moves).where(notice_moves.c.side == side, notice_moves.c.notice == notice)
    return list(conn.execute(query.order_by(notice_moves.c.place)))


def steps_of(conn: Connection, side: str, notice: str) -> list[Step]:
    """The history as far as it is whole: up to the first move that has not come yet."""
    found = moves_of(conn, side, notice)
    whole = (row for place, row in enumerate(found) if row.place == place)
    return [Step(Event(row.event), row.time_ms) for row in whole]


def issued_to(conn: Connection, subject: Subject) -> Iterator[tuple[Row[Any], list[Step]]]:
    """Every notice that was issued from here to `subject`, with its history."""
    query = select(notices).where(
        notices.c.side == AUTHORITY,
        notices.c.party == subject.party,
        notices.c.department == subject.department,
    )
    for row in conn.execute(query.order_by(notices.c.issued_ms)).all():
        yield row, steps_of(conn, AUTHORITY, row.notice)


def in_order(side: str, settled: bool) -> Select[Any]:
    """By their last day; with `settled`, also those that are over."""
    query = select(notices).order_by(notices.c.due_ms, notices.c.notice, notices.c.side)
    if side:
        query = query.where(notices.c.side == side)
    if not settled:
        query = query.where(notices.c.state.not_in([each.value for each in SETTLED]))
    return query


def listed(conn: Connection, side: str, settled: bool, limit: int) -> list[Row[Any]]:
    return list(conn.execute(in_order(side, settled).limit(limit)))


def open_moves(row: Row[Any]) -> list[Event]:
    """What this side can do next."""
    state = State(row.state)
    return [
        event for before, event in MOVES if before is state and DUTIES[event].side.value == row.side
    ]
