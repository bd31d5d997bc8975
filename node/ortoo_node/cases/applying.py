"""What the applicant's people do: draft, apply, complete, accept conditions, withdraw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from ortoo_node import catalog, granting, subscribing, views
from ortoo_node.cases import moving, store
from ortoo_node.store.case_tables import cases
from ortoo_protocol.core.cases import (
    OPEN,
    Application,
    CaseStep,
    Completion,
    Event,
    Side,
    State,
    Withdrawal,
    check_application,
    check_completion,
    check_step,
    check_withdrawal,
    opening,
)
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.catalog.elements import MODES, PLANNED, PUBLISHED, mode_named
from ortoo_protocol.core.codec import decode, encode
from ortoo_protocol.core.errors import CaseField, CaseMove, CaseUnknown, CatalogShareType
from ortoo_protocol.core.queries import modes_in
from ortoo_protocol.i18n import mark
from ortoo_protocol.station.cases import attachments
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send

Files = Sequence[tuple[str, bytes]]  # names and contents of scans
# What makes two applications of one department the same.
_SAME = ("department", "resource", "items", "row_filter", "purpose", "mode")


@dataclass(frozen=True)
class Wish:
    """What a department asks for; the fields of an application that people fill in. `group`: of
    one paper that asks for several resources."""

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
    contact: str = ""
    group: str = ""


def apply(tx: Tx, wish: Wish, files: Files = ()) -> str:
    """Send an application to the provider of the resource; returns the case: that of the same
    application of this department, where one is open.

    Raises CatalogUnknown, CatalogShareType, CaseField, CaseAttachment, GrantScope, TrustDepartment.
    """
    known = same_open(tx.conn, wish)
    if known is not None:
        store.note(tx, known, "joined", tx.party, f"{wish.handler}, {wish.approver}", "")
        return known
    row = _drafted(tx, wish, files)
    _send(tx, row)
    return str(row.case)


def draft(tx: Tx, wish: Wish, files: Files = ()) -> str:
    """Keep an application that is not sent yet."""
    return str(_drafted(tx, wish, files).case)


def submit(tx: Tx, case: str) -> State:
    """Send a draft."""
    row = for_applicant(tx.conn, case)
    if row.state != State.DRAFT.value:
        raise CaseMove(state=row.state, event=Event.SUBMIT.value)
    _send(tx, row)
    return State(store.find(tx.conn, case).state)


def same_open(conn: Connection, wish: Wish) -> str | None:
    """The open case in which this department asked for the same."""
    query = select(cases.c.case, cases.c.application).where(
        cases.c.resource == wish.resource,
        cases.c.department == wish.department,
        cases.c.role != store.PROVIDER,
        cases.c.state.in_([state.value for state in OPEN]),
    )
    for row in conn.execute(query.order_by(cases.c.opened_ms)):
        asked = decode(row.application, Application)
        if all(getattr(asked, name) == getattr(wish, name) for name in _SAME):
            return str(row.case)
    return None


def _drafted(tx: Tx, wish: Wish, files: Files) -> Row[Any]:
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
            group=wish.group,
            contact=wish.contact,
            share_type=entry.share_type,
            attachments=attachments.described(tx.suite, files),
        )
    )
    attachments.keep_own(tx, case, [content for _, content in files])
    return store.open_case(
        tx,
        application,
        store.BOTH if entry.provider == tx.party else store.APPLICANT,
        tx.party,
        entry.provider,
        share_type=entry.share_type,
        provider_department=entry.department,
    )


def _check_wish(entry: Entry, wish: Wish) -> None:
    if entry.status == PLANNED:
        detail = mark("it is not supplied yet")
        raise CatalogShareType(resource=entry.code, share_type="预编", detail=detail)
    if entry.status != PUBLISHED:
        detail = mark("it was stopped")
        raise CatalogShareType(resource=entry.code, share_type="已停止", detail=detail)
    views.check_scope(entry, wish.items, wish.row_filter)
    named = modes_in(wish.mode)
    if not named or any(mode_named(each) not in MODES for each in named):
        raise CaseField(
            field="mode", detail=mark("one of 系统对接, 联机查询 (在线查询), 批量下载, 前置机")
        )


def _send(tx: Tx, row: Row[Any]) -> None:
    tx.trust.check_fresh(tx.now_ms)
    application = decode(row.application, Application)
    event = opening(row.share_type)
    moving.check(tx, row, event, Side.APPLICANT)
    letter = send(tx, row.provider, application, case=row.case)
    store.put(tx, row.case, letter=letter, opened_ms=tx.now_ms)
    moving.take(
        tx,
        row,
        event,
        Side.APPLICANT,
        by=f"{application.handler}, {application.approver}",
        letter=letter,
        body=row.application,
    )


def complete(tx: Tx, case: str, changes: dict[str, Any], files: Files, note: str) -> State:
    """Answer a return with what was missing: the application anew, with `changes` to its fields.
    Without `files` the scans stay as they are. Raises CaseMove, CaseField, CaseAttachment."""
    row = for_applicant(tx.conn, case)
    moving.check(tx, row, Event.COMPLETE, Side.APPLICANT)
    held = decode(row.application, Application)
    made = {name: getattr(held, name) for name in held.__struct_fields__} | changes
    if files:
        made["attachments"] = attachments.described(tx.suite, files)
        attachments.keep_aside(tx, case, [content for _, content in files])
    completion = check_completion(Completion(application=Application(**made), note=note))
    application = completion.application
    _check_wish(catalog.entry(tx.conn, row.resource), _wish_of(application))
    letter = send(tx, row.provider, completion, case=case)
    store.put(tx, case, application=encode(application))
    if row.role == store.BOTH:
        attachments.put_in_place(tx, case)
    return moving.take(
        tx,
        row,
        Event.COMPLETE,
        Side.APPLICANT,
        by=f"{application.handler}, {application.approver}",
        reason=note,
        letter=letter,
        body=encode(completion),
    )


def _wish_of(application: Application) -> Wish:
    return Wish(**{name: getattr(application, name) for name in Wish.__dataclass_fields__})


def agree(tx: Tx, case: str, handler: str, approver: str) -> State:
    """Accept a grant's conditions, which opens it (使用条件确认). Raises CaseMove, CaseField."""
    row = for_applicant(tx.conn, case)
    moving.check(tx, row, Event.AGREE, Side.APPLICANT)
    step = check_step(
        CaseStep(
            case=case,
            event=Event.AGREE.value,
            reason="",
            missing=(),
            handler=handler,
            approver=approver,
        )
    )
    letter = send(tx, row.provider, step, case=case)
    state = moving.take(
        tx,
        row,
        Event.AGREE,
        Side.APPLICANT,
        by=f"{handler}, {approver}",
        letter=letter,
        body=encode(step),
    )
    granting.agreed(tx, row.grant)
    return state


def withdraw(tx: Tx, case: str, reason: str, handler: str) -> State:
    """The applicant no longer asks; a draft is just put away."""
    row = for_applicant(tx.conn, case)
    moving.check(tx, row, Event.WITHDRAW, Side.APPLICANT)
    body = check_withdrawal(Withdrawal(case=case, reason=reason, handler=handler))
    drafted = row.state == State.DRAFT.value
    letter = None if drafted else send(tx, row.provider, body, case=case)
    state = moving.take(
        tx,
        row,
        Event.WITHDRAW,
        Side.APPLICANT,
        by=handler,
        reason=reason,
        letter=letter,
        body=encode(body),
    )
    store.put(tx, case, reason=reason)
    subscribing.refused(tx, case)
    granting.void_of(tx, case)
    return state


def for_applicant(conn: Connection, case: str) -> Row[Any]:
    """Raises CaseUnknown where this station is not the applicant's."""
    row = store.find(conn, case)
    if row.role == store.PROVIDER:
        raise CaseUnknown(case=case)
    return row
