"""The region announces: signed, on the hub's directory feed, to every station at once."""

from __future__ import annotations

from collections.abc import Sequence

from ortoo_hub.directory import directory_feed
from ortoo_protocol.core.errors import AnnouncementUnknown
from ortoo_protocol.core.gazette import Announcement, AnnouncementWithdrawn, Level
from ortoo_protocol.station import feed_writer, gazette
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.gazette import keeping


def issue(
    tx: Tx,
    title: str,
    text: str,
    level: Level,
    from_ms: int,
    until_ms: int,
    leagues: Sequence[str],
    by: str,
    replaces: str = "",
) -> str:
    """Its number. `from_ms` 0: from now on. Raises AnnouncementInvalid; Unknown, Ended of what it
    replaces."""
    if replaces and keeping.find(tx.conn, replaces) is None:
        raise AnnouncementUnknown(announcement=replaces[:40])
    made = Announcement(
        announcement=tx.new_id().hex(),
        title=title.strip(),
        text=text.strip(),
        level=level,
        from_ms=max(0, from_ms) or tx.now_ms,
        until_ms=max(0, until_ms),
        leagues=tuple(sorted(set(leagues))),
        by=by,
        replaces=replaces or None,
    )
    gazette.put(tx, made, tx.now_ms)
    feed_writer.publish(tx, directory_feed(tx.party), made)
    return made.announcement


def withdraw(tx: Tx, announcement: str, reason: str, by: str) -> None:
    """Raises AnnouncementInvalid, AnnouncementUnknown, AnnouncementEnded."""
    body = AnnouncementWithdrawn(announcement=announcement, reason=reason.strip(), by=by)
    gazette.withdraw(tx, body, tx.now_ms)
    feed_writer.publish(tx, directory_feed(tx.party), body)
