"""Share requests at a station, both sides: applying, answering, and the letters between them.

The state machine is core.cases.MOVES; here is what happens along a move. Two departments of one
station use the same steps: the letters come back to the station itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from ortoo_node import catalog, granting, subscribing
from ortoo_node.store.tables import case_events, cases
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
from ortoo_protocol.core.catalog import UNCONDITIONAL, Entry
from ortoo_protocol.core.catalog.elements import PLANNED, PUBLISHED
from ortoo_protocol.core.codec import Shape, decode, encode
from ortoo_protocol.core.errors import (
    CaseField,
    CaseReason,
    CaseUnknown,
    CatalogShareType,
    CatalogUnknown,
    EnvelopeSender,
    GrantScope,
)
from ortoo_protocol.core.masks import Mask
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.i18n import mark
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import SettledLetter, Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.tables import grants

APPLICANT, PROVIDER, BOTH = "applicant", "provider", "both"
AUTOMATIC = "系统自动"
MAX_OWN_SCOPES = 16  # of one reader in one resource, granted without people


@dataclass(frozen=True)
class Wish:
    """What a department asks for; the fields of an application that people fill in."""

    resource: str
    department: str
    items: tuple[str, ...]
    row_filter: str
    purpose: str
    basis: str
    scenario: str
    mode: str
    until_ms: int
    handler: str
    approver: str


# --- the applicant ------------------------------------------------------------------------------


def apply(tx: Tx, wish: Wish) -> str:
    """Send an application to the provider of the resource; returns the case.

    Raises CatalogUnknown, CatalogShareType, CaseField, GrantScope, TrustDepartment.
    """
    tx.trust.check_fresh(tx.now_ms)
    tx.trust.check_department(tx.party, wish.department)
    entry = catalog.entry(tx.conn, wish.resource)
    _check_wish(entry, wish)
    case = tx.new_id().hex()
    application = check_application(
        Application(
            case=case,
            resource=wish.resource,
            department=wish.department,
            department_name=tx.trust.departments(tx.party)[wish.department],
            items=wish.items,
            row_filter=wish.row_filter,
            purpose=wish.purpose,
            basis=wish.basis,
            scenario=wish.scenario,
            mode=wish.mode,
            until_ms=wish.until_ms,
            handler=wish.handler,
            approver=wish.approver,
        )
    )
    letter = send(tx, entry.provider, application, case=case)
    role = BOTH if entry.provider == tx.party else APPLICANT
    _open_case(tx, application, role, tx.party, entry.provider, letter, notarised=False)
    note(tx, case, Event.SUBMIT.value, tx.party, f"{wish.handler}, {wish.approver}", "")
    return case


def _check_wish(entry: Entry, wish: Wish) -> None:
    if entry.status == PLANNED:
        detail = mark("it is not supplied yet")
        raise CatalogShareType(resource=entry.code, share_type="预编", detail=detail)
    if entry.status != PUBLISHED:
        detail = mark("it was stopped")
        raise CatalogShareType(resource=entry.code, share_type="已停止", detail=detail)
    unknown = set(wish.items) - {item.column for item in entry.items}
    if unknown:
        raise GrantScope(detail=f"no such items: {', '.join(sorted(unknown))}")


def withdraw(tx: Tx, case: str, reason: str, handler: str) -> State:
    """The applicant no longer asks."""
    row = find(tx.conn, case)
    if row.role == PROVIDER:
        raise CaseUnknown(case=case)
    state = move(State(row.state), Event.WITHDRAW)
    withdrawal = check_withdrawal(Withdrawal(case=case, reason=reason, handler=handler))
    send(tx, row.provider, withdrawal, case=case)
    _set(tx, case, state=state.value, reason=reason)
    note(tx, case, Event.WITHDRAW.value, tx.party, handler, reason)
    return state


def on_answer(tx: Tx, opened: Opened[Shape]) -> None:
    """The provider's answer; a yes is followed by the grant it names."""
    answer, sender = as_body(opened, Answer).body, opened.header.sender
    check_answer(answer)
    row = find(tx.conn, answer.case)
    if row.provider != sender:
        raise EnvelopeSender(sender=sender, owner=row.provider)
    if row.role == BOTH:
        return  # this very station answered: it is recorded
    event = Event.GRANT if answer.outcome == "granted" else Event.REFUSE
    state = move(State(row.state), event)
    _set(
        tx,
        answer.case,
        state=state.value,
        answer=opened.body_bytes,
        reason=answer.reason,
        grant=answer.grant or None,
    )
    by = f"{answer.handler}, {answer.approver}"
    note(tx, answer.case, event.value, sender, by, answer.reason)
    if event is Event.REFUSE:
        subscribing.refused(tx, answer.case)


