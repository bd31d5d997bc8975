"""The notary (公证): letters about requests and grants pass the hub, which records them and passes
the very bytes on. Its receipt is the legal instant; what it refuses reaches nobody.

Nothing here grants: only the provider's own signed terms do, and they are kept as signed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select

from ortoo_hub.cases import store
from ortoo_hub.catalog import listing
from ortoo_hub.store.tables import cases, filings
from ortoo_protocol.core.cases import (
    MOVES,
    OPEN,
    Answer,
    Application,
    AttachmentPart,
    CaseStep,
    Completion,
    Event,
    Side,
    State,
    Withdrawal,
    check_answer,
    check_application,
    check_completion,
    check_people,
    check_step,
    check_withdrawal,
    check_within,
    opening,
)
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.catalog.elements import PUBLISHED
from ortoo_protocol.core.codec import Shape, decode, encode
from ortoo_protocol.core.errors import (
    CaseField,
    CaseMove,
    CaseSame,
    CatalogShareType,
    CatalogUnknown,
    EnvelopeDestination,
    EnvelopeKind,
    GrantScope,
    GrantUnknown,
)
from ortoo_protocol.core.grants import (
    GrantEnded,
    GrantTerms,
    StopFiling,
    check_ended,
    check_filing,
    check_terms,
)
from ortoo_protocol.core.law.share_types import UNCONDITIONAL
from ortoo_protocol.core.masks import check_fit
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.cases import attachments
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import insert_new
from ortoo_protocol.station.store.tables import grants

Wake = Callable[[], None]
EXPIRED = "期满"


@dataclass(frozen=True)
class Notary:
    """`wake` tells the router, after the commit, that routes have changed."""

    wake: Wake

    def relay(self, tx: Tx, opened: Opened[Shape]) -> None:
        """Record a letter between two members. Raises what is wrong with it."""
        record = {
            "case.application": _application,
            "case.completion": _completion,
            "case.attachment": _attachment,
            "case.answer": _answer,
            "case.withdrawal": self._withdrawal,
            "case.step": self._step,
            "grant.issued": self._issued,
            "grant.ended": self._ended,
        }.get(opened.message.kind.name)
        if record is None:
            raise EnvelopeKind(kind=opened.message.kind.name, detail="not for another member")
        tx.trust.party(opened.header.destination)
        record(tx, opened)

    def _issued(self, tx: Tx, opened: Opened[Shape]) -> None:
        """1 what is new needs fresh trust, 2 the terms, 3 who speaks to whom, 4 the departments,
        5 the case."""
        terms = as_body(opened, GrantTerms).body
        tx.trust.check_fresh(tx.now_ms)
        entry = listing.entry_of(listing.known(tx.conn, terms.resource))
        check_terms(terms, [item.column for item in entry.items])
        check_fit(terms.masks, entry.items)
        _check_ways(opened, terms.provider, terms.reader)
        if entry.provider != terms.provider:
            raise GrantScope(detail=f"{terms.resource} is a resource of {entry.provider}")
        if terms.masks and terms.feed == entry.feed:
            raise GrantScope(detail=f"{terms.feed} holds the values that the masks are to hide")
        tx.trust.check_department(terms.provider, terms.provider_department)
        tx.trust.check_department(terms.reader, terms.reader_department)
        case = store.known(tx.conn, terms.case)
        if (case.provider, case.applicant, case.resource, case.department) != (
            terms.provider,
            terms.reader,
            terms.resource,
            terms.reader_department,
        ):
            raise GrantScope(detail=f"it is not what case {terms.case} asked for")
        check_within(terms, decode(case.application, Application))
        if case.share_type != UNCONDITIONAL:
            check_people(terms.handler, terms.approver)
        store.move(
            tx,
            case,
            Event.OFFER if terms.conditions.strip() else Event.GRANT,
            Side.PROVIDER,
            by=terms.approver,
            reason=terms.conditions,
        )
        store.put(tx, case.case, grant=terms.grant)
        grants_held.keep(tx, terms, opened.body_bytes)
        grants_held.came_by(tx, terms.grant, as_body(opened, GrantTerms))
        tx.after_commit(self.wake)

    def _withdrawal(self, tx: Tx, opened: Opened[Shape]) -> None:
        """A yes under conditions that was not accepted goes with it."""
        letter = as_body(opened, Withdrawal)
        body = check_withdrawal(letter.body)
        case = store.known(tx.conn, body.case)
        _check_ways(opened, case.applicant, case.provider)
        store.move(
            tx,
            case,
            Event.WITHDRAW,
            Side.APPLICANT,
            by=body.handler,
            reason=body.reason,
            body=letter.body_bytes,
        )
        if case.grant is not None:
            grants_held.void(tx, case.grant, body.reason)

    def _step(self, tx: Tx, opened: Opened[Shape]) -> None:
        """1 what it says, 2 who says it to whom, 3 whether it may be said now."""
        letter, sender = as_body(opened, CaseStep), opened.header.sender
        body = check_step(letter.body)
        case = store.known(tx.conn, body.case)
        side = Side.APPLICANT if sender == case.applicant else Side.PROVIDER
        _check_ways(opened, *_ways(case, side))
        event = Event(body.event)
        store.move(
            tx,
            case,
            event,
            side,
            by=body.approver or body.handler,
            reason=body.reason or "；".join(body.missing),
            body=letter.body_bytes,
        )
        if event is Event.AGREE and case.grant is not None:
            grants_held.agree(tx, case.grant)
            tx.after_commit(self.wake)

    def _ended(self, tx: Tx, opened: Opened[Shape]) -> None:
        """The route goes at once. A filing that is missing is the supervision's affair: it must
        not keep the route open."""
        ended = check_ended(as_body(opened, GrantEnded).body)
        _check_comes(tx, opened.header.case, ended.grant)
        grant = grants_held.row(tx, ended.grant)
        _check_ways(opened, grant.provider, grant.reader)
        if (ended.feed, ended.reader) != (grant.feed, grant.reader):
            raise GrantScope(detail=f"grant {ended.grant} is of another feed or reader")
        grants_held.end(tx, ended)
        case = store.find(tx.conn, grants_held.terms_of(grant).case)
        if case is not None and (State(case.state), Event.END) in MOVES:
            store.move(tx, case, Event.END, Side.PROVIDER, by=ended.by, reason=ended.reason)
        tx.after_commit(self.wake)

    def filing(self, tx: Tx, opened: Opened[Shape]) -> None:
        """A letter to the hub itself: a provider files before it stops to supply."""
        filing, sender = check_filing(as_body(opened, StopFiling).body), opened.header.sender
        grant = grants_held.row(tx, filing.grant)
        if grant.provider != sender:
            raise GrantUnknown(grant=filing.grant)
        row = {
            "filing": filing.filing,
            "grant": filing.grant,
            "provider": sender,
            "resource": filing.resource[:64],
            "reason": filing.reason,
            "by": filing.by,
            "filed_ms": filing.filed_ms,
            "received_ms": tx.now_ms,
        }
        insert_new(tx.conn, filings, [row])


def _application(tx: Tx, opened: Opened[Shape]) -> None:
    letter = as_body(opened, Application)
    body, sender = check_application(letter.body), opened.header.sender
    tx.trust.check_department(sender, body.department)
    entry = listing.entry_of(listing.known(tx.conn, body.resource))
    if entry.status != PUBLISHED:
        raise CatalogUnknown(resource=body.resource)
    if body.share_type not in (0, entry.share_type):
        raise CatalogShareType(
            resource=entry.code, share_type=str(entry.share_type), detail="it has changed"
        )
    _check_ways(opened, sender, entry.provider)
    _check_items(body, entry)
    if store.find(tx.conn, body.case) is not None:
        raise CaseField(field="case", detail="this number is taken")
    _check_not_asked(tx, body)
    row = {
        "case": body.case,
        "resource": body.resource,
        "resource_name": entry.name,
        "applicant": sender,
        "department": body.department,
        "department_name": body.department_name,
        "provider": entry.provider,
        "purpose": body.purpose,
        "state": State.DRAFT.value,
        "opened_ms": tx.now_ms,
        "changed_ms": tx.now_ms,
        "grant": None,
        "reason": "",
        "application": letter.body_bytes,
        "answer": None,
        "group": body.group,
        "share_type": entry.share_type,
        "provider_department": entry.department,
    }
    tx.conn.execute(insert(cases).values(row))
    case = store.known(tx.conn, body.case)
    event = opening(entry.share_type)
    store.move(tx, case, event, Side.APPLICANT, by=body.approver, body=letter.body_bytes)


def _check_items(body: Application, entry: Entry) -> None:
    if set(body.items) - {item.column for item in entry.items}:
        raise GrantScope(detail="it asks for items that the resource does not have")


def _check_not_asked(tx: Tx, body: Application) -> None:
    """What a department has asked for already is one case (its station joins them)."""
    query = select(cases.c.application).where(
        cases.c.resource == body.resource,
        cases.c.department == body.department,
        cases.c.state.in_([state.value for state in OPEN]),
    )
    for raw in tx.conn.execute(query).scalars():
        held = decode(raw, Application)
        same = ("items", "row_filter", "purpose", "mode")
        if all(getattr(held, name) == getattr(body, name) for name in same):
            raise CaseSame()


def _completion(tx: Tx, opened: Opened[Shape]) -> None:
    letter = as_body(opened, Completion)
    body = check_completion(letter.body)
    application = body.application
    case = store.known(tx.conn, application.case)
    _check_ways(opened, case.applicant, case.provider)
    if (application.resource, application.department) != (case.resource, case.department):
        raise GrantScope(detail=f"it is not what case {case.case} asked for")
    entry = listing.entry_of(listing.known(tx.conn, case.resource))
    _check_items(application, entry)
    store.move(
        tx,
        case,
        Event.COMPLETE,
        Side.APPLICANT,
        by=application.approver,
        reason=body.note,
        body=letter.body_bytes,
    )
    if application.attachments != decode(case.application, Application).attachments:
        attachments.forget(tx, case.case)
    store.put(tx, case.case, application=encode(application), purpose=application.purpose)


def _attachment(tx: Tx, opened: Opened[Shape]) -> None:
    letter = as_body(opened, AttachmentPart)
    case = store.known(tx.conn, letter.body.case)
    _check_ways(opened, case.applicant, case.provider)
    named = decode(case.application, Application).attachments
    attachments.receive(tx, letter.body, letter.rows[0] if letter.rows else b"", named)


def _answer(tx: Tx, opened: Opened[Shape]) -> None:
    """A no moves the case. A yes is kept: the grant that it names moves, and may come before it."""
    letter = as_body(opened, Answer)
    body = check_answer(letter.body)
    case = store.known(tx.conn, body.case)
    _check_ways(opened, case.provider, case.applicant)
    if body.outcome == "granted":
        if case.grant != body.grant and (State(case.state), Event.GRANT) not in MOVES:
            raise CaseMove(state=case.state, event=Event.GRANT.value)
    else:
        store.move(
            tx,
            case,
            Event.REFUSE,
            Side.PROVIDER,
            by=body.approver,
            reason=body.reason,
            body=letter.body_bytes,
            answer=body,
        )
    store.put(tx, body.case, answer=letter.body_bytes)


def _check_comes(tx: Tx, case: str | None, grant: str) -> None:
    """Of a grant that is not known the end may have come first; but not where its case does not
    let it be granted any more. Raises CaseMove."""
    row = None if case is None else store.find(tx.conn, case)
    if row is None or grants_held.find(tx.conn, grant) is not None:
        return
    if (State(row.state), Event.GRANT) not in MOVES:
        raise CaseMove(state=row.state, event=Event.END.value)


def _ways(case: Row[Any], side: Side) -> tuple[str, str]:
    if side is Side.APPLICANT:
        return case.applicant, case.provider
    return case.provider, case.applicant


def _check_ways(opened: Opened[Shape], sender: str, recipient: str) -> None:
    """The letter goes from whom its content concerns to whom its content concerns."""
    if (opened.header.sender, opened.header.destination) != (sender, recipient):
        raise EnvelopeDestination(destination=opened.header.destination)


def expire(tx: Tx) -> None:
    """End the cases of grants whose term is over (期满). Asked of the cases that stand open, not of
    all grants: those never grow fewer, for a grant is kept as it was signed."""
    over = (
        select(cases)
        .join(grants, grants.c.grant == cases.c.grant)
        .where(
            cases.c.state.in_([state.value for state in State if (state, Event.EXPIRE) in MOVES]),
            grants.c.ended_ms.is_(None),
            grants.c.until_ms > 0,
            grants.c.until_ms <= tx.now_ms,
        )
    )
    for case in tx.conn.execute(over).all():
        store.move(tx, case, Event.EXPIRE, Side.SYSTEM, by="", reason=EXPIRED)
