"""Figures of a station beside those of the engine: subscriptions, rows, queries, files, cases.

Each looks at what is bounded: subscriptions and resources by MOST, queries by a few minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from ortoo_node import subscribing
from ortoo_node.app import NodeApp
from ortoo_node.store.case_tables import cases
from ortoo_node.store.tables import (
    file_transfers,
    publication_runs,
    queries,
    reject_counts,
    subscriptions,
)
from ortoo_node.subscription_state import Describer
from ortoo_protocol.station.figures import Figure, counter, gauge

MOST = 500
RECENT_MS = 300_000


@dataclass(frozen=True)
class NodeFigures:
    app: NodeApp

    def stored(self, conn: Connection) -> list[Figure]:
        """In a thread, over one view of the store."""
        now_ms = self.app.now_ms()
        return [
            *self._subscriptions(conn),
            *_published(conn, now_ms),
            *_queries(conn, now_ms),
            *_files(conn),
            *_cases(conn),
        ]

    def _subscriptions(self, conn: Connection) -> Iterator[Figure]:
        """Of those that have not ended, the MOST that changed last."""
        app = self.app
        describer = Describer(conn, app.station.parts, app.station.workers, app.reading.failed)
        going = select(subscriptions.c.subscription).where(
            subscriptions.c.state != subscribing.ENDED
        )
        newest = going.order_by(subscriptions.c.changed_ms.desc()).limit(MOST)
        found = [describer.named(name) for name in conn.execute(newest).scalars().all()]
        labels = ("subscription", "resource", "sink")
        keys = [(one["subscription"], one["resource"], one["sink"]) for one in found]
        for name, kind, help_, fact in (
            ("ortoo_subscription_lag_items", gauge, "Announced and not applied.", "lag"),
            ("ortoo_subscription_lag_seconds", gauge, "Age of the oldest of them.", "lag_s"),
            ("ortoo_subscription_rows_total", counter, "Rows applied.", "rows"),
            ("ortoo_subscription_rejects_total", counter, "Rows its sink refused.", "rejects"),
        ):
            samples = {key: one[fact] for key, one in zip(keys, found, strict=True)}
            yield kind(name, help_, samples, labels)
        states = {(*key, one["state"]): 1 for key, one in zip(keys, found, strict=True)}
        yield gauge("ortoo_subscription_state", "Always 1.", states, (*labels, "state"))


def _published(conn: Connection, now_ms: int) -> Iterator[Figure]:
    total = func.sum(reject_counts.c.total)
    rejected = select(reject_counts.c.resource, total).group_by(reject_counts.c.resource)
    found = {(code,): int(rows) for code, rows in conn.execute(rejected.limit(MOST))}
    help_ = "Rows that were set aside instead of published."
    yield counter("ortoo_rejected_rows_total", help_, found, ("resource",))
    runs = conn.execute(select(publication_runs).limit(MOST)).all()
    late = {(row.resource,): max(0, now_ms - row.next_ms) / 1000 for row in runs if row.next_ms}
    help_ = "How long a planned publication is overdue."
    yield gauge("ortoo_publication_overdue_seconds", help_, late, ("resource",))
    failures = {(row.resource,): row.failures for row in runs}
    help_ = "Publications that failed, one after another."
    yield gauge("ortoo_publication_failures", help_, failures, ("resource",))


def _queries(conn: Connection, now_ms: int) -> Iterator[Figure]:
    names = (queries.c.role, queries.c.state)
    recent = (
        select(*names, func.count().label("calls"), func.avg(queries.c.took_us).label("took"))
        .where(queries.c.time_ms >= now_ms - RECENT_MS)
        .group_by(*names)
    )
    rows = conn.execute(recent).all()
    calls = {(row.role, row.state): row.calls for row in rows}
    help_ = "Queries of the last 5 minutes."
    yield gauge("ortoo_queries_recent", help_, calls, ("role", "state"))
    took = {(row.role, row.state): float(row.took) / 1e6 for row in rows}
    help_ = "What they took, on the average."
    yield gauge("ortoo_queries_recent_seconds", help_, took, ("role", "state"))


def _files(conn: Connection) -> Iterator[Figure]:
    fetched = file_transfers.c.done * file_transfers.c.chunk_bytes
    names = (file_transfers.c.state, func.count().label("files"), func.sum(fetched).label("bytes"))
    rows = conn.execute(select(*names).group_by(file_transfers.c.state)).all()
    files = {(row.state,): row.files for row in rows}
    yield gauge("ortoo_files", "Files that are or were fetched.", files, ("state",))
    sizes = {(row.state,): int(row.bytes) for row in rows}
    help_ = "How much of them is here, in whole chunks."
    yield gauge("ortoo_file_bytes", help_, sizes, ("state",))


def _cases(conn: Connection) -> Iterator[Figure]:
    query = select(cases.c.role, cases.c.state, func.count()).group_by(cases.c.role, cases.c.state)
    found = {(role, state): count for role, state, count in conn.execute(query)}
    yield gauge("ortoo_cases", "Share requests, by state.", found, ("role", "state"))
