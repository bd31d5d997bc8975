"""Grants at a station: issuing with the right feed, ending with reason and prior filing, expiry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from ortoo_node import subscribing, views
from ortoo_node.store.case_tables import cases
from ortoo_protocol.core.cases import Application, check_people, check_within
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.codec import Shape, decode, encode
from ortoo_protocol.core.errors import (
    EndingNotNegotiated,
    EnvelopeSender,
    GrantScope,
    GrantUnknown,
    StopReason,
    UseOnward,
)
from ortoo_protocol.core.errors import GrantEnded as GrantHasEnded
from ortoo_protocol.core.grants import (
    GrantEnded,
    GrantTerms,
    StopFiling,
    check_ended,
    check_filing,
    check_terms,
)
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.core.law.share_types import UNCONDITIONAL
from ortoo_protocol.core.masks import Mask, check_fit, check_masks
from ortoo_protocol.core.queries import only_query
from ortoo_protocol.core.use.ending import State as Announced
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import feed_reader, feed_writer, grants_held
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.tables import grants
from ortoo_protocol.station.use import consents, endings, suspensions

EXPIRED = "期满"
VOID = "未成立"  # the case was moved otherwise before the grant reached the notary


def issue(
    tx: Tx,
    entry: Entry,
    application: Application,
    *,
    reader: str,
    items: Sequence[str],
    conditions: str,
    until_ms: int,
    handler: str,
    approver: str,
    masks: Sequence[Mask] = (),
) -> GrantTerms:
    """The terms of a new grant, on the feed that holds just this scope.

    Raises GrantScope, GrantIsSuspended, UseOnward, and TrustStale: a station that may not know the
    newest directory grants nothing new.
    """
    tx.trust.check_fresh(tx.now_ms)
    suspension = rests(tx, entry.code, reader, application.department)
    if suspension is not None:
        raise suspensions.refusal(suspension)
    _check_onward(tx, entry.code, reader, application.department)
    check_masks(masks, items)
    check_fit(masks, entry.items)
    grant = tx.new_id().hex()
    scope = views.Scope(tuple(items), application.row_filter, tuple(masks))
    feed = views.feed_of(tx, entry, scope, grant)
    terms = GrantTerms(
        grant=grant,
        case=application.case,
        resource=entry.code,
        feed=feed,
        provider=tx.party,
        provider_department=entry.department,
        reader=reader,
        reader_department=application.department,
        items=tuple(items),
        row_filter=application.row_filter,
        purpose=application.purpose,
        basis=application.basis,
        mode=application.mode,
        from_ms=tx.now_ms,
        until_ms=until_ms,
        conditions=conditions,
        handler=handler,
        approver=approver,
        masks=tuple(masks),
    )
    check_within(terms, application)
    return check_terms(terms, [item.column for item in entry.items])


def _check_onward(tx: Tx, resource: str, reader: str, department: str) -> None:
    """What was received goes to whom its provider consented. Raises UseOnward."""
    consent = consents.uncovered(tx, resource, reader, department)
    if consent is not None:
        received = grants_held.row(tx, consent.grant).resource
        raise UseOnward(
            place=resource, resource=received, grant=consent.grant, article=consent.clause
        )


def rests(tx: Tx, resource: str, reader: str, department: str) -> Row[Any] | None:
    """The suspension of this department for this resource: it does not get round that by asking
    again."""
    query = select(grants.c.grant).where(
        grants.c.resource == resource,
        grants.c.reader == reader,
        grants.c.reader_department == department,
        grants.c.suspension != "",
    )
    grant = tx.conn.execute(query).scalar()
    return None if grant is None else suspensions.current(tx.conn, grant)


def deliver(tx: Tx, terms: GrantTerms) -> bytes:
    """Send the terms to the reader (and the hub), and the feed's key to the reader alone, unless
    conditions wait to be accepted; a grant to query and nothing else opens no feed. Returns the
    letter."""
    named = grants_held.keep(tx, terms, encode(terms))
    letter = send(tx, terms.reader, terms, case=terms.case)
    grants_held.went_by(tx, terms.grant, letter)
    if not terms.conditions:
        _open(tx, terms, named)
    return letter


def _open(tx: Tx, terms: GrantTerms, named: bytes) -> None:
    if not only_query(terms.mode):
        feed_writer.add_reader(tx, terms.feed, terms.grant, named, terms.reader)


def agreed(tx: Tx, grant: str) -> None:
    """The reader's people accepted the conditions: it opens, on whichever side this is."""
    row = grants_held.row(tx, grant)
    if not row.offered or row.ended_ms is not None:
        return
    grants_held.agree(tx, grant)
    terms = grants_held.terms_of(row)
    if terms.provider == tx.party:
        _open(tx, terms, row.hash)
    if terms.reader == tx.party:
        subscribing.granted(tx, terms)