def on_settled(tx: Tx, letter: SettledLetter) -> None:
    """What became of an application on its way: notarised (the legal instant), or refused."""
    if letter.kind != "case.application":
        return
    row = tx.conn.execute(select(cases).where(cases.c.letter == letter.id)).first()
    if row is None:
        return
    if letter.status == "notarised":
        _set(tx, row.case, opened_ms=letter.time_ms, notarised=True)
        note(tx, row.case, "notarised", tx.trust.hub, "", "")
    elif letter.status == "refused" and row.state == State.SUBMITTED.value:
        _set(tx, row.case, state=State.REFUSED.value, reason=letter.error)
        note(tx, row.case, Event.REFUSE.value, letter.recipient, "", letter.error)
        subscribing.refused(tx, row.case)


# --- the provider -------------------------------------------------------------------------------


def on_application(tx: Tx, opened: Opened[Shape]) -> None:
    """An application arrives. Unconditional resources are granted at once (直接获取, art. 19).

    Raises what goes back to the applicant as the receipt's code.
    """
    application, sender = as_body(opened, Application).body, opened.header.sender
    check_application(application)
    tx.trust.check_department(sender, application.department)
    entry = catalog.entry(tx.conn, application.resource)
    if entry.provider != tx.party or entry.status != "published":
        raise CatalogUnknown(resource=application.resource)
    if sender != tx.party:
        _open_case(tx, application, PROVIDER, sender, tx.party, opened.header.id, notarised=True)
        by = f"{application.handler}, {application.approver}"
        note(tx, application.case, Event.SUBMIT.value, sender, by, "")
    narrow = bool(application.items or application.row_filter.strip())
    many = narrow and _own_scopes(tx, entry, sender) >= MAX_OWN_SCOPES
    if entry.share_type == UNCONDITIONAL and not many:
        answer_yes(tx, application.case, application.items, AUTOMATIC, "", "", 0)


def _own_scopes(tx: Tx, entry: Entry, reader: str) -> int:
    """How many grants `reader` has of less than the whole resource: each is a copy of the table
    that every publication follows, so people answer when there are many."""
    query = select(func.count()).where(
        grants.c.resource == entry.code,
        grants.c.reader == reader,
        grants.c.feed != entry.feed,
        grants_held.live(tx.now_ms),
    )
    return int(tx.conn.execute(query).scalar() or 0)


def answer_yes(
    tx: Tx,
    case: str,
    items: Sequence[str],
    handler: str,
    approver: str,
    conditions: str,
    until_ms: int,
    masks: Sequence[Mask] = (),
) -> str:
    """Grant the case for `items` (none named: those asked for), some of them masked; returns the
    grant.

    Raises CaseMove, CaseField (who handles does not approve), GrantScope, TrustStale.
    """
    row = _for_provider(tx, case)
    state = move(State(row.state), Event.GRANT)
    application = decode(row.application, Application)
    entry = catalog.entry(tx.conn, row.resource)
    if entry.share_type != UNCONDITIONAL:
        check_people(handler, approver)
    chosen = tuple(items) or application.items
    if application.items and set(chosen) - set(application.items):
        raise GrantScope(detail="more items than were asked for")
    terms = granting.issue(
        tx,
        entry,
        application,
        reader=row.applicant,
        items=chosen,
        conditions=conditions,
        until_ms=until_ms or application.until_ms,
        handler=handler,
        approver=approver,
        masks=masks,
    )
    answer = Answer(
        case=case,
        outcome="granted",
        reason="",
        grant=terms.grant,
        items=terms.items,
        handler=handler,
        approver=approver,
    )
    send(tx, row.applicant, answer, case=case)
    granting.deliver(tx, terms)
    _set(tx, case, state=state.value, answer=encode(answer), grant=terms.grant)
    note(tx, case, Event.GRANT.value, tx.party, f"{handler}, {approver}", conditions)
    return terms.grant


