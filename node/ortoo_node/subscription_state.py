"""What people see of a subscription: how far it is, how late, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from ortoo_node import holding, subscribing
from ortoo_node.catalog.mirror import resource_name
from ortoo_protocol.core.errors import FeedEpoch, OrtooError
from ortoo_protocol.station import feed_reader
from ortoo_protocol.station.apply import ApplyWorker
from ortoo_protocol.station.common_methods import feed_state
from ortoo_protocol.station.context import Parts
from ortoo_protocol.station.control_client import classes, error_to
from ortoo_protocol.station.store.tables import feed_applied, feed_in_items, feeds_in, grants


@dataclass(frozen=True)
class Lag:
    """`items` that are announced and not applied; `age_s`: how old the oldest of them is."""

    items: int
    age_s: float


@dataclass(frozen=True)
class Describer:
    """Over one view of the store."""

    conn: Connection
    parts: Parts
    workers: Mapping[str, ApplyWorker]
    failed: Mapping[str, OrtooError]

    def all(self) -> list[dict[str, Any]]:
        positions = {row.feed: row for row in self.conn.execute(select(feeds_in))}
        return [self.one(row, positions.get(row.feed)) for row in subscribing.listed(self.conn)]

    def named(self, name: str) -> dict[str, Any]:
        row = holding.find(self.conn, name)
        query = select(feeds_in).where(feeds_in.c.feed == row.feed)
        return self.one(row, self.conn.execute(query).first())

    def one(self, row: Row[Any], position: Row[Any] | None) -> dict[str, Any]:
        noted = self._noted(row)
        worker = self.workers.get(row.subscription)
        applied = noted.seq if noted is not None and noted.incarnation else 0
        if worker is not None:
            applied = max(applied, worker.progress.applied_seq)
        lag = self._lag(position, applied)
        return {
            "subscription": row.subscription,
            "resource": row.resource,
            "resource_name": resource_name(self.conn, row.resource),
            "feed": row.feed,
            "grant": row.grant,
            "department": row.department,
            "sink": row.sink,
            "table": row.table,
            "incarnation": position.incarnation if position is not None else 0,
            "received": position.seq if position is not None else 0,
            "applied": applied,
            "head": max(position.head_seq, position.seq) if position is not None else 0,
            "lag": lag.items,
            "lag_s": lag.age_s,
            "rows": noted.rows if noted is not None else 0,
            "rejects": noted.rejects if noted is not None else 0,
            "state": self._state(row, position, worker, lag),
            "error": self._error(row, position, worker),
            "changed_ms": row.changed_ms,
        }

    def _noted(self, row: Row[Any]) -> Row[Any] | None:
        here = feed_applied.c.subscription == row.subscription
        query = select(feed_applied).where(feed_applied.c.feed == row.feed, here)
        return self.conn.execute(query).first()

    def _state(
        self, row: Row[Any], position: Row[Any] | None, worker: ApplyWorker | None, lag: Lag
    ) -> str:
        """What was received and is not applied yet is behind."""
        if row.state == subscribing.ENDED:
            return "stopped"
        if row.hold:
            return str(row.hold)
        if row.subscription in self.failed:
            return "failed"
        if worker is not None and worker.progress.error == FeedEpoch.code:
            return "waiting-key"
        if worker is not None and worker.progress.state == "waiting":
            return "failed"
        state = feed_state(position) if position is not None else str(row.state)
        return "behind" if state == "current" and lag.items else state

    def _error(
        self, row: Row[Any], position: Row[Any] | None, worker: ApplyWorker | None
    ) -> dict[str, Any] | None:
        if row.hold_error:
            return holding.error_of(row)
        failed = self.failed.get(row.subscription)
        if failed is not None:
            return error_to(failed)
        if worker is not None and worker.progress.failure is not None:
            return error_to(worker.progress.failure)
        if position is not None and position.error:
            return error_to(self._noted_error(row, position))
        return None

    def _noted_error(self, row: Row[Any], position: Row[Any]) -> OrtooError:
        """The store keeps codes; what the class says is filled with what is known here."""
        reason = ""
        if row.grant is not None:
            query = select(grants.c.end_reason).where(grants.c.grant == row.grant)
            reason = self.conn.execute(query).scalar() or "-"
        made = classes().get(position.error, OrtooError)
        return made(
            feed=row.feed,
            seq=position.seq + 1,
            head=position.head_seq,
            grant=row.grant or "-",
            reason=reason,
            reader=self.parts.identity.party,
            incarnation=position.incarnation,
        )

    def _lag(self, position: Row[Any] | None, applied: int) -> Lag:
        if position is None or position.state == feed_reader.ENDED:
            return Lag(0, 0.0)
        head = max(position.head_seq, position.seq)
        if applied >= head:
            return Lag(0, 0.0)
        since_ms = self._made_ms(position, applied + 1) or position.head_ms
        age_ms = self.parts.clock() - since_ms if since_ms else 0
        return Lag(head - applied, round(max(0, age_ms) / 1000, 1))

    def _made_ms(self, position: Row[Any], first: int) -> int | None:
        """When the first item that is not applied was signed, if it is held here."""
        query = select(feed_in_items.c.raw).where(
            feed_in_items.c.feed == position.feed,
            feed_in_items.c.incarnation == position.incarnation,
            feed_in_items.c.seq >= first,
            feed_in_items.c.raw.is_not(None),
        )
        raw = self.conn.execute(query.order_by(feed_in_items.c.seq).limit(1)).scalar()
        if raw is None:
            return None
        plane = self.parts.identity.plane
        return feed_reader.read_stored(raw, self.parts.suites, plane).header.created_ms