def on_issued(tx: Tx, opened: Opened[Shape]) -> None:
    """A grant for a department here."""
    letter = as_body(opened, GrantTerms)
    terms = check_terms(letter.body)
    if terms.provider != opened.header.sender:
        raise EnvelopeSender(sender=opened.header.sender, owner=terms.provider)
    tx.trust.check_department(tx.party, terms.reader_department)
    if terms.reader != tx.party:
        raise GrantUnknown(grant=terms.grant)
    _check_asked(tx, terms)
    if terms.provider != tx.party:
        grants_held.keep(tx, terms, letter.body_bytes)
        grants_held.came_by(tx, terms.grant, letter)
    if not grants_held.row(tx, terms.grant).offered:
        subscribing.granted(tx, terms)


def _check_asked(tx: Tx, terms: GrantTerms) -> None:
    """Only whom a department asked may grant, and only what it asked for: else any provider could
    put its own rows in the place of another's."""
    row = tx.conn.execute(select(cases).where(cases.c.case == terms.case)).first()
    wanted = (terms.provider, terms.reader, terms.resource, terms.reader_department)
    if row is None or (row.provider, row.applicant, row.resource, row.department) != wanted:
        raise GrantScope(detail=f"it is not what case {terms.case} asked for")
    check_within(terms, decode(row.application, Application))
    if row.share_type != UNCONDITIONAL:
        check_people(terms.handler, terms.approver)


# --- ending -------------------------------------------------------------------------------------


def end(
    tx: Tx, grant: str, reason: str, by: str, *, filing: str = "", settled: bool = False
) -> GrantEnded:
    """End a grant of this station: filing with the authority, then fence and new key, then notice.

    The authority is the one of the same level: the hub for what crosses leagues; inside one
    station the filing is the station's own record. `filing`: the number of one that was made
    already. `settled`: nothing is left to negotiate. Raises StopReason, GrantUnknown, GrantEnded,
    EndingNotNegotiated.
    """
    if not reason.strip() or not by.strip():
        raise StopReason()
    row = grants_held.row(tx, grant)
    if row.provider != tx.party:
        raise GrantUnknown(grant=grant)
    if row.ended_ms is not None:
        raise GrantHasEnded(grant=grant, reason=row.end_reason)
    if not settled:
        _check_negotiated(tx, grant)
    terms = grants_held.terms_of(row)
    filing = filing or _file(tx, terms, reason, by)
    incarnation, fence = feed_writer.end_reader(tx, terms.feed, grant)
    views.forget(tx, terms.feed)
    ended = check_ended(
        GrantEnded(
            grant=grant,
            feed=terms.feed,
            reader=terms.reader,
            incarnation=incarnation,
            fence=fence,
            reason=reason,
            filing=filing,
            ended_ms=tx.now_ms,
            by=by,
        )
    )
    grants_held.end(tx, ended)
    send(tx, terms.reader, ended, case=terms.case)
    return ended


