"""The provider's side: what is doubted arrives, people look into it, the answer goes with evidence.

"Corrected" is believed by no one's word: the feed has to hold another row under that key than the
reader saw, or none any more. The answer names the item from which on it stands so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.corrections import (
    CORRECTED,
    MISSING,
    CorrectionAnswered,
    CorrectionClosed,
    CorrectionDetail,
    CorrectionEvidence,
    CorrectionRaised,
    check_answered,
    check_closed,
    check_detail,
    check_raised,
)
from ortoo_protocol.core.errors import (
    CorrectionDetailAway,
    CorrectionNotPublished,
    CorrectionUnknown,
    EnvelopeSender,
    GrantScope,
)
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import feed_writer, grants_held, shadow
from ortoo_protocol.station.context import SettledLetter, Tx
from ortoo_protocol.station.corrections import keeping
from ortoo_protocol.station.sending import send


@dataclass(frozen=True)
class Reply:
    outcome: str
    reason: str
    handler: str
    approver: str
    source: str = ""
    text: str = ""
    evidence_name: str = ""
    evidence: bytes = b""


def answer(tx: Tx, correction: str, reply: Reply) -> CorrectionAnswered:
    """Raises CorrectionUnknown, CorrectionMove, CaseField; CorrectionDetailAway and
    CorrectionNotPublished of what is said to be corrected."""
    row = keeping.one(tx.conn, correction)
    if row.provider != tx.party:
        raise CorrectionUnknown(correction=correction)
    incarnation, seq = _stands(tx, row) if reply.outcome == CORRECTED else (0, 0)
    body = check_answered(
        CorrectionAnswered(
            correction=correction,
            outcome=reply.outcome,
            reason=reply.reason,
            incarnation=incarnation,
            seq=seq,
            source=reply.source,
            handler=reply.handler,
            approver=reply.approver,
        )
    )
    letter = send(tx, row.reader, body, case=correction)
    keeping.answered(tx, body, letter)
    if reply.text or reply.evidence:
        evidence = CorrectionEvidence(
            correction=correction, text=reply.text, evidence=reply.evidence_name
        )
        keeping.keep_paper(tx, tx.party, evidence, reply.evidence)
        if row.reader != tx.party:
            papers = [reply.evidence] if reply.evidence else []
            send(tx, row.reader, evidence, rows=papers, case=correction)
    return body


def _stands(tx: Tx, row: Row[Any]) -> tuple[int, int]:
    """(incarnation, item) from which on the row stands otherwise than it was seen; (0, 0) where
    nothing flows: it is asked by queries, or its grant has ended."""
    detail = keeping.detail_of(tx, row)
    if detail is None:
        raise CorrectionDetailAway()
    grant = grants_held.row(tx, row.grant)
    if not detail.incarnation or grant.ended_ms is not None:
        return 0, 0
    feed = feed_writer.feed_row(tx, detail.feed)
    found = shadow.look(tx.conn, detail.feed, [detail.key]).get(detail.key)
    if feed.incarnation != detail.incarnation:
        return feed.incarnation, feed.seq  # all of it is another than the reader saw
    if found is None:  # gone, maybe while the doubt was on its way
        if row.about == MISSING:
            raise CorrectionNotPublished(seq=detail.seq)
        return feed.incarnation, feed.seq
    if found[1] <= detail.seq:
        raise CorrectionNotPublished(seq=found[1])
    return feed.incarnation, found[1]


def on_raised(tx: Tx, opened: Opened[Shape]) -> None:
    body, sender = check_raised(as_body(opened, CorrectionRaised).body), opened.header.sender
    if sender == tx.party:
        return  # this very station raised it: it is recorded
    check_sides(tx, body, sender)
    keeping.raised(tx, body)


def check_sides(tx: Tx, body: CorrectionRaised, sender: str) -> None:
    """It is about a grant between these two, as the grant has it. Raises EnvelopeSender,
    GrantUnknown, GrantScope."""
    grant = grants_held.row(tx, body.grant)
    if sender != grant.reader:
        raise EnvelopeSender(sender=sender, owner=grant.reader)
    terms = grants_held.terms_of(grant)
    said = (body.resource, body.provider, body.provider_department, body.reader)
    known = (terms.resource, terms.provider, terms.provider_department, terms.reader)
    if said != known or body.reader_department != terms.reader_department:
        raise GrantScope(detail=f"correction {body.correction} is of another grant")


def on_detail(tx: Tx, opened: Opened[Shape]) -> None:
    letter = as_body(opened, CorrectionDetail)
    evidence = letter.rows[0] if letter.rows else b""
    keeping.keep_paper(tx, letter.header.sender, check_detail(letter.body), evidence)


def on_closed(tx: Tx, opened: Opened[Shape]) -> None:
    body, sender = check_closed(as_body(opened, CorrectionClosed).body), opened.header.sender
    row = keeping.one(tx.conn, body.correction)
    if row.reader != sender:
        raise EnvelopeSender(sender=sender, owner=row.reader)
    if sender == tx.party:
        return
    if body.how == "withdrawn" and not keeping.is_open(row):
        # Our answer is not at the notary yet, and will be refused there.
        keeping.taken_back(tx, row, "correction.answered", "correction.move")
    keeping.closed(tx, body)


def on_settled(tx: Tx, letter: SettledLetter) -> None:
    """When the notary took it, the days begin; what it refuses never was."""
    if not letter.kind.startswith("correction."):
        return
    row = keeping.of_letter(tx.conn, letter.id)
    if row is None:
        return
    if letter.status == "notarised" and letter.kind == "correction.raised":
        keeping.run(tx, row.correction, letter.time_ms)
    elif letter.status == "refused":
        keeping.taken_back(tx, row, letter.kind, letter.error)
