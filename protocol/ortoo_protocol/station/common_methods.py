"""What both daemons answer on their control socket: status, health, doctor, journal."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, select

from ortoo_protocol.core.errors import JournalTree, OrtooError
from ortoo_protocol.core.journal import Checkpoint, Note, journal_origin
from ortoo_protocol.station import settings_shown
from ortoo_protocol.station.backup import making
from ortoo_protocol.station.backup.methods import BackupMethods
from ortoo_protocol.station.control import error_to
from ortoo_protocol.station.disk import disk_trouble
from ortoo_protocol.station.feed_reader import DISPUTED, ENDED, JOINING, SUSPENDED
from ortoo_protocol.station.health import Health
from ortoo_protocol.station.health_since import EVERY_S, Since
from ortoo_protocol.station.settings import Settings
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.tables import (
    checkpoints,
    feed_readers,
    feeds_in,
    feeds_out,
    journal,
    outbox,
    quarantine,
)

MAX_SHOWN = 1_000
Method = Callable[..., Awaitable[object]]


@dataclass
class CommonMethods:
    """`version` of the package; `started_ms` when the process began."""

    station: Station
    settings: Settings
    version: str
    started_ms: int
    since: Since = field(default_factory=Since)

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "status": self.status,
            "health": self.health_shown,
            "settings.show": self.settings_shown,
            "doctor": self.doctor,
            "journal.verify": self.journal_verify,
            "journal.show": self.journal_show,
            **BackupMethods(self.station, self.settings).as_mapping(),
        }

    async def status(self) -> dict[str, Any]:
        parts, wire = self.station.parts, self.station.wire
        now_ms, trust = parts.clock(), parts.trust.current
        counted = await self.station.read(self._counted)
        backup = await asyncio.to_thread(making.last_of, self.settings)
        expiry = [each.expires_ms for each in (trust.directory_body,) if each is not None]
        return {
            "party": self.station.party,
            "name": parts.identity.name,
            "plane": parts.identity.plane.value,
            "version": self.version,
            "pid": os.getpid(),
            "started_ms": self.started_ms,
            "now_ms": now_ms,
            "directory": {
                "version": trust.directory_version,
                "expires_ms": expiry[0] if expiry else 0,
                "fresh": not trust.warnings(now_ms),
            },
            "broker": {
                "connected": wire.link is not None,
                "blocked": wire.link is not None and wire.link.blocked(),
                "since_ms": self.station.linked_ms,
                "detail": "" if self.station.link_error is None else self.station.link_error.code,
            },
            "backup_ms": 0 if backup is None else backup.made_ms,
            **counted,
            "feeds": await self.feeds(),
            "warnings": [error_to(error) for error in self._warnings(now_ms)],
        }

    def _warnings(self, now_ms: int) -> list[OrtooError]:
        """The clock first: a wrong one makes directory and timestamp look old."""
        parts, trust = self.station.parts, self.station.parts.trust.current
        found = [*parts.watch.warnings(trust.hub), *trust.warnings(now_ms)]
        store = self.station.database.trouble or disk_trouble(self.settings.folder)
        backup = making.trouble(self.settings, now_ms)
        troubles = (store, self.health.link_trouble(), backup)
        return found + [trouble for trouble in troubles if trouble is not None]

    def _counted(self, conn: Connection) -> dict[str, Any]:
        suite = self.station.parts.identity.suite
        origin = journal_origin(self.station.parts.identity.plane, self.station.party)
        frontier = journal_rows.frontier(conn, suite)
        signed_ms = conn.execute(
            select(func.max(checkpoints.c.time_ms)).where(checkpoints.c.origin == origin)
        ).scalar()
        waiting = select(func.count()).select_from(outbox).where(outbox.c.state == "waiting")
        return {
            "outbox": conn.execute(waiting).scalar(),
            "quarantine": conn.execute(select(func.count()).select_from(quarantine)).scalar(),
            "journal": {
                "size": frontier.size,
                "root": frontier.root().hex(),
                "signed_ms": signed_ms or 0,
            },
        }

    async def feeds(self) -> list[dict[str, Any]]:
        """Each feed published and read, as status shows them."""
        return [*await self.station.read(_published), *await self.station.read(self._reading)]

    def _reading(self, conn: Connection) -> list[dict[str, Any]]:
        applied: dict[str, int] = {}
        for worker in self.station.workers.values():
            seq = worker.progress.applied_seq
            applied[worker.feed] = min(seq, applied.get(worker.feed, seq))
        return [
            {
                "feed": row.feed,
                "role": "reader",
                "incarnation": row.incarnation,
                "seq": row.seq,
                "head": max(row.head_seq, row.seq),
                "applied": applied.get(row.feed),
                "readers": None,
                "state": feed_state(row),
                "error": {"code": row.error, "what": row.error, "cure": "", "facts": {}}
                if row.error
                else None,
            }
            for row in conn.execute(select(feeds_in).order_by(feeds_in.c.feed))
        ]

    # --- health ---

    async def watch_health(self) -> None:
        """A loop: what is only looked at when somebody asks has stood so since that moment."""
        while True:
            self.since.note(self.health.look(), self.station.parts.clock())
            await asyncio.sleep(EVERY_S)

    async def health_shown(self) -> dict[str, Any]:
        """Every check that `/healthz` goes by, since when it stands so, and the figures behind."""
        now_ms, checks = self.station.parts.clock(), self.health.look()
        since = self.since.note(checks, now_ms)
        return {
            "ok": not any(each.stops for each in checks if each.error is not None),
            "now_ms": now_ms,
            "looking_since_ms": self.since.began_ms,
            "checks": [
                {**each.finding(), "stops": each.stops and each.error is not None, "since_ms": ms}
                for each, ms in zip(checks, since, strict=True)
            ],
            "figures": self._figures(now_ms),
        }

    def _figures(self, now_ms: int) -> dict[str, Any]:
        trust, wire = self.station.parts.trust.current, self.station.wire
        disk = shutil.disk_usage(self.settings.folder)
        store = self.settings.store_file
        broker = self.settings.broker
        body = trust.directory_body
        return {
            "disk": {"free_bytes": disk.free, "total_bytes": disk.total},
            "store_bytes": store.stat().st_size if store.exists() else 0,
            "clock_skew_ms": self.station.parts.watch.skew_ms(trust.hub),
            "keys": [
                {"use": use, "until_ms": until_ms, "left_ms": until_ms - now_ms}
                for use, until_ms in self.health.key_ends_ms().items()
            ],
            "directory": {
                "version": trust.directory_version,
                "expires_ms": body.expires_ms if body is not None else 0,
                "timestamp_ms": trust.timestamp_ms,
            },
            "broker": {
                "address": "" if broker is None else f"{broker.host}:{broker.port}",
                "connected": wire.link is not None,
                "blocked": wire.link is not None and wire.link.blocked(),
                "since_ms": self.station.linked_ms,
            },
        }

    # --- settings ---

    async def settings_shown(self) -> dict[str, Any]:
        """What the process runs by, without any secret, and where each stands in the file."""
        trust = self.station.parts.trust.current
        found = await asyncio.to_thread(settings_shown.shown, self.settings)
        return {
            **found,
            "versions": settings_shown.versions(self.version),
            "profile": trust.profile,
            "plane": self.station.parts.identity.plane.value,
            "started_ms": self.started_ms,
        }

    # --- doctor ---

    async def doctor(self) -> dict[str, Any]:
        findings = [each.finding() for each in self.health.look()]
        for feed in await self.feeds():
            if feed["state"] in ("failed", "withheld"):
                findings.append(
                    {
                        "check": "outbox" if feed["role"] == "publisher" else "sinks",
                        "subject": feed["feed"],
                        "level": "error",
                        "error": feed["error"],
                    }
                )
        return {"findings": findings}

    @property
    def health(self) -> Health:
        return Health(self.station, self.settings)

    # --- journal ---

    async def journal_verify(self) -> dict[str, Any]:
        """Compute the tree again from every row, and every checkpoint against it."""
        return await self.station.read_long(self._verify_journal)

    def _verify_journal(self, conn: Connection) -> dict[str, Any]:
        identity = self.station.parts.identity
        frontier = journal_rows.verify(conn, identity.suite)
        origin = journal_origin(identity.plane, identity.party)
        signed = conn.execute(select(checkpoints).where(checkpoints.c.origin == origin)).all()
        for row in signed:
            root = journal_rows.frontier_at(conn, identity.suite, row.size).root()
            if Note.parse(row.note).checkpoint != Checkpoint(origin, row.size, root):
                raise JournalTree(detail=f"the checkpoint of size {row.size} has another root")
        first, last = conn.execute(
            select(func.min(journal.c.time_ms), func.max(journal.c.time_ms))
        ).one()
        return {
            "size": frontier.size,
            "root": frontier.root().hex(),
            "checkpoints": len(signed),
            "first_ms": first or 0,
            "last_ms": last or 0,
        }

    async def journal_show(
        self, first: int | None = None, count: int = 20, flow: str | None = None
    ) -> dict[str, Any]:
        count = max(1, min(count, MAX_SHOWN))
        return await self.station.read(lambda conn: self._show(conn, first, count, flow))

    def _show(
        self, conn: Connection, first: int | None, count: int, flow: str | None
    ) -> dict[str, Any]:
        query = select(journal)
        if flow is not None:
            query = query.where(journal.c.flow == flow)
        if first is None:
            found = conn.execute(query.order_by(journal.c.seq.desc()).limit(count)).all()[::-1]
        else:
            query = query.where(journal.c.seq >= first).order_by(journal.c.seq).limit(count)
            found = list(conn.execute(query))
        rows = [journal_rows.read_row(each) for each in found]
        return {
            "size": journal_rows.frontier(conn, self.station.parts.identity.suite).size,
            "rows": [
                {
                    "seq": row.seq,
                    "direction": row.direction.name.lower(),
                    "flow": row.flow,
                    "envelope": row.envelope_id.hex(),
                    "kind": row.kind,
                    "sender": row.sender,
                    "state": row.state.name.lower(),
                    "error": row.error,
                    "time_ms": row.time_ms,
                }
                for row in rows
            ],
        }


def _published(conn: Connection) -> list[dict[str, Any]]:
    readers: dict[str, int] = {
        feed: count
        for feed, count in conn.execute(
            select(feed_readers.c.feed, func.count())
            .where(feed_readers.c.fence.is_(None))
            .group_by(feed_readers.c.feed)
        )
    }
    return [
        {
            "feed": row.feed,
            "role": "publisher",
            "incarnation": row.incarnation,
            "seq": row.seq,
            "head": row.seq,
            "applied": None,
            "readers": readers.get(row.feed, 0) if row.sealed else None,
            "state": "current",
            "error": None,
        }
        for row in conn.execute(select(feeds_out).order_by(feeds_out.c.feed))
    ]


def feed_state(row: Any) -> str:
    """The state of a feed being read, in the words of status."""
    if row.state == ENDED:
        return "stopped"
    if row.state == DISPUTED:
        return "failed"
    if row.state == SUSPENDED:
        return "suspended"
    if row.state == JOINING:
        return "resync"
    if row.error == "feed.withheld":
        return "withheld"
    return "behind" if row.head_seq > row.seq else "current"
