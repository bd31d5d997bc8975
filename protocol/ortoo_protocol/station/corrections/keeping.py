"""The case of a correction in the store: its moves (core.corrections), its clock, its papers.

The clock is the provider's, and runs at all three; whose is late, supervision sees by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from ortoo_protocol.core.codec import decode, encode
from ortoo_protocol.core.corrections import (
    ANSWERED,
    CORRECTED,
    OPEN,
    CorrectionAnswered,
    CorrectionClosed,
    CorrectionDetail,
    CorrectionEvidence,
    CorrectionRaised,
    Event,
    State,
    move,
)
from ortoo_protocol.core.errors import CaseField, CorrectionUnknown, EnvelopeSender
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.station import clocks, secrets
from ortoo_protocol.station.clocks import LATE, Clock
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.correction_tables import (
    correction_events,
    correction_papers,
    corrections,
)
from ortoo_protocol.station.store.dialect import upsert

DUTY = "correction"
_ABOUT = "correction"
_T = corrections.c


def subject(correction: str) -> str:
    return f"{_ABOUT}:{correction}"


def raised(tx: Tx, body: CorrectionRaised, letter: bytes = b"", *, runs: bool = True) -> None:
    """`runs`: the legal instant is now. Raises CaseField: the number was used before."""
    if find(tx.conn, body.correction) is not None:
        raise CaseField(field="correction", detail="this number was used before")
    row = {
        "correction": body.correction,
        "grant": body.grant,
        "resource": body.resource,
        "provider": body.provider,
        "provider_department": body.provider_department,
        "reader": body.reader,
        "reader_department": body.reader_department,
        "about": body.about,
        "found_ms": body.found_ms,
        "late": body.late,
        "by": body.by,
        "opened_ms": tx.now_ms,
        "state": move(State.NONE, Event.RAISE).value,
        "outcome": "",
        "reason": "",
        "incarnation": 0,
        "seq": 0,
        "source": "",
        "answered_ms": None,
        "how": "",
        "closed_ms": None,
        "letter": letter,
    }
    tx.conn.execute(insert(corrections).values(row))
    note(tx, body.correction, Event.RAISE.value, body.reader, body.by, "")
    if runs:
        run(tx, body.correction, tx.now_ms)


def run(tx: Tx, correction: str, opened_ms: int) -> None:
    """The provider's days begin."""
    row = one(tx.conn, correction)
    set_values(tx, correction, opened_ms=opened_ms)
    clocks.start(
        tx,
        subject(correction),
        DUTY,
        profile_named(tx.trust.profile).sharing.doubt_answer,
        party=row.provider,
        department=row.provider_department,
        opened_ms=opened_ms,
    )


def answered(tx: Tx, body: CorrectionAnswered, letter: bytes = b"") -> Row[Any]:
    """Raises CorrectionUnknown, CorrectionMove."""
    row = one(tx.conn, body.correction)
    state = move(State(row.state), Event(body.outcome))
    set_values(
        tx,
        body.correction,
        state=state.value,
        outcome=body.outcome,
        reason=body.reason,
        incarnation=body.incarnation,
        seq=body.seq,
        source=body.source,
        answered_ms=tx.now_ms,
        letter=letter or row.letter,
    )
    clocks.stop(tx, subject(body.correction), DUTY, tx.now_ms)
    by = f"{body.handler}, {body.approver}"
    note(tx, body.correction, body.outcome, row.provider, by, body.reason)
    return one(tx.conn, body.correction)


def closed(tx: Tx, body: CorrectionClosed, letter: bytes = b"") -> Row[Any]:
    """Raises CorrectionUnknown, CorrectionMove."""
    row = one(tx.conn, body.correction)
    state = move(State(row.state), Event(body.how))
    set_values(
        tx,
        body.correction,
        state=state.value,
        how=body.how,
        closed_ms=tx.now_ms,
        letter=letter or row.letter,
    )
    clocks.cancel(tx, subject(body.correction), DUTY, tx.now_ms)
    note(tx, body.correction, body.how, row.reader, body.by, body.reason)
    return row


def taken_back(tx: Tx, row: Row[Any], kind: str, error: str) -> None:
    """The notary refused our letter of this kind: what it said is undone here."""
    open_again = {"closed_ms": None, "how": ""}
    undone: dict[str, Any] = {}
    if kind == "correction.raised" and row.closed_ms is None:
        undone = {"state": State.WITHDRAWN.value, "how": error[:16], "closed_ms": tx.now_ms}
    elif kind == "correction.answered" and row.state in ANSWERED:
        cleared = {"outcome": "", "reason": "", "answered_ms": None}
        undone = {"state": State.RAISED.value, **cleared}
    elif kind == "correction.closed" and row.closed_ms is not None:
        undone = {"state": row.outcome or State.RAISED.value, **open_again}
    if not undone:
        return
    set_values(tx, row.correction, **undone)
    note(tx, row.correction, "refused", tx.trust.hub, "", error)
    if undone["state"] == State.RAISED.value:
        run(tx, row.correction, row.opened_ms)
    else:
        clocks.cancel(tx, subject(row.correction), DUTY, tx.now_ms)


