"""Suspending a grant for misuse, at both stations (core.use.suspension; Decree 809 art. 27).

The provider fences the feed and draws a new key, hub or not, and keeps the keys that begin while
the reader rests. The reader stops asking and applying. When it is resumed it gets those keys and
goes on from the item at which it stood: nothing is lost, nothing comes twice.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from ortoo_node import granting, holding
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import (
    EnvelopeSender,
    GrantEnded,
    GrantScope,
    GrantUnknown,
)
from ortoo_protocol.core.feeds import HeadAsk
from ortoo_protocol.core.queries import only_query
from ortoo_protocol.core.use.filled import check_filled
from ortoo_protocol.core.use.suspension import (
    GrantRectified,
    GrantResumed,
    GrantSuspended,
    GrantTermination,
    check_suspended,
)
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import feed_reader, feed_writer, grants_held
from ortoo_protocol.station.clocks import LATE, Clock
from ortoo_protocol.station.context import SettledLetter, Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.use import history, suspensions

OVERDUE = "overdue"

# --- the provider -------------------------------------------------------------------------------


def suspend(tx: Tx, grant: str, reason: str, evidence: str, days: int, by: str) -> GrantSuspended:
    """Let a grant of this station rest, for `days` working days at first.

    Raises GrantUnknown, GrantEnded, CaseField, SuspensionMove.
    """
    row = _own(tx, grant)
    stop = feed_writer.suspend_reader(tx, row.feed, grant) if _feeds(row) else (0, 0)
    body = suspensions.said(tx, row, None, days, by, reason=reason, evidence=evidence, stop=stop)
    return _say_suspended(tx, row, body)


def reject(tx: Tx, grant: str, reason: str, days: int, by: str) -> GrantSuspended:
    """整改不到位: what the reader reported is not enough; it has `days` more.

    Raises SuspensionUnknown, SuspensionMove, CaseField.
    """
    row, known = _own(tx, grant), suspensions.open_one(tx.conn, grant)
    return _say_suspended(tx, row, suspensions.said(tx, row, known, days, by, reason=reason))


def _say_suspended(tx: Tx, row: Row[Any], body: GrantSuspended) -> GrantSuspended:
    letter = send(tx, row.reader, body, case=grants_held.terms_of(row).case)
    suspensions.suspended(tx, body, tx.party, letter)
    return body


def resume(tx: Tx, grant: str, reason: str, by: str) -> GrantResumed:
    """What was found has been set right, or was without ground.

    Raises GrantUnknown, SuspensionUnknown (the authority's is the authority's to lift), CaseField.
    """
    row, known = _own(tx, grant), suspensions.open_one(tx.conn, grant)
    body = check_filled(
        GrantResumed(
            suspension=known.suspension,
            grant=grant,
            reason=reason,
            resumed_ms=tx.now_ms,
            by=by,
        ),
        "reason",
        "by",
    )
    letter = send(tx, row.reader, body, case=grants_held.terms_of(row).case)
    suspensions.resumed(tx, body, tx.party, letter)
    feed_writer.resume_reader(tx, row.feed, grant)
    return body


def terminate(tx: Tx, grant: str, reason: str, by: str) -> Any:
    """拒不整改或者整改不到位: end it, once the time is over or a report was not enough.

    Raises SuspensionUnknown, SuspensionEarly, StopReason.
    """
    known = suspensions.open_one(tx.conn, grant)
    suspensions.check_time_is_over(tx, known)
    return granting.end(tx, grant, reason, by, settled=True)


def on_rectified(tx: Tx, opened: Opened[Shape]) -> None:
    body, sender = as_body(opened, GrantRectified).body, opened.header.sender
    check_filled(body, "report", "by")
    row = grants_held.row(tx, body.grant)
    if sender != row.reader:
        raise EnvelopeSender(sender=sender, owner=row.reader)
    if sender != tx.party:  # this very station reported: it is noted
        suspensions.reported(tx, body, sender)


def on_termination(tx: Tx, opened: Opened[Shape]) -> None:
    """The authority's order."""
    body, sender = as_body(opened, GrantTermination).body, opened.header.sender
    check_filled(body, "reason", "by")
    if sender != tx.trust.hub:
        raise EnvelopeSender(sender=sender, owner=tx.trust.hub)
    _own(tx, body.grant)
    suspensions.open_one(tx.conn, body.grant, body.suspension)
    granting.end(tx, body.grant, body.reason, body.by, settled=True)


