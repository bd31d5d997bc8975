"""Letters of a case that come from the other side, or from the authority.

The notary judged them and put them in an order; here they are checked for who speaks, kept, and
acted upon. Those of two departments of this station come back to it, and were kept when made.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from ortoo_node import catalog, granting, subscribing
from ortoo_node.cases import answering, moving, store
from ortoo_protocol.core.cases import (
    AUTOMATIC,
    Answer,
    Application,
    AttachmentPart,
    CaseStep,
    Completion,
    Event,
    Ruling,
    State,
    Withdrawal,
    check_answer,
    check_application,
    check_completion,
    check_ruling,
    check_step,
    check_withdrawal,
    opening,
)
from ortoo_protocol.core.catalog.elements import PUBLISHED
from ortoo_protocol.core.codec import Shape, decode, encode
from ortoo_protocol.core.errors import (
    CaseUnknown,
    CatalogUnknown,
    EnvelopeSender,
    OrtooError,
)
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.i18n import mark
from ortoo_protocol.station import trusting
from ortoo_protocol.station.cases import attachments
from ortoo_protocol.station.context import Tx

NO_LONGER = mark("the resource is no longer supplied")


def on_application(tx: Tx, opened: Opened[Shape]) -> None:
    """An application. What is unconditional is granted at once; of what was just stopped it ends.

    The notary took it, so it is a case elsewhere: what cannot be taken here ends as a case, too.
    Raises CaseField: the number was used here before.
    """
    application = as_body(opened, Application).body
    try:
        with tx.attempt():
            _take(tx, opened, check_application(application))
    except OrtooError as error:
        if trusting.not_now(tx, error):
            raise
        if opened.header.sender != tx.party:
            _opened(tx, opened, application, application.share_type, "")
        answering.say(tx, application.case, Event.STOP, error.code, AUTOMATIC, "")


def _take(tx: Tx, opened: Opened[Shape], application: Application) -> None:
    sender = opened.header.sender
    tx.trust.check_department(sender, application.department)
    entry = catalog.entry(tx.conn, application.resource)
    if entry.provider != tx.party:
        raise CatalogUnknown(resource=application.resource)
    if sender != tx.party:
        share_type = application.share_type or entry.share_type
        _opened(tx, opened, application, share_type, entry.department)
    if entry.status != PUBLISHED:
        answering.say(tx, application.case, Event.STOP, NO_LONGER, AUTOMATIC, "")
    else:
        answering.answer_alone(tx, application.case, entry, sender)


def _opened(
    tx: Tx, opened: Opened[Shape], application: Application, share_type: int, department: str
) -> None:
    row = store.open_case(
        tx,
        application,
        store.PROVIDER,
        opened.header.sender,
        tx.party,
        share_type=share_type,
        provider_department=department,
        letter=opened.header.id,
        notarised=True,
    )
    by = f"{application.handler}, {application.approver}"
    _arrived(tx, row, opened, opening(share_type), by, "")


def on_completion(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_completion(as_body(opened, Completion).body)
    application = body.application
    row = _from(tx, opened, application.case, applicant=True)
    if row.role == store.BOTH:
        return
    store.put(tx, row.case, application=encode(application))
    if application.attachments != decode(row.application, Application).attachments:
        attachments.forget(tx, row.case)
    by = f"{application.handler}, {application.approver}"
    _arrived(tx, row, opened, Event.COMPLETE, by, body.note)


def on_attachment(tx: Tx, opened: Opened[Shape]) -> None:
    letter = as_body(opened, AttachmentPart)
    row = _from(tx, opened, letter.body.case, applicant=True)
    named = decode(row.application, Application).attachments
    attachments.receive(tx, letter.body, letter.rows[0] if letter.rows else b"", named)


def on_answer(tx: Tx, opened: Opened[Shape]) -> None:
    """The provider's answer. A no moves the case; a yes is kept: the grant beside it moves."""
    answer = check_answer(as_body(opened, Answer).body)
    row = _from(tx, opened, answer.case, applicant=False)
    if row.role == store.BOTH:
        return  # this very station answered: it is recorded
    store.put(tx, row.case, answer=opened.body_bytes, reason=answer.reason)
    if answer.outcome == "refused":
        by = f"{answer.handler}, {answer.approver}"
        _arrived(tx, row, opened, Event.REFUSE, by, answer.reason)
        subscribing.refused(tx, row.case)


def on_issued(tx: Tx, opened: Opened[Shape]) -> None:
    """The yes itself: the terms of a grant, which wait if they are under conditions."""
    granting.on_issued(tx, opened)
    terms = as_body(opened, GrantTerms).body
    row = store.find(tx.conn, terms.case)
    if row.role == store.BOTH:
        return
    event = Event.OFFER if terms.conditions.strip() else Event.GRANT
    store.put(tx, row.case, grant=terms.grant)
    by = f"{terms.handler}, {terms.approver}"
    _arrived(tx, row, opened, event, by, terms.conditions)


def on_withdrawal(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_withdrawal(as_body(opened, Withdrawal).body)
    row = _from(tx, opened, body.case, applicant=True)
    if row.role == store.BOTH:
        return
    store.put(tx, row.case, reason=body.reason)
    _arrived(tx, row, opened, Event.WITHDRAW, body.handler, body.reason)
    granting.void_of(tx, row.case)


def on_step(tx: Tx, opened: Opened[Shape]) -> None:
    step = check_step(as_body(opened, CaseStep).body)
    row = _between(tx, opened, step.case)
    if row.role == store.BOTH:
        return
    event = Event(step.event)
    by = ", ".join(filter(None, (step.handler, step.approver)))
    _arrived(tx, row, opened, event, by, step.reason or "；".join(step.missing))
    if event is Event.AGREE:
        granting.agreed(tx, row.grant)
    elif event is Event.STOP:
        store.put(tx, row.case, reason=step.reason)
        subscribing.refused(tx, row.case)


def on_ruling(tx: Tx, opened: Opened[Shape]) -> None:
    """The authority's word: the hub's in cases that cross leagues."""
    ruling, sender = check_ruling(as_body(opened, Ruling).body), opened.header.sender
    row = store.find(tx.conn, ruling.case)
    authority = tx.party if row.role == store.BOTH else tx.trust.hub
    if sender != authority:
        raise EnvelopeSender(sender=sender, owner=authority)
    if row.role == store.BOTH:
        return
    by = f"{ruling.handler}, {ruling.approver}"
    _arrived(tx, row, opened, Event(ruling.event), by, ruling.reason)


def _arrived(
    tx: Tx, row: Row[Any], opened: Opened[Shape], event: Event, by: str, reason: str
) -> State:
    header = opened.header
    return moving.arrived(
        tx,
        row,
        event,
        header.sender,
        by=by,
        reason=reason,
        letter=header.id,
        body=opened.body_bytes,
    )


def _from(tx: Tx, opened: Opened[Shape], case: str, *, applicant: bool) -> Row[Any]:
    """The case, of which the letter's sender must be the applicant, or else the provider."""
    row, sender = store.find(tx.conn, case), opened.header.sender
    owner = row.applicant if applicant else row.provider
    if sender != owner:
        raise EnvelopeSender(sender=sender, owner=owner)
    return row


def _between(tx: Tx, opened: Opened[Shape], case: str) -> Row[Any]:
    row = store.find(tx.conn, case)
    if opened.header.sender not in (row.applicant, row.provider):
        raise CaseUnknown(case=case)
    return row
