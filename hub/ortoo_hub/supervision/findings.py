"""What the authority should see: unfiled ends, members gone silent, refused checkpoints."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from ortoo_hub import cases
from ortoo_hub.catalog import conflicts
from ortoo_hub.directory import catalog_feed
from ortoo_protocol.core.catalog import claims
from ortoo_protocol.core.errors import (
    CatalogConflicted,
    JournalError,
    JournalRefused,
    MemberSilent,
    OrtooError,
    StopUnfiled,
)
from ortoo_protocol.core.journal import journal_origin
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station.store.tables import checkpoints, feeds_in, quarantine

SILENT_MS = 24 * 3_600_000
MAX_SHOWN = 20


def last_seen(conn: Connection, trust: Trust) -> dict[str, int]:
    """When each member was last heard of, by its own clock (heads) or ours (checkpoints)."""
    origins = {journal_origin(trust.plane, entry.party): entry.party for entry in trust.parties}
    feeds = {catalog_feed(entry.party): entry.party for entry in trust.parties}
    seen: dict[str, int] = {}
    heads = select(feeds_in.c.feed, feeds_in.c.head_ms).where(feeds_in.c.head_ms > 0)
    for feed, time_ms in conn.execute(heads):
        if feed in feeds:
            seen[feeds[feed]] = time_ms
    signed = select(checkpoints.c.origin, func.max(checkpoints.c.time_ms)).group_by(
        checkpoints.c.origin
    )
    for origin, time_ms in conn.execute(signed):
        if origin in origins:
            party = origins[origin]
            seen[party] = max(time_ms, seen.get(party, 0))
    return seen


def findings(conn: Connection, trust: Trust, now_ms: int) -> list[OrtooError]:
    """As errors that are not raised: for status and doctor."""
    found: list[OrtooError] = [
        StopUnfiled(grant=row.grant, provider=row.provider)
        for row in cases.unfiled(conn)[:MAX_SHOWN]
    ]
    seen = last_seen(conn, trust)
    for entry in trust.parties:
        heard_ms = seen.get(entry.party)
        if entry.status == "active" and heard_ms is not None and now_ms - heard_ms > SILENT_MS:
            found.append(MemberSilent(party=entry.party, hours=(now_ms - heard_ms) // 3_600_000))
    open_conflicts = len(conflicts.listed(conn, claims.OPEN, MAX_SHOWN))
    if open_conflicts:
        found.append(CatalogConflicted(count=open_conflicts))
    return [*found, *_refused_checkpoints(conn)]


def _refused_checkpoints(conn: Connection) -> list[OrtooError]:
    """Journals that were rewritten or rolled back: the refused checkpoint is the evidence."""
    query = (
        select(quarantine.c.sender, quarantine.c.error)
        .where(quarantine.c.error.startswith(f"{JournalError.code}."))
        .distinct()
        .limit(MAX_SHOWN)
    )
    return [
        JournalRefused(party=row.sender, refused=row.error)
        for row in conn.execute(query)
        if row.sender
    ]