def on_settled(tx: Tx, letter: SettledLetter) -> None:
    """The notary took another one first: ours never was."""
    if letter.kind != "grant.suspended" or letter.status != "refused":
        return
    row = suspensions.of_letter(tx.conn, letter.id)
    current = None if row is None else suspensions.current(tx.conn, row.grant)
    if row is None or current is None or current.suspension != row.suspension or row.rejected:
        return
    suspensions.void(tx, row)
    feed_writer.resume_reader(tx, grants_held.row(tx, row.grant).feed, row.grant)


def _own(tx: Tx, grant: str) -> Row[Any]:
    row = grants_held.row(tx, grant)
    if row.provider != tx.party:
        raise GrantUnknown(grant=grant)
    if row.ended_ms is not None or (row.until_ms and row.until_ms <= tx.now_ms):
        raise GrantEnded(grant=grant, reason=row.end_reason or "-")
    return row


def _feeds(row: Row[Any]) -> bool:
    return not only_query(grants_held.terms_of(row).mode)


# --- the reader ---------------------------------------------------------------------------------


def report(tx: Tx, grant: str, text: str, by: str) -> str:
    """整改报告, to whoever suspended. Raises GrantUnknown, SuspensionUnknown, CaseField."""
    row, known = grants_held.row(tx, grant), suspensions.open_one(tx.conn, grant)
    if row.reader != tx.party:
        raise GrantUnknown(grant=grant)
    body = check_filled(
        GrantRectified(suspension=known.suspension, grant=grant, report=text, by=by),
        "report",
        "by",
    )
    send(tx, known.suspender, body, case=grants_held.terms_of(row).case)
    suspensions.reported(tx, body, tx.party)
    return str(known.suspender)


def on_suspended(tx: Tx, opened: Opened[Shape]) -> None:
    """At the reader, and at the provider when the authority suspends."""
    body, sender = check_suspended(as_body(opened, GrantSuspended).body), opened.header.sender
    row = _concerns(tx, body.grant, sender)
    if (body.feed, body.reader) != (row.feed, row.reader):
        raise GrantScope(detail=f"grant {body.grant} is of another feed or reader")
    if sender != tx.party:
        suspensions.suspended(tx, body, sender)
        if row.provider == tx.party and _feeds(row):
            feed_writer.suspend_reader(tx, row.feed, row.grant)
    if row.reader == tx.party:
        _rest(tx, row)


def _rest(tx: Tx, row: Row[Any]) -> None:
    known = suspensions.current(tx.conn, row.grant)
    if known is None:
        return  # lifted meanwhile
    error = suspensions.refusal(known)
    holding.suspend(tx, row.grant, error)
    others = grants_held.live_on(tx, row.feed)
    if not any(each.reader == tx.party and not each.suspension for each in others):
        feed_reader.suspend(tx, row.feed, error.code)


def on_resumed(tx: Tx, opened: Opened[Shape]) -> None:
    body, sender = as_body(opened, GrantResumed).body, opened.header.sender
    check_filled(body, "reason", "by")
    row = _concerns(tx, body.grant, sender)
    if sender != tx.party:
        suspensions.resumed(tx, body, sender)
        if row.provider == tx.party:
            feed_writer.resume_reader(tx, row.feed, row.grant)
    if row.reader == tx.party:
        _go_on(tx, row)


def _go_on(tx: Tx, row: Row[Any]) -> None:
    """From where it stood; how far the feed is, is asked at once."""
    feed_reader.go_on(tx, row.feed)
    holding.lift(tx, row.grant)
    if row.provider != tx.party and _feeds(row):
        send(tx, row.provider, HeadAsk(feed=row.feed))


def _concerns(tx: Tx, grant: str, sender: str) -> Row[Any]:
    row = grants_held.row(tx, grant)
    if sender not in (row.provider, tx.trust.hub) or tx.party not in (row.provider, row.reader):
        raise EnvelopeSender(sender=sender, owner=row.provider)
    return row


# --- both ---------------------------------------------------------------------------------------


def on_clock(tx: Tx, clock: Clock, stage: str) -> None:
    """The time is over: it stands in the grant's history, and people may end it."""
    row = suspensions.find(tx.conn, clock.subject.partition(":")[2])
    if row is not None and stage == LATE:
        history.note(tx, row.grant, OVERDUE, clock.party, "", row.reason)
