"""Figures that hub and station alike have: of the store in one view, of the process in memory.

No query here goes over the journal: sums are kept by `traffic`, all else has an index or is short.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from ortoo_protocol.core.journal import Direction, State, journal_origin
from ortoo_protocol.station.clocks.clock import PAUSED
from ortoo_protocol.station.figures.figure import Figure, Histogram, counter, gauge
from ortoo_protocol.station.health import SIGN, WRAP, Health
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.clock_tables import clocks
from ortoo_protocol.station.store.tables import (
    checkpoints,
    feed_out_unsent,
    held,
    outbox,
    quarantine,
    receipts_due,
)
from ortoo_protocol.station.store.traffic_tables import traffic_totals
from ortoo_protocol.station.store.writer import BOUNDS_S

DAY_MS = 86_400_000
NEAR_MS = 3 * DAY_MS  # a case is near its end
_USES = {SIGN: "signing", WRAP: "encryption"}


@dataclass(frozen=True)
class EngineFigures:
    """`version` of the package; `started_ms` when the process began."""

    health: Health
    version: str
    started_ms: int

    def stored(self, conn: Connection) -> list[Figure]:
        """In a thread, over one view of the store."""
        now_ms = self.health.station.parts.clock()
        return [
            *_traffic(conn),
            *self._journal(conn, now_ms),
            *_outbox(conn, now_ms),
            *_aside(conn),
            *_due(conn, now_ms),
        ]

    def held(self) -> list[Figure | Histogram]:
        """In the event loop, of what is in memory and of the disk."""
        return [*self._process(), *self._health(), *self._keys(), *self._disk(), *self._writer()]

    def _journal(self, conn: Connection, now_ms: int) -> Iterator[Figure]:
        identity = self.health.station.parts.identity
        size = journal_rows.frontier(conn, identity.suite).size
        yield counter("ortoo_journal_rows_total", "Rows of the journal.", size)
        origin = journal_origin(identity.plane, identity.party)
        signed = (
            select(checkpoints.c.time_ms, checkpoints.c.size)
            .where(checkpoints.c.origin == origin)
            .order_by(checkpoints.c.size.desc())
            .limit(1)
        )
        found = conn.execute(signed).first()
        cosigned = select(func.max(checkpoints.c.size)).where(
            checkpoints.c.origin == origin, checkpoints.c.cosigned.is_(True)
        )
        age = {} if found is None else {(): (now_ms - found.time_ms) / 1000}
        yield gauge("ortoo_checkpoint_age_seconds", "Since the newest checkpoint.", age)
        behind = size - (0 if found is None else found.size)
        yield gauge("ortoo_checkpoint_rows_behind", "Rows that no checkpoint covers.", behind)
        behind = size - (conn.execute(cosigned).scalar() or 0)
        yield gauge("ortoo_cosigned_rows_behind", "Rows that the hub cosigned not yet.", behind)

    def _process(self) -> Iterator[Figure]:
        identity = self.health.station.parts.identity
        labels = (identity.party, identity.plane.value, self.version)
        names = ("party", "plane", "version")
        yield gauge("ortoo_info", "Who this is; always 1.", {labels: 1}, names)
        yield gauge("ortoo_start_time_seconds", "Since 1970.", self.started_ms / 1000)

    def _health(self) -> Iterator[Figure]:
        station, problems = self.health.station, self.health.problems()
        well = not any(each.stops for each in problems)
        yield gauge("ortoo_healthy", "1: exchange works, as /healthz says.", int(well))
        found = {
            (each.check, each.error.code, each.level): 1.0
            for each in problems
            if each.error is not None
        }
        labels = ("check", "code", "level")
        yield gauge("ortoo_problem", "1 for each problem that is known now.", found, labels)
        link, parts = station.wire.link, station.parts
        yield gauge("ortoo_link_up", "1: linked to the broker.", int(link is not None))
        blocked = link is not None and link.blocked()
        yield gauge("ortoo_link_blocked", "1: the broker's alarm is on.", int(blocked))
        since_s = (parts.clock() - station.linked_ms) / 1000 if link is not None else 0
        yield gauge("ortoo_link_age_seconds", "Since the link stands; 0 without one.", since_s)
        skew_s = parts.watch.skew_ms(parts.trust.current.hub, 0) / 1000
        yield gauge("ortoo_clock_skew_seconds", "The others' clocks less ours, at least.", skew_s)

    def _keys(self) -> Iterator[Figure]:
        trust, now_ms = self.health.station.parts.trust.current, self.health.station.parts.clock()
        ends = self.health.key_ends_ms()
        left = {(_USES[use],): (ends.get(use, now_ms) - now_ms) / DAY_MS for use in (SIGN, WRAP)}
        yield gauge("ortoo_key_days_left", "Of the newest key; 0: none is usable.", left, ("use",))
        body = trust.directory_body
        documents = {("root",): (trust.root.expires_ms - now_ms) / DAY_MS}
        documents["directory",] = (body.expires_ms - now_ms) / DAY_MS if body else 0.0
        help_ = "Until the document expires; below 0: it has."
        yield gauge("ortoo_document_days_left", help_, documents, ("document",))
        yield gauge("ortoo_directory_version", "In force here.", trust.directory_version)
        age_s = (now_ms - trust.timestamp_ms) / 1000 if trust.timestamp_ms else float("inf")
        yield gauge("ortoo_timestamp_age_seconds", "Of the hub's newest timestamp.", age_s)

    def _disk(self) -> Iterator[Figure]:
        path = self.health.station.database.path
        files = {("store",): path, ("wal",): Path(f"{path}-wal")}
        sizes = {name: _size_bytes(file) for name, file in files.items()}
        yield gauge("ortoo_store_bytes", "Files of the store.", sizes, ("file",))
        free = shutil.disk_usage(self.health.settings.folder).free
        yield gauge("ortoo_disk_free_bytes", "Where the store lies.", free)

    def _writer(self) -> Iterator[Figure | Histogram]:
        writer = self.health.station.database.writer
        noted = writer.figures
        help_ = "Commits of the writer, by how long each took."
        yield Histogram(
            "ortoo_commit_seconds", help_, BOUNDS_S, tuple(noted.commits), noted.seconds
        )
        yield counter("ortoo_writer_jobs_total", "Jobs that were committed.", noted.jobs)
        help_ = "Commits that could not be kept."
        yield counter("ortoo_writer_failures_total", help_, noted.failed)
        yield gauge("ortoo_writer_waiting", "Jobs that wait for the writer.", writer.waiting)


def _traffic(conn: Connection) -> Iterator[Figure]:
    found = {
        (row.kind, Direction(row.direction).name.lower(), State(row.state).name.lower()): row.rows
        for row in conn.execute(select(traffic_totals))
    }
    labels = ("kind", "direction", "state")
    yield counter("ortoo_messages_total", "Rows of the journal, by kind.", found, labels)


def _outbox(conn: Connection, now_ms: int) -> Iterator[Figure]:
    waiting = outbox.c.state == "waiting"
    first = select(func.count(), func.min(outbox.c.number)).where(waiting)
    count, number = conn.execute(first).one()
    yield gauge("ortoo_outbox_waiting", "Letters without a receipt yet.", count)
    oldest = select(outbox.c.created_ms).where(outbox.c.number == number)
    made_ms = conn.execute(oldest).scalar() if number is not None else None
    age_s = 0.0 if made_ms is None else (now_ms - made_ms) / 1000
    yield gauge("ortoo_outbox_oldest_seconds", "Age of the oldest of them.", age_s)


def _aside(conn: Connection) -> Iterator[Figure]:
    tables = (
        ("ortoo_quarantine_messages", "Set aside; the newest 1,000 are kept.", quarantine),
        ("ortoo_held_messages", "Held until a key, grant or directory comes.", held),
        ("ortoo_receipts_waiting", "Receipts that are owed.", receipts_due),
        ("ortoo_feed_items_unsent", "Items that the broker has not confirmed.", feed_out_unsent),
    )
    for name, help_, table in tables:
        count = conn.execute(select(func.count()).select_from(table)).scalar_one()
        yield gauge(name, help_, count)


def _due(conn: Connection, now_ms: int) -> Iterator[Figure]:
    """What the law has a clock for, that is not done."""
    running = clocks.c.state != PAUSED  # which ends later than it says
    late = running & (clocks.c.due_ms <= now_ms)
    near = running & (clocks.c.due_ms <= now_ms + NEAR_MS)
    query = (
        select(
            clocks.c.duty,
            func.count().label("open"),
            func.count().filter(late).label("late"),
            func.count().filter(near & ~late).label("near"),
        )
        .where(clocks.c.closed_ms.is_(None))
        .group_by(clocks.c.duty)
    )
    found = {
        (row.duty, name): getattr(row, name)
        for row in conn.execute(query)
        for name in ("open", "near", "late")
    }
    help_ = "Open clocks of the law: all, those that end within 3 days, those past their end."
    yield gauge("ortoo_clocks", help_, found, ("duty", "when"))


def _size_bytes(file: Path) -> int:
    try:
        return os.stat(file).st_size
    except FileNotFoundError:
        return 0
