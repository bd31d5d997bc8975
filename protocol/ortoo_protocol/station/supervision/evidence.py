"""What proves a matter: leaves of this party's journal, signed letters and items."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from ortoo_protocol.core.ids import feed_id
from ortoo_protocol.core.keys import Suite
from ortoo_protocol.core.merkle import leaf_hash
from ortoo_protocol.core.supervision.leads import Matter
from ortoo_protocol.core.supervision.notices import Evidence
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.tables import (
    catalog_index,
    feed_in_items,
    feed_out_items,
    journal,
)

# Which letter of a flow proves a matter of this kind; the last of it counts.
LETTERS = {
    "case": "case.application",
    "grant": "grant.issued",
    "end": "grant.ended",
    "suspension": "grant.suspended",
    "correction": "correction.raised",
    "notice": "notice.issued",
    "submission": "submission.called",
}


def prove(conn: Connection, suite: Suite, party: str, matter: Matter) -> Evidence:
    """The leaf of the letter that it is about, or the signed item; else the record alone."""
    kind = LETTERS.get(matter.kind)
    if kind is not None:
        row = _leaf(conn, matter.flow or matter.ref, kind)
        if row is not None:
            return _by_leaf(suite, matter, row)
    elif matter.kind == "entry":
        item = _item(conn, party, matter.ref.partition("@")[0])
        if item is not None:
            return _plain(matter, body_hash=item)
    return _plain(matter)


def _leaf(conn: Connection, flow: str, kind: str) -> Row[Any] | None:
    query = select(journal).where(journal.c.flow == flow, journal.c.kind == kind)
    return conn.execute(query.order_by(journal.c.seq.desc()).limit(1)).first()


def _by_leaf(suite: Suite, matter: Matter, row: Row[Any]) -> Evidence:
    hashed = leaf_hash(suite.hash, journal_rows.read_row(row).leaf_bytes())
    return Evidence(
        matter.kind,
        matter.ref,
        matter.since_ms,
        matter.detail,
        row.seq,
        hashed,
        row.envelope_id,
        row.body_hash,
    )


def _item(conn: Connection, party: str, code: str) -> bytes | None:
    """The hash of the newest item of the provider's catalog feed that is held here: its chain
    commits to every entry before it."""
    query = select(catalog_index.c.provider).where(catalog_index.c.code == code)
    provider = conn.execute(query).scalar()
    if provider is None:
        return None
    items = feed_out_items if provider == party else feed_in_items
    newest = (
        select(items.c.hash)
        .where(items.c.feed == feed_id(provider, "catalog"))
        .order_by(items.c.incarnation.desc(), items.c.seq.desc())
        .limit(1)
    )
    return conn.execute(newest).scalar()


def _plain(matter: Matter, *, body_hash: bytes = b"") -> Evidence:
    return Evidence(matter.kind, matter.ref, matter.since_ms, matter.detail, 0, b"", b"", body_hash)
