"""What the provider's people do: take on, return, ask for more time, say yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select

from ortoo_node import catalog, granting
from ortoo_node.cases import moving, store
from ortoo_node.store.case_tables import cases
from ortoo_protocol.core.cases import (
    AUTOMATIC,
    OPEN,
    Answer,
    Application,
    CaseStep,
    Event,
    Side,
    State,
    check_answer,
    check_people,
    check_step,
)
from ortoo_protocol.core.catalog import UNCONDITIONAL, Entry
from ortoo_protocol.core.codec import decode, encode
from ortoo_protocol.core.errors import CaseUnknown, GrantScope
from ortoo_protocol.core.masks import Mask
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.tables import grants

MAX_OWN_SCOPES = 16  # of one reader in one resource, granted without people


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
    grant. With `conditions` it opens once the reader's people accept them.

    Raises CaseMove, CaseField (who handles does not approve), GrantScope, TrustStale.
    """
    check_people(handler, approver)
    return _grant(tx, case, items, handler, approver, conditions.strip(), until_ms, masks)


def _grant(
    tx: Tx,
    case: str,
    items: Sequence[str],
    handler: str,
    approver: str,
    conditions: str,
    until_ms: int,
    masks: Sequence[Mask] = (),
) -> str:
    row = for_provider(tx.conn, case)
    event = Event.OFFER if conditions else Event.GRANT
    moving.check(tx, row, event, Side.PROVIDER)
    application = decode(row.application, Application)
    entry = catalog.entry(tx.conn, row.resource)
    terms = granting.issue(
        tx,
        entry,
        application,
        reader=row.applicant,
        items=_chosen(application, items),
        conditions=conditions,
        until_ms=until_ms or application.until_ms,
        handler=handler,
        approver=approver,
        masks=masks,
    )
    answer = check_answer(
        Answer(
            case=case,
            outcome="granted",
            reason="",
            grant=terms.grant,
            items=terms.items,
            handler=handler,
            approver=approver,
            conditions=conditions,
        )
    )
    letter = granting.deliver(tx, terms)
    send(tx, row.applicant, answer, case=case)
    store.put(tx, case, answer=encode(answer), grant=terms.grant)
    moving.take(
        tx,
        row,
        event,
        Side.PROVIDER,
        by=f"{handler}, {approver}",
        reason=conditions,
        letter=letter,
        body=encode(answer),
    )
    return terms.grant


def _chosen(application: Application, items: Sequence[str]) -> tuple[str, ...]:
    chosen = tuple(items) or application.items
    if application.items and set(chosen) - set(application.items):
        raise GrantScope(detail="more items than were asked for")
    return chosen


def answer_no(
    tx: Tx,
    case: str,
    reason: str,
    handler: str,
    approver: str,
    ground_kind: str = "",
    ground: str = "",
) -> State:
    """Refuse the case. Raises CaseReason (a refusal without a reason is not accepted, art. 19),
    CaseUnconditional, CaseGround, CaseMove."""
    row = for_provider(tx.conn, case)
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
            ground_kind=ground_kind,
            ground=ground,
        )
    )
    moving.check(tx, row, Event.REFUSE, Side.PROVIDER, answer)
    letter = send(tx, row.applicant, answer, case=case)
    store.put(tx, case, answer=encode(answer), reason=reason)
    return moving.take(
        tx,
        row,
        Event.REFUSE,
        Side.PROVIDER,
        by=f"{handler}, {approver}",
        reason=reason,
        letter=letter,
        body=encode(answer),
    )


def accept(tx: Tx, case: str, handler: str) -> State:
    """Take it on (受理): nothing is missing."""
    return say(tx, case, Event.ACCEPT, "", handler, "")


def return_(tx: Tx, case: str, missing: Sequence[str], handler: str, approver: str) -> State:
    """Tell once, and all at once, what is missing (一次性告知). Raises CaseMove, CaseRule."""
    return say(tx, case, Event.RETURN, "", handler, approver, missing)


def ask_extension(tx: Tx, case: str, reason: str, handler: str, approver: str) -> State:
    """Ask the authority for more time, and tell the applicant so. Raises CaseMove, CaseRule."""
    return say(tx, case, Event.ASK_EXTENSION, reason, handler, approver)


def say(
    tx: Tx,
    case: str,
    event: Event,
    reason: str,
    handler: str,
    approver: str,
    missing: Sequence[str] = (),
) -> State:
    """Take a step of the provider that is a case.step and nothing else."""
    row = for_provider(tx.conn, case)
    step = check_step(
        CaseStep(
            case=case,
            event=event.value,
            reason=reason,
            missing=tuple(missing),
            handler=handler,
            approver=approver,
        )
    )
    moving.check(tx, row, event, Side.PROVIDER)
    letter = send(tx, row.applicant, step, case=case)
    return moving.take(
        tx,
        row,
        event,
        Side.PROVIDER,
        by=", ".join(filter(None, (handler, approver))),
        reason=reason or "；".join(missing),
        letter=letter,
        body=encode(step),
    )


def stopped(tx: Tx, resource: str, reason: str, by: str) -> None:
    """A resource is no longer supplied: what was asked of it and is open ends."""
    query = select(cases.c.case).where(
        cases.c.resource == resource,
        cases.c.role != store.APPLICANT,
        cases.c.state.in_([state.value for state in OPEN]),
    )
    for case in tx.conn.execute(query).scalars().all():
        say(tx, case, Event.STOP, reason, by, "")
        store.put(tx, case, reason=reason)


def answer_alone(tx: Tx, case: str, entry: Entry, reader: str) -> None:
    """What no people need to decide: what is unconditional is granted at once (直接获取, art. 19),
    unless the reader has many scopes of it: each is a copy of the table that every publication
    follows; or is suspended for misusing it; or has a key that its former one did not sign."""
    application = decode(store.find(tx.conn, case).application, Application)
    narrow = bool(application.items or application.row_filter.strip())
    many = narrow and _own_scopes(tx, entry, reader) >= MAX_OWN_SCOPES
    rests = granting.rests(tx, entry.code, reader, application.department) is not None
    if entry.share_type == UNCONDITIONAL and not many and not rests and _follows(tx, reader):
        _grant(tx, case, application.items, AUTOMATIC, "", "", 0)


def _follows(tx: Tx, reader: str) -> bool:
    """Whether the reader's key is its first or was signed by the one before it. Registrars alone
    can put another in its place: then people here look before anything is given."""
    return reader == tx.party or tx.trust.current_signing_key(reader, tx.now_ms).linked


def _own_scopes(tx: Tx, entry: Entry, reader: str) -> int:
    """How many grants `reader` has of less than the whole resource."""
    query = select(func.count()).where(
        grants.c.resource == entry.code,
        grants.c.reader == reader,
        grants.c.feed != entry.feed,
        grants_held.live(tx.now_ms),
    )
    return int(tx.conn.execute(query).scalar() or 0)


def for_provider(conn: Connection, case: str) -> Row[Any]:
    """Raises CaseUnknown where this station is not the provider's."""
    row = store.find(conn, case)
    if row.role == store.APPLICANT:
        raise CaseUnknown(case=case)
    return row
