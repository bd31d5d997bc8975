"""An announcement is made known, replaced, withdrawn: at the hub by its people, at stations by the
hub's word alone. What was said is never changed; it only ends."""

from __future__ import annotations

from sqlalchemy import insert, update

from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import (
    AnnouncementEnded,
    AnnouncementKnown,
    AnnouncementUnknown,
    EnvelopeSender,
)
from ortoo_protocol.core.gazette import (
    Announcement,
    AnnouncementWithdrawn,
    Standing,
    check_announcement,
    check_withdrawal,
)
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.gazette import keeping
from ortoo_protocol.station.store.gazette_tables import announcements


def take(tx: Tx, opened: Opened[Shape]) -> None:
    """An item of the hub's directory feed. Raises AnnouncementInvalid, Known, Ended."""
    _of_the_hub(tx, opened)
    put(tx, as_body(opened, Announcement).body, opened.header.created_ms)


def take_withdrawal(tx: Tx, opened: Opened[Shape]) -> None:
    """Likewise. Raises AnnouncementInvalid, Unknown, Ended."""
    _of_the_hub(tx, opened)
    withdraw(tx, as_body(opened, AnnouncementWithdrawn).body, opened.header.created_ms)


def put(tx: Tx, one: Announcement, issued_ms: int) -> None:
    """Raises what `take` does. What it replaces need not be known here: a station that joined late
    may never have had it."""
    check_announcement(one)
    if keeping.find(tx.conn, one.announcement) is not None:
        raise AnnouncementKnown(announcement=one.announcement)
    if one.replaces is not None and keeping.find(tx.conn, one.replaces) is not None:
        _end(tx, one.replaces, Standing.REPLACED, issued_ms, one.by, successor=one.announcement)
    row = {
        "announcement": one.announcement,
        "issued_ms": issued_ms,
        "title": one.title,
        "text": one.text,
        "level": one.level,
        "from_ms": one.from_ms,
        "until_ms": one.until_ms,
        "leagues": keeping.joined(one.leagues),
        "by": one.by,
        "replaces": one.replaces or "",
        "ended": "",
        "ended_ms": 0,
        "ended_by": "",
        "reason": "",
        "successor": "",
    }
    tx.conn.execute(insert(announcements).values(row))


def withdraw(tx: Tx, body: AnnouncementWithdrawn, at_ms: int) -> None:
    """Raises what `take_withdrawal` does."""
    check_withdrawal(body)
    _end(tx, body.announcement, Standing.WITHDRAWN, at_ms, body.by, reason=body.reason)


def _end(
    tx: Tx,
    announcement: str,
    how: Standing,
    at_ms: int,
    by: str,
    *,
    reason: str = "",
    successor: str = "",
) -> None:
    """Raises AnnouncementUnknown, AnnouncementEnded."""
    row = keeping.find(tx.conn, announcement)
    if row is None:
        raise AnnouncementUnknown(announcement=announcement)
    if row.ended:
        raise AnnouncementEnded(announcement=announcement, standing=row.ended)
    values = {
        "ended": how.value,
        "ended_ms": at_ms,
        "ended_by": by,
        "reason": reason,
        "successor": successor,
    }
    this = announcements.c.announcement == announcement
    tx.conn.execute(update(announcements).where(this).values(values))


def _of_the_hub(tx: Tx, opened: Opened[Shape]) -> None:
    if opened.header.sender != tx.trust.hub:
        raise EnvelopeSender(sender=opened.header.sender, owner=tx.trust.hub)
