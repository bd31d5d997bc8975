"""Ends and changes of services, announced beforehand, at both stations (core.use.ending)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from ortoo_node import granting
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import CaseField, EnvelopeSender, GrantEnded, GrantUnknown
from ortoo_protocol.core.grants import StopFiling, check_filing
from ortoo_protocol.core.use.ending import (
    CHANGE,
    OPEN,
    GrantEnding,
    GrantEndingAnswer,
    GrantKept,
    check_answer,
    check_ending,
)
from ortoo_protocol.core.use.filled import check_filled
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import SettledLetter, Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.use import endings


def announce(tx: Tx, grant: str, what: str, reason: str, at_ms: int, by: str) -> GrantEnding:
    """File with the authority, then tell the reader why and from when.

    Raises GrantUnknown, GrantEnded, CaseField, StopReason, EndingMove.
    """
    row = grants_held.row(tx, grant)
    if row.provider != tx.party:
        raise GrantUnknown(grant=grant)
    if row.ended_ms is not None:
        raise GrantEnded(grant=grant, reason=row.end_reason)
    if at_ms <= tx.now_ms:
        raise CaseField(field="at", detail="it lies behind us")
    terms = grants_held.terms_of(row)
    filing = check_filing(
        StopFiling(
            filing=tx.new_id().hex(),
            grant=grant,
            resource=terms.resource,
            reason=reason,
            filed_ms=tx.now_ms,
            by=by,
        )
    )
    authority = tx.party if row.reader == tx.party else tx.trust.hub
    send(tx, authority, filing, case=terms.case)
    body = check_ending(
        GrantEnding(
            ending=tx.new_id().hex(),
            grant=grant,
            what=what,
            reason=reason,
            filing=filing.filing,
            at_ms=at_ms,
            by=by,
        )
    )
    letter = send(tx, row.reader, body, case=terms.case)
    endings.announced(tx, body, tx.party, letter)
    return body


def keep(tx: Tx, grant: str, reason: str, by: str) -> GrantKept:
    """Take the announcement back. Raises GrantUnknown, EndingUnknown, CaseField."""
    row, known = grants_held.row(tx, grant), endings.open_one(tx.conn, grant)
    if row.provider != tx.party:
        raise GrantUnknown(grant=grant)
    body = check_filled(
        GrantKept(ending=known.ending, grant=grant, reason=reason, by=by), "reason", "by"
    )
    send(tx, row.reader, body, case=grants_held.terms_of(row).case)
    endings.kept(tx, body, tx.party)
    return body


def answer(tx: Tx, grant: str, agreed: bool, reason: str, by: str) -> GrantEndingAnswer:
    """The reader's word. Raises GrantUnknown, EndingUnknown, CaseField."""
    row, known = grants_held.row(tx, grant), endings.open_one(tx.conn, grant)
    if row.reader != tx.party:
        raise GrantUnknown(grant=grant)
    body = check_answer(
        GrantEndingAnswer(ending=known.ending, grant=grant, agreed=agreed, reason=reason, by=by)
    )
    send(tx, row.provider, body, case=grants_held.terms_of(row).case)
    endings.answered(tx, body, tx.party)
    return body


def carry_out(tx: Tx) -> list[str]:
    """What is due ends, or is noted as changed; returns the cases of grants that ended."""
    cases = []
    for row in endings.due(tx.conn, tx.now_ms):
        grant = grants_held.row(tx, row.grant)
        if grant.provider != tx.party:
            continue  # its provider says so
        if row.what == CHANGE:
            endings.carried_out(tx, row)
        elif grant.ended_ms is None:
            granting.end(tx, row.grant, row.reason, row.by, filing=row.filing, settled=True)
            cases.append(grants_held.terms_of(grant).case)
    return cases


def on_ending(tx: Tx, opened: Opened[Shape]) -> None:
    body, sender = check_ending(as_body(opened, GrantEnding).body), opened.header.sender
    _from(tx, body.grant, sender, "provider")
    if sender != tx.party:
        endings.announced(tx, body, sender)


def on_kept(tx: Tx, opened: Opened[Shape]) -> None:
    body, sender = as_body(opened, GrantKept).body, opened.header.sender
    check_filled(body, "reason", "by")
    _from(tx, body.grant, sender, "provider")
    if sender != tx.party:
        endings.kept(tx, body, sender)


def on_answer(tx: Tx, opened: Opened[Shape]) -> None:
    body, sender = check_answer(as_body(opened, GrantEndingAnswer).body), opened.header.sender
    _from(tx, body.grant, sender, "reader")
    if sender != tx.party:
        endings.answered(tx, body, sender)


def on_settled(tx: Tx, letter: SettledLetter) -> None:
    """The notary did not take it."""
    if letter.kind == "grant.ending" and letter.status == "refused":
        row = endings.of_letter(tx.conn, letter.id)
        if row is not None and row.state in OPEN:
            endings.void(tx, row)


def _from(tx: Tx, grant: str, sender: str, side: str) -> Row[Any]:
    row = grants_held.row(tx, grant)
    if getattr(row, side) != sender:
        raise EnvelopeSender(sender=sender, owner=getattr(row, side))
    return row