def void_of(tx: Tx, case: str) -> None:
    """What was granted in this case did not come to be: fenced and ended here. Nobody is told, for
    nobody took it as given."""
    named = select(cases.c.grant).where(cases.c.case == case)
    query = select(grants).where(
        grants.c.grant == named.scalar_subquery(), grants.c.ended_ms.is_(None)
    )
    row = tx.conn.execute(query).first()
    if row is None:
        return
    incarnation, fence = 0, 0
    if row.provider == tx.party:
        incarnation, fence = feed_writer.end_reader(tx, row.feed, row.grant)
        views.forget(tx, row.feed)
    ended = GrantEnded(
        grant=row.grant,
        feed=row.feed,
        reader=row.reader,
        incarnation=incarnation,
        fence=fence,
        reason=VOID,
        filing="",
        ended_ms=tx.now_ms,
        by="",
    )
    grants_held.end(tx, ended)


def _check_negotiated(tx: Tx, grant: str) -> None:
    """Decree 809 art. 27: not before the reader was asked. Raises EndingNotNegotiated."""
    rule = profile_named(tx.trust.profile).sharing.stopping
    known = endings.current(tx.conn, grant)
    agreed = known is not None and known.state == Announced.AGREED.value
    if rule.negotiated and not agreed:
        raise EndingNotNegotiated(article=rule.article)


def _file(tx: Tx, terms: GrantTerms, reason: str, by: str) -> str:
    filing = check_filing(
        StopFiling(
            filing=tx.new_id().hex(),
            grant=terms.grant,
            resource=terms.resource,
            reason=reason,
            filed_ms=tx.now_ms,
            by=by,
        )
    )
    authority = tx.party if terms.reader == tx.party else tx.trust.hub
    send(tx, authority, filing, case=terms.case)
    return filing.filing


def on_ended(tx: Tx, opened: Opened[Shape]) -> str:
    """A grant to a department here has ended: what came up to the fence stays and is applied.
    Returns its case."""
    ended, sender = check_ended(as_body(opened, GrantEnded).body), opened.header.sender
    row = grants_held.row(tx, ended.grant)
    if row.provider != sender:
        raise EnvelopeSender(sender=sender, owner=row.provider)
    if (ended.feed, ended.reader) != (row.feed, row.reader):
        raise GrantScope(detail=f"grant {ended.grant} is of another feed or reader")
    grants_held.end(tx, ended)
    subscribing.grant_ended(tx, ended.grant)
    if not _reads_on(tx, ended.feed):
        feed_reader.end(tx, ended.feed, ended.fence, "grant.ended")
        subscribing.leave(tx, ended.feed)
    return grants_held.terms_of(row).case


def on_filing(tx: Tx, opened: Opened[Shape]) -> None:
    """A filing inside this station: the city's own authority keeps it in the journal."""
    filing = check_filing(as_body(opened, StopFiling).body)
    if opened.header.sender != tx.party:
        raise EnvelopeSender(sender=opened.header.sender, owner=tx.party)
    grants_held.row(tx, filing.grant)


def expire(tx: Tx) -> tuple[str, ...]:
    """Fence what has run out, on the provider's side; readers know the end from the terms."""
    query = select(grants).where(
        grants.c.ended_ms.is_(None), grants.c.until_ms > 0, grants.c.until_ms <= tx.now_ms
    )
    over = []
    for row in tx.conn.execute(query).all():
        incarnation, fence = 0, 0
        if row.provider == tx.party:
            incarnation, fence = feed_writer.end_reader(tx, row.feed, row.grant)
            views.forget(tx, row.feed)
        ended = GrantEnded(
            grant=row.grant,
            feed=row.feed,
            reader=row.reader,
            incarnation=incarnation,
            fence=fence,
            reason=EXPIRED,
            filing="",
            ended_ms=tx.now_ms,
            by="",
        )
        grants_held.end(tx, ended)
        over.append(grants_held.terms_of(row).case)
        if row.reader == tx.party:
            subscribing.grant_ended(tx, row.grant)
            if not _reads_on(tx, row.feed):
                position = feed_reader.feed_row(tx, row.feed)
                if position is not None:
                    feed_reader.end(tx, row.feed, position.seq, "grant.ended")
                subscribing.leave(tx, row.feed)
    return tuple(over)


def _reads_on(tx: Tx, feed: str) -> bool:
    return any(row.reader == tx.party for row in grants_held.live_on(tx, feed))
