"""From a grant to all that happened under it; from one query or one download to its grant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from ortoo_node import subscribing
from ortoo_node.files import transfers
from ortoo_node.store.tables import file_orders, file_transfers, queries
from ortoo_node.tracing.behind import behind, entries_of
from ortoo_node.tracing.said import entry_of, limit
from ortoo_protocol.core.errors import QueryUnknown
from ortoo_protocol.core.queries import only_query
from ortoo_protocol.station.context import Parts
from ortoo_protocol.station.journal.searching import (
    Sought,
    header_of,
    number_at,
    search,
    view,
)
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.correction_tables import corrections
from ortoo_protocol.station.store.tables import feed_readers, journal

NEWEST = 20
MOST_BEHIND = 200  # rows of a flow that are looked at for the pages of a query


@dataclass(frozen=True)
class Uses:
    """Over one view of the store."""

    conn: Connection
    parts: Parts
    now_ms: int

    def grant(self, grant: str) -> dict[str, Any]:
        """Raises GrantUnknown."""
        found = behind(self.conn, grant, self.now_ms)
        shown = found["grant"]
        unknown = [] if found["application"] is not None else [limit("case-away")]
        if only_query(shown["mode"]):
            unknown.append(limit("queried"))
        return {
            **found,
            "feed": self._feed(grant, shown["feed"]),
            "subscriptions": [
                {"subscription": row.subscription, "sink": row.sink, "table": row.table}
                for row in subscribing.listed(self.conn)
                if row.grant == grant
            ],
            "calls": [call_of(row) for row in self.calls(grant)],
            "downloads": [download_of(row) for row in self.downloads(grant)],
            "orders": self._orders(grant),
            "corrections": self._corrections(grant),
            "entries": entries_of(self.conn, grant, shown["case"], self._size),
            "unknown": unknown,
        }

    def call(self, ask: str) -> dict[str, Any]:
        """One query, asked here or answered here. Raises QueryUnknown."""
        parties = [each.party for each in self.parts.trust.current.parties]
        query = select(queries).where(
            queries.c.role.in_(("asked", "answered")),
            queries.c.peer.in_(parties),
            queries.c.ask == ask,
        )
        row = self.conn.execute(query).first()
        if row is None:
            raise QueryUnknown(detail=ask[:64])
        found = self._behind(row.grant)
        entries = self._caused(row)
        if sum(each["kind"] == "query.ask" for each in entries) > 1:
            found["unknown"].append(limit("several-asks"))
        return {"call": call_of(row), **found, "entries": entries}

    def download(self, transfer: str) -> dict[str, Any]:
        """One file that was fetched. Raises FileTransferUnknown."""
        row = transfers.find(self.conn, transfer)
        asked = Sought(flows=[row.feed, row.grant], since_ms=row.began_ms, count=NEWEST * 5)
        found = search(self.conn, asked, self._size).rows
        return {
            "download": download_of(row),
            **self._behind(row.grant),
            "entries": [entry_of(each) for each in found if each["kind"].startswith("file.")],
        }

    def newest(self) -> dict[str, Any]:
        """Where a trace may begin: the newest queries and downloads."""
        return {
            "calls": [call_of(row) for row in self.calls()],
            "downloads": [download_of(row) for row in self.downloads()],
        }

    def calls(self, grant: str = "") -> Sequence[Row[Any]]:
        query = select(queries).order_by(queries.c.time_ms.desc()).limit(NEWEST)
        if grant:
            query = query.where(queries.c.grant == grant)
        return self.conn.execute(query).all()

    def downloads(self, grant: str = "") -> Sequence[Row[Any]]:
        query = select(file_transfers).order_by(file_transfers.c.began_ms.desc()).limit(NEWEST)
        if grant:
            query = query.where(file_transfers.c.grant == grant)
        return self.conn.execute(query).all()

    @property
    def _size(self) -> int:
        return journal_rows.frontier(self.conn, self.parts.identity.suite).size

    def _behind(self, grant: str) -> dict[str, Any]:
        found = behind(self.conn, grant, self.now_ms)
        away = found["application"] is None
        return {**found, "unknown": [limit("case-away")] if away else []}

    def _feed(self, grant: str, feed: str) -> dict[str, Any]:
        query = select(feed_readers).where(
            feed_readers.c.feed == feed, feed_readers.c.grant == grant
        )
        row = self.conn.execute(query).first()
        return {
            "feed": feed,
            "from_item": None if row is None else row.first_seq,
            "until_item": None if row is None else row.fence,
        }

    def _orders(self, grant: str) -> list[dict[str, Any]]:
        query = select(file_orders).where(file_orders.c.grant == grant)
        newest = query.order_by(file_orders.c.asked_ms.desc()).limit(NEWEST)
        names = ("role", "peer", "order", "form", "purpose", "handler", "rows", "state", "asked_ms")
        return [{n: getattr(row, n) for n in names} for row in self.conn.execute(newest)]

    def _corrections(self, grant: str) -> list[dict[str, Any]]:
        query = select(corrections).where(corrections.c.grant == grant)
        newest = query.order_by(corrections.c.opened_ms.desc()).limit(NEWEST)
        names = ("correction", "about", "state", "outcome", "by", "opened_ms")
        return [{n: getattr(row, n) for n in names} for row in self.conn.execute(newest)]

    def _caused(self, call: Row[Any]) -> list[dict[str, Any]]:
        """The ask in the journal, written in one transaction with the record of the call, and what
        was sent or came in answer to it."""
        first = number_at(self.conn, call.time_ms, self._size)
        query = select(journal).where(journal.c.flow == call.grant, journal.c.seq >= first)
        rows, asks = [], set()
        for row in self.conn.execute(query.order_by(journal.c.seq).limit(MOST_BEHIND)):
            header = header_of(row)
            if header is None or not row.kind.startswith("query."):
                continue
            if row.kind == "query.ask" and row.time_ms == call.time_ms:
                asks.add(header.id)
                rows.append(row)
            elif header.causation in asks:
                rows.append(row)
        return [entry_of(view(row)) for row in rows]


def call_of(row: Row[Any]) -> dict[str, Any]:
    names = (
        "ask", "role", "peer", "grant", "query", "resource", "department", "purpose", "handler",
        "time_ms", "state", "error", "rows",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names}


def download_of(row: Row[Any]) -> dict[str, Any]:
    names = (
        "transfer", "resource", "feed", "grant", "subscription", "name", "sha256", "size_bytes",
        "target", "state", "error", "began_ms", "changed_ms",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names}
