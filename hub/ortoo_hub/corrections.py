"""Corrections at the hub: the notary's part. It sees who doubts what, until when, and what was
answered; rows and evidence pass it unopened."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import or_, select

from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.corrections import (
    CorrectionAnswered,
    CorrectionClosed,
    CorrectionRaised,
    check_answered,
    check_closed,
    check_raised,
)
from ortoo_protocol.core.errors import EnvelopeDestination, GrantScope, GrantUnknown
from ortoo_protocol.core.verify import Message, Opened, as_body
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import ClockHook, Tx
from ortoo_protocol.station.corrections import keeping
from ortoo_protocol.station.store.tables import grants

Record = Callable[[Tx, Opened[Shape]], None]


def records() -> Mapping[str, Record]:
    return {
        "correction.raised": _raised,
        "correction.answered": _answered,
        "correction.closed": _closed,
    }


def clocks() -> Mapping[str, ClockHook]:
    return {keeping.DUTY: keeping.on_clock}


def carry(tx: Tx, message: Message) -> None:
    """Papers of a correction, between two members that a grant joins or joined. They may come
    before their case. Raises GrantUnknown."""
    sides = (message.header.sender, message.header.destination)
    pair = grants.c.provider.in_(sides) & grants.c.reader.in_(sides)
    different = or_(grants.c.provider == sides[0], grants.c.reader == sides[0])
    if tx.conn.execute(select(grants.c.grant).where(pair, different).limit(1)).first() is None:
        raise GrantUnknown(grant="-")


def _raised(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_raised(as_body(opened, CorrectionRaised).body)
    grant = grants_held.row(tx, body.grant)
    _check_ways(opened, grant.reader, grant.provider)
    terms = grants_held.terms_of(grant)
    said = (body.resource, body.provider_department, body.reader_department)
    if said != (terms.resource, terms.provider_department, terms.reader_department):
        raise GrantScope(detail=f"correction {body.correction} is of another grant")
    if (body.provider, body.reader) != (terms.provider, terms.reader):
        raise GrantScope(detail=f"correction {body.correction} is of another grant")
    keeping.raised(tx, body)


def _answered(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_answered(as_body(opened, CorrectionAnswered).body)
    row = keeping.one(tx.conn, body.correction)
    _check_ways(opened, row.provider, row.reader)
    keeping.answered(tx, body)


def _closed(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_closed(as_body(opened, CorrectionClosed).body)
    row = keeping.one(tx.conn, body.correction)
    _check_ways(opened, row.reader, row.provider)
    keeping.closed(tx, body)


def _check_ways(opened: Opened[Shape], sender: str, recipient: str) -> None:
    header = opened.header
    if (header.sender, header.destination) != (sender, recipient):
        raise EnvelopeDestination(destination=header.destination)
