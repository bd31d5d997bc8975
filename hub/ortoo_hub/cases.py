"""The notary (公证): letters about requests and grants pass the hub, which records them and passes
the very bytes on. Its receipt is the legal instant; what it refuses reaches nobody.

Nothing here grants: only the provider's own signed terms do, and they are kept as signed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from ortoo_hub.catalog import listing
from ortoo_hub.store.tables import case_events, cases, filings
from ortoo_protocol.core.cases import (
    Answer,
    Application,
    Event,
    State,
    Withdrawal,
    check_answer,
    check_application,
    check_withdrawal,
    move,
)
from ortoo_protocol.core.codec import Shape, decode
from ortoo_protocol.core.errors import (
    CaseField,
    CaseUnknown,
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
from ortoo_protocol.core.masks import check_fit
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import grants_held
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
            "case.answer": _answer,
            "case.withdrawal": _withdrawal,
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
        case = _case(tx, terms.case)
        if (case.provider, case.applicant, case.resource, case.department) != (
            terms.provider,
            terms.reader,
            terms.resource,
            terms.reader_department,
        ):
            raise GrantScope(detail=f"it is not what case {terms.case} asked for")
        asked = decode(case.application, Application).items
        if asked and (not terms.items or set(terms.items) - set(asked)):
            raise GrantScope(detail=f"more items than case {terms.case} asked for")
        _grant(tx, case, terms.grant, terms.provider, terms.approver)
        grants_held.keep(tx, terms, opened.body_bytes)
        tx.after_commit(self.wake)

    def _ended(self, tx: Tx, opened: Opened[Shape]) -> None:
        """The route goes at once. A filing that is missing is the supervision's affair: it must
        not keep the route open."""
        ended = check_ended(as_body(opened, GrantEnded).body)
        grant = grants_held.row(tx, ended.grant)
        _check_ways(opened, grant.provider, grant.reader)
        if (ended.feed, ended.reader) != (grant.feed, grant.reader):
            raise GrantScope(detail=f"grant {ended.grant} is of another feed or reader")
        grants_held.end(tx, ended)
        case = find(tx.conn, grants_held.terms_of(grant).case)
        if case is not None and case.state == State.GRANTED.value:
            _move(tx, case, Event.END, grant.provider, ended.by, ended.reason)
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
    if entry.status != "published":
        raise CatalogUnknown(resource=body.resource)
    _check_ways(opened, sender, entry.provider)
    if set(body.items) - {item.column for item in entry.items}:
        raise GrantScope(detail="it asks for items that the resource does not have")
    if find(tx.conn, body.case) is not None:
        raise CaseField(field="case", detail="this number is taken")
    row = {
        "case": body.case,
        "resource": body.resource,
        "resource_name": entry.name,
        "applicant": sender,
        "department": body.department,
        "department_name": body.department_name,
        "provider": entry.provider,
        "purpose": body.purpose,
        "state": State.SUBMITTED.value,
        "opened_ms": tx.now_ms,
        "changed_ms": tx.now_ms,
        "grant": None,
        "reason": "",
        "application": letter.body_bytes,
        "answer": None,
    }
    tx.conn.execute(insert(cases).values(row))
    _note(tx, body.case, Event.SUBMIT.value, sender, body.approver, "")


def _answer(tx: Tx, opened: Opened[Shape]) -> None:
    letter = as_body(opened, Answer)
    body, case = check_answer(letter.body), _case(tx, letter.body.case)
    _check_ways(opened, case.provider, case.applicant)
    if body.outcome == "granted":
        _grant(tx, case, body.grant, case.provider, body.approver)
    else:
        _move(tx, case, Event.REFUSE, case.provider, body.approver, body.reason)
    answered = update(cases).where(cases.c.case == body.case)
    tx.conn.execute(answered.values(answer=letter.body_bytes))


def _withdrawal(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_withdrawal(as_body(opened, Withdrawal).body)
    case = _case(tx, body.case)
    _check_ways(opened, case.applicant, case.provider)
    _move(tx, case, Event.WITHDRAW, case.applicant, body.handler, body.reason)


def _check_ways(opened: Opened[Shape], sender: str, recipient: str) -> None:
    """The letter goes from whom its content concerns to whom its content concerns."""
    if (opened.header.sender, opened.header.destination) != (sender, recipient):
        raise EnvelopeDestination(destination=opened.header.destination)


def expire(tx: Tx) -> None:
    """End the cases of grants whose term is over (期满)."""
    over = select(grants).where(
        grants.c.ended_ms.is_(None), grants.c.until_ms > 0, grants.c.until_ms <= tx.now_ms
    )
    for grant in tx.conn.execute(over).all():
        terms = grants_held.terms_of(grant)
        case = find(tx.conn, terms.case)
        if case is not None and case.state == State.GRANTED.value:
            _move(tx, case, Event.END, terms.provider, "", EXPIRED)


# --- in the store -------------------------------------------------------------------------------


def find(conn: Connection, case: str) -> Row[Any] | None:
    return conn.execute(select(cases).where(cases.c.case == case)).first()


def _case(tx: Tx, case: str) -> Row[Any]:
    row = find(tx.conn, case)
    if row is None:
        raise CaseUnknown(case=case)
    return row


def _grant(tx: Tx, case: Row[Any], grant: str, party: str, by: str) -> None:
    """The answer and the grant it names are two letters; whichever comes first moves the case."""
    if case.state == State.GRANTED.value and case.grant == grant:
        return
    _move(tx, case, Event.GRANT, party, by, "")
    tx.conn.execute(update(cases).where(cases.c.case == case.case).values(grant=grant))


def _move(tx: Tx, case: Row[Any], event: Event, party: str, by: str, reason: str) -> None:
    """Raises CaseMove when the table of moves does not list it."""
    after = move(State(case.state), event)
    values = {"state": after.value, "changed_ms": tx.now_ms, "reason": reason}
    tx.conn.execute(update(cases).where(cases.c.case == case.case).values(values))
    _note(tx, case.case, event.value, party, by, reason)


def _note(tx: Tx, case: str, event: str, party: str, by: str, reason: str) -> None:
    row = {
        "case": case,
        "time_ms": tx.now_ms,
        "event": event,
        "party": party,
        "by": by,
        "reason": reason,
    }
    tx.conn.execute(insert(case_events).values(row))


def listed(conn: Connection, state: str | None, limit: int) -> list[Row[Any]]:
    query = select(cases).order_by(cases.c.opened_ms.desc(), cases.c.case).limit(limit)
    return list(conn.execute(query if state is None else query.where(cases.c.state == state)))


def events_of(conn: Connection, case: str) -> list[Row[Any]]:
    query = select(case_events).where(case_events.c.case == case)
    return list(conn.execute(query.order_by(case_events.c.number)))


def unfiled(conn: Connection) -> list[Row[Any]]:
    """Grants that ended without the filing that must come first (art. 18)."""
    filed = select(filings.c.filing).where(
        filings.c.filing == grants.c.filing, filings.c.grant == grants.c.grant
    )
    query = select(grants).where(grants.c.ended_ms.is_not(None), ~filed.exists())
    return list(conn.execute(query.order_by(grants.c.ended_ms.desc())))
