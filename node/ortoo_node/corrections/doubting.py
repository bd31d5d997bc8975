"""The reader's side: a row or fields are doubted, the answer comes, the corrected row closes it.

When the sinks of the grant have applied the item that the answer names, the case closes by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from ortoo_node.corrections.keys import read_key
from ortoo_node.store.tables import subscriptions
from ortoo_protocol.core.cases import AUTOMATIC
from ortoo_protocol.core.codec import MAX_COUNT, Shape
from ortoo_protocol.core.corrections import (
    APPLIED,
    CORRECTED,
    ENDED,
    WITHDRAWN,
    CorrectionAnswered,
    CorrectionClosed,
    CorrectionDetail,
    CorrectionEvidence,
    CorrectionRaised,
    FieldDoubt,
    State,
    check_answered,
    check_closed,
    check_detail,
    check_raised,
)
from ortoo_protocol.core.errors import CaseField, CorrectionUnknown, EnvelopeSender, GrantUnknown
from ortoo_protocol.core.law.clock import day_of
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.core.queries import only_query
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import clocks, grants_held, table_feed
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.corrections import keeping
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import feed_applied, feeds_in

LOOK_S = 1.0


@dataclass(frozen=True)
class Doubt:
    """`key`, `seen` and `expected` by column, as people write values."""

    grant: str
    about: str
    key: Mapping[str, str]
    seen: Mapping[str, str]
    expected: Mapping[str, str]
    text: str
    found_ms: int
    by: str
    evidence_name: str = ""
    evidence: bytes = b""


def doubt(tx: Tx, given: Doubt) -> str:
    """Raise a correction; returns its number. It may be about a grant that has ended since.

    Raises GrantUnknown, CaseField, CorrectionKey.
    """
    row = grants_held.row(tx, given.grant)
    if row.reader != tx.party:
        raise GrantUnknown(grant=given.grant)
    if not given.found_ms > 0 or day_of(given.found_ms) > day_of(tx.now_ms):
        raise CaseField(field="found", detail="it lies ahead of us")
    terms = grants_held.terms_of(row)
    detail = check_detail(_detail(tx, row, given))
    body = check_raised(
        CorrectionRaised(
            correction=detail.correction,
            grant=given.grant,
            resource=row.resource,
            provider=row.provider,
            provider_department=terms.provider_department,
            reader=tx.party,
            reader_department=row.reader_department,
            about=given.about,
            fields=len(detail.fields),
            found_ms=given.found_ms,
            late=_is_late(tx, given.found_ms),
            by=given.by,
        )
    )
    letter = send(tx, row.provider, body, case=body.correction)
    keeping.raised(tx, body, letter, runs=row.provider == tx.party)
    keeping.keep_paper(tx, tx.party, detail, given.evidence)
    if row.provider != tx.party:
        papers = [given.evidence] if given.evidence else []
        send(tx, row.provider, detail, rows=papers, case=body.correction)
    return body.correction


def _detail(tx: Tx, row: Row[Any], given: Doubt) -> CorrectionDetail:
    schema = table_feed.schema_of(tx.conn, row.feed)
    query = select(feeds_in).where(feeds_in.c.feed == row.feed)
    feed = None if only_query(grants_held.terms_of(row).mode) else tx.conn.execute(query).first()
    doubted = dict.fromkeys((*given.seen, *given.expected))
    return CorrectionDetail(
        correction=tx.new_id().hex(),
        feed=row.feed,
        incarnation=0 if feed is None else feed.incarnation,
        # What the store says of sinks follows them: at first it says nothing.
        seq=0 if feed is None else _applied(tx.conn, row.grant, feed.incarnation) or feed.seq,
        key=read_key(schema, given.key),
        fields=tuple(
            FieldDoubt(column, given.seen.get(column, ""), given.expected.get(column, ""))
            for column in doubted
        ),
        text=given.text,
        evidence=given.evidence_name,
    )


def _is_late(tx: Tx, found_ms: int) -> bool:
    """Whether it is reported after the days that the law gives from the discovery (art. 21)."""
    profile = profile_named(tx.trust.profile)
    days = profile.sharing.doubt_report.days
    if days is None:
        return False
    found = day_of(found_ms, profile.offset_min)
    last = clocks.calendar.current(tx.conn).after(found, days).day
    return day_of(tx.now_ms, profile.offset_min) > last


def close(tx: Tx, correction: str, how: str, reason: str, by: str) -> None:
    """The reader's people accept the answer, or no longer doubt.

    Raises CorrectionUnknown, CorrectionMove, CaseField.
    """
    row = _ours(tx.conn, correction, tx.party)
    body = check_closed(
        CorrectionClosed(correction=correction, how=how, seq=row.seq, reason=reason, by=by)
    )
    letter = send(tx, row.provider, body, case=correction)
    keeping.closed(tx, body, letter)


def on_answered(tx: Tx, opened: Opened[Shape]) -> None:
    body, sender = check_answered(as_body(opened, CorrectionAnswered).body), opened.header.sender
    row = keeping.one(tx.conn, body.correction)
    if row.provider != sender:
        raise EnvelopeSender(sender=sender, owner=row.provider)
    if sender == tx.party:
        return  # this very station answered: it is recorded
    if row.state == State.WITHDRAWN.value:  # the answer was at the notary first
        keeping.set_values(tx, row.correction, state=State.RAISED.value, how="", closed_ms=None)
    keeping.answered(tx, body)


def on_evidence(tx: Tx, opened: Opened[Shape]) -> None:
    letter = as_body(opened, CorrectionEvidence)
    evidence = letter.rows[0] if letter.rows else b""
    keeping.keep_paper(tx, letter.header.sender, letter.body, evidence)


def _ours(conn: Connection, correction: str, party: str) -> Row[Any]:
    row = keeping.one(conn, correction)
    if row.reader != party:
        raise CorrectionUnknown(correction=correction)
    return row


# --- closing by itself --------------------------------------------------------------------------


async def watch(station: Station) -> None:
    """Close what has come."""
    while True:
        if await station.read(lambda conn: _come(conn, station.party)):
            await station.write(_close_come)
        await asyncio.sleep(LOOK_S)


def _come(conn: Connection, party: str) -> list[tuple[str, str]]:
    """(correction, how) of those that can be closed."""
    found = []
    for row in keeping.waiting_for_rows(conn, party):
        grant = grants_held.find(conn, row.grant)
        if row.seq and _applied(conn, row.grant, row.incarnation) >= row.seq:
            found.append((row.correction, APPLIED))
        elif grant is not None and grant.ended_ms is not None and _is_beyond(conn, grant, row.seq):
            found.append((row.correction, ENDED))
    return found


def _is_beyond(conn: Connection, grant: Row[Any], seq: int) -> bool:
    """No item that this reader may still open holds the row."""
    query = select(feeds_in.c.fence).where(feeds_in.c.feed == grant.feed)
    fence = conn.execute(query).scalar()
    return not seq or fence is None or fence < seq


def _applied(conn: Connection, grant: str, incarnation: int) -> int:
    """The item up to which every sink of this grant has applied; 0: there is none."""
    query = (
        select(feed_applied.c.incarnation, feed_applied.c.seq)
        .join(subscriptions, subscriptions.c.subscription == feed_applied.c.subscription)
        .where(subscriptions.c.grant == grant)
    )
    stands = [
        MAX_COUNT if row.incarnation > incarnation else row.seq * (row.incarnation == incarnation)
        for row in conn.execute(query)
    ]
    return min(stands, default=0)


def _close_come(tx: Tx) -> None:
    for correction, how in _come(tx.conn, tx.party):
        row = keeping.one(tx.conn, correction)
        body = CorrectionClosed(
            correction=correction, how=how, seq=row.seq, reason="", by=AUTOMATIC
        )
        letter = send(tx, row.provider, body, case=correction)
        keeping.closed(tx, body, letter)


__all__ = ["CORRECTED", "WITHDRAWN", "Doubt", "close", "doubt", "on_answered", "watch"]