def on_clock(tx: Tx, clock: Clock, stage: str) -> None:
    """Overdue: from now on the authority's affair; an answer still counts, as a late one."""
    row = find(tx.conn, clock.subject.partition(":")[2])
    if row is not None and stage == LATE and row.state == State.RAISED.value:
        set_values(tx, row.correction, state=move(State.RAISED, Event.ESCALATE).value)
        note(tx, row.correction, Event.ESCALATE.value, row.provider, "", clock.article)


# --- papers -------------------------------------------------------------------------------------

DETAIL, EVIDENCE = "detail", "evidence"


def keep_paper(
    tx: Tx, sender: str, body: CorrectionDetail | CorrectionEvidence, evidence: bytes
) -> None:
    """Sealed with the store key: rows and values are personal data. It may come before its case,
    whose sides are then looked at when it is read. Raises EnvelopeSender."""
    paper = DETAIL if isinstance(body, CorrectionDetail) else EVIDENCE
    row = find(tx.conn, body.correction)
    if row is not None and sender != _writer(row, paper):
        raise EnvelopeSender(sender=sender, owner=_writer(row, paper))
    identity, rand = tx.parts.identity, tx.parts.rand
    use = _use(body.correction, paper)
    values = {
        "correction": body.correction,
        "paper": paper,
        "sender": sender,
        "body": secrets.seal(identity, rand, use, encode(body)),
        "evidence": secrets.seal(identity, rand, f"{use} file", evidence),
        "time_ms": tx.now_ms,
    }
    upsert(tx.conn, correction_papers, [values])


def detail_of(tx: Tx, row: Row[Any]) -> CorrectionDetail | None:
    raw = _opened(tx, row, DETAIL)
    return None if raw is None else decode(raw[0], CorrectionDetail)


def evidence_of(tx: Tx, row: Row[Any]) -> CorrectionEvidence | None:
    raw = _opened(tx, row, EVIDENCE)
    return None if raw is None else decode(raw[0], CorrectionEvidence)


def file_of(tx: Tx, row: Row[Any], paper: str) -> bytes:
    """The evidence itself; empty: there is none."""
    raw = _opened(tx, row, paper)
    return b"" if raw is None else raw[1]


def _opened(tx: Tx, row: Row[Any], paper: str) -> tuple[bytes, bytes] | None:
    query = select(correction_papers).where(
        correction_papers.c.correction == row.correction,
        correction_papers.c.paper == paper,
        correction_papers.c.sender == _writer(row, paper),
    )
    kept = tx.conn.execute(query).first()
    if kept is None:
        return None
    use, identity = _use(row.correction, paper), tx.parts.identity
    return (
        secrets.unseal(identity, use, kept.body),
        secrets.unseal(identity, f"{use} file", kept.evidence),
    )


def _writer(row: Row[Any], paper: str) -> str:
    return str(row.reader if paper == DETAIL else row.provider)


def _use(correction: str, paper: str) -> str:
    return f"correction {correction} {paper}"


# --- looking ------------------------------------------------------------------------------------


def find(conn: Connection, correction: str) -> Row[Any] | None:
    return conn.execute(select(corrections).where(_T.correction == correction)).first()


def one(conn: Connection, correction: str) -> Row[Any]:
    """Raises CorrectionUnknown."""
    row = find(conn, correction)
    if row is None:
        raise CorrectionUnknown(correction=correction)
    return row


def in_order(
    *, only_open: bool = False, party: str = "", overdue_ms: int | None = None
) -> Select[Any]:
    """The newest first. `party`: those in which it provides or reads; `overdue_ms`: those whose
    provider should have answered before."""
    query = select(corrections).order_by(_T.opened_ms.desc(), _T.correction)
    if only_open:
        query = query.where(_T.closed_ms.is_(None))
    if party:
        query = query.where((_T.provider == party) | (_T.reader == party))
    if overdue_ms is not None:
        query = query.where(_T.correction.in_(clocks.overdue(f"{_ABOUT}:", overdue_ms)))
    return query


def waiting_for_rows(conn: Connection, reader: str) -> Sequence[Row[Any]]:
    """Answered as corrected, and the row not known to be here."""
    query = select(corrections).where(_T.reader == reader, _T.state == CORRECTED)
    return conn.execute(query).all()


def of_letter(conn: Connection, letter: bytes) -> Row[Any] | None:
    return conn.execute(select(corrections).where(_T.letter == letter)).first()


def history(conn: Connection, correction: str) -> Sequence[Row[Any]]:
    query = select(correction_events).where(correction_events.c.correction == correction)
    return conn.execute(query.order_by(correction_events.c.number)).all()


def overdue(conn: Connection, provider: str | None = None) -> Sequence[Row[Any]]:
    """For supervision: not answered in time, the oldest first."""
    query = select(corrections).where(_T.state == State.OVERDUE.value)
    if provider is not None:
        query = query.where(_T.provider == provider)
    return conn.execute(query.order_by(_T.opened_ms)).all()


def is_open(row: Row[Any]) -> bool:
    return row.state in OPEN


def set_values(tx: Tx, correction: str, **values: Any) -> None:
    tx.conn.execute(update(corrections).where(_T.correction == correction).values(values))


def note(tx: Tx, correction: str, event: str, party: str, by: str, reason: str) -> None:
    row = {
        "correction": correction,
        "time_ms": tx.now_ms,
        "event": event,
        "party": party,
        "by": by,
        "reason": reason,
    }
    tx.conn.execute(insert(correction_events).values(row))
