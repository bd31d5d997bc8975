"""What became of our own letters of a case: notarised (the legal instant), or refused.

What the notary refuses did not happen: its event counts no more, and what followed from it here is
taken back. So the first word that reached the notary stands at all three, and no other.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select, update

from ortoo_node import granting, subscribing
from ortoo_node.cases import applying, noting, store
from ortoo_node.store.case_tables import case_events
from ortoo_protocol.core.cases import AUTOMATIC, MOVES, Application, Event, Side, State
from ortoo_protocol.core.cases.log import COUNTED, REFUSED, WAITING
from ortoo_protocol.core.codec import decode, encode
from ortoo_protocol.station.cases import attachments
from ortoo_protocol.station.context import SettledLetter, Tx

_WITH_SCANS = ("case.application", "case.completion")


def on_settled(tx: Tx, letter: SettledLetter) -> None:
    """For Hooks.settled: letters of other kinds are none of ours."""
    if not letter.kind.startswith(("case.", "grant.issued")):
        return
    query = select(case_events).where(case_events.c.letter == letter.id)
    event = tx.conn.execute(query).first()
    if event is None or event.party != tx.party:
        return
    row = store.find(tx.conn, event.case)
    if row.role == store.BOTH:
        return
    if letter.status == "notarised":
        _notarised(tx, row, event, letter)
    elif letter.status == "refused" and letter.by_hub:
        _refused(tx, row, event, letter)
    elif letter.status == "refused" and letter.id == row.letter:
        _not_taken(tx, row, letter)
    elif letter.status == "accepted" and letter.kind in _WITH_SCANS:
        named = decode(row.application, Application).attachments
        attachments.send_own(tx, row.case, letter.recipient, named)


def _notarised(tx: Tx, row: Row[Any], event: Row[Any], letter: SettledLetter) -> None:
    if letter.id == row.letter:
        store.put(tx, row.case, opened_ms=letter.time_ms, notarised=True)
        store.note(tx, row.case, "notarised", tx.trust.hub, "", "")
    if event.event == Event.COMPLETE.value:
        attachments.put_in_place(tx, row.case)
    if event.status == WAITING:
        _set(tx, event, status=COUNTED, legal_ms=letter.time_ms)
        store.refold(tx, row.case)


def _refused(tx: Tx, row: Row[Any], event: Row[Any], letter: SettledLetter) -> None:
    what = Event(event.event)
    if letter.id == row.letter:  # the case does not exist elsewhere: it ends here
        _set(tx, event, status=COUNTED)
        store.add_event(
            tx,
            row.case,
            Event.REJECT,
            Side.SYSTEM,
            letter.recipient,
            by="",
            reason=letter.error,
        )
        store.put(tx, row.case, reason=letter.error)
        subscribing.refused(tx, row.case)
    else:
        _set(tx, event, status=REFUSED, error=letter.error, noted=0)
        if event.noted:  # a record of the same event that was taken later had come first
            noting.free(tx, row.case, event.noted)
        store.note(tx, row.case, "taken-back", tx.trust.hub, "", f"{what.value}: {letter.error}")
        if what in (Event.GRANT, Event.OFFER):
            granting.void_of(tx, row.case)
            store.put(tx, row.case, grant=None)
            _take_back_end(tx, row.case)
        elif what is Event.COMPLETE:
            attachments.drop_aside(tx, row.case)
            store.put(tx, row.case, application=encode(store.asked(tx.conn, row.case)))
    store.refold(tx, row.case)


def _not_taken(tx: Tx, row: Row[Any], letter: SettledLetter) -> None:
    """The notary recorded the application and its provider does not take it: nothing is asked any
    more, here and in the record."""
    if (State(row.state), Event.WITHDRAW) in MOVES:
        applying.withdraw(tx, row.case, letter.error, AUTOMATIC)


def _take_back_end(tx: Tx, case: str) -> None:
    """Of what was not granted nothing ended, whatever was said of it here since."""
    tx.conn.execute(
        update(case_events)
        .where(
            case_events.c.case == case,
            case_events.c.event.in_((Event.END.value, Event.EXPIRE.value)),
            case_events.c.noted == 0,
        )
        .values(status=REFUSED)
    )


def _set(tx: Tx, event: Row[Any], **values: Any) -> None:
    this = case_events.c.number == event.number
    tx.conn.execute(update(case_events).where(this).values(**values))