def answer_no(tx: Tx, case: str, reason: str, handler: str, approver: str) -> State:
    """Refuse the case. Raises CaseReason: a refusal without a reason is not accepted (art. 19)."""
    row = _for_provider(tx, case)
    state = move(State(row.state), Event.REFUSE)
    if not reason.strip():
        raise CaseReason()
    check_people(handler, approver)
    answer = check_answer(
        Answer(
            case=case,
            outcome="refused",
            reason=reason,
            grant="",
            items=(),
            handler=handler,
            approver=approver,
        )
    )
    send(tx, row.applicant, answer, case=case)
    _set(tx, case, state=state.value, answer=encode(answer), reason=reason)
    note(tx, case, Event.REFUSE.value, tx.party, f"{handler}, {approver}", reason)
    return state


def on_withdrawal(tx: Tx, opened: Opened[Shape]) -> None:
    body, sender = check_withdrawal(as_body(opened, Withdrawal).body), opened.header.sender
    row = find(tx.conn, body.case)
    if row.applicant != sender:
        raise EnvelopeSender(sender=sender, owner=row.applicant)
    if row.role == BOTH:
        return
    state = move(State(row.state), Event.WITHDRAW)
    _set(tx, body.case, state=state.value, reason=body.reason)
    note(tx, body.case, Event.WITHDRAW.value, sender, body.handler, body.reason)


def check_people(handler: str, approver: str) -> None:
    for field, name in (("handler", handler), ("approver", approver)):
        if not name.strip():
            raise CaseField(field=field, detail="empty")
    if handler == approver:
        raise CaseField(field="approver", detail="the handler cannot approve")


def ended(tx: Tx, case: str, reason: str) -> None:
    """The case's grant ended."""
    row = tx.conn.execute(select(cases).where(cases.c.case == case)).first()
    if row is not None and row.state == State.GRANTED.value:
        _set(tx, case, state=State.ENDED.value, reason=reason)
        note(tx, case, Event.END.value, row.provider, "", reason)


# --- the store ----------------------------------------------------------------------------------


def find(conn: Connection, case: str) -> Row[Any]:
    row = conn.execute(select(cases).where(cases.c.case == case)).first()
    if row is None:
        raise CaseUnknown(case=case)
    return row


def _for_provider(tx: Tx, case: str) -> Row[Any]:
    row = find(tx.conn, case)
    if row.role == APPLICANT:
        raise CaseUnknown(case=case)
    return row


def _open_case(
    tx: Tx,
    application: Application,
    role: str,
    applicant: str,
    provider: str,
    letter: bytes,
    *,
    notarised: bool,
) -> None:
    if tx.conn.execute(select(cases.c.case).where(cases.c.case == application.case)).first():
        raise CaseField(field="case", detail="this number was used before")
    values = {
        "case": application.case,
        "role": role,
        "resource": application.resource,
        "applicant": applicant,
        "department": application.department,
        "provider": provider,
        "state": State.SUBMITTED.value,
        "application": encode(application),
        "answer": None,
        "letter": letter,
        "opened_ms": tx.now_ms,
        "notarised": notarised,
        "changed_ms": tx.now_ms,
        "grant": None,
        "reason": "",
    }
    tx.conn.execute(insert(cases).values(values))


def _set(tx: Tx, case: str, **values: Any) -> None:
    tx.conn.execute(
        update(cases).where(cases.c.case == case).values(changed_ms=tx.now_ms, **values)
    )


def note(tx: Tx, case: str, event: str, party: str, by: str, reason: str) -> None:
    """One line of the case's history: who, when, why (Measures art. 24)."""
    values = {
        "case": case,
        "time_ms": tx.now_ms,
        "event": event,
        "party": party,
        "by": by,
        "reason": reason,
    }
    tx.conn.execute(insert(case_events).values(values))


def listed(conn: Connection, role: str, state: str | None) -> Sequence[Row[Any]]:
    query = select(cases).order_by(cases.c.opened_ms.desc())
    if role != "all":
        query = query.where(cases.c.role.in_((role, BOTH)))
    if state is not None:
        query = query.where(cases.c.state == state)
    return conn.execute(query).all()


def history(conn: Connection, case: str) -> Sequence[Row[Any]]:
    query = select(case_events).where(case_events.c.case == case)
    return conn.execute(query.order_by(case_events.c.number)).all()
