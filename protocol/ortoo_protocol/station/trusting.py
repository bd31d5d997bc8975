"""Trust in the store: load at start, take documents that anyone relays, persist what verified."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import TrustError, TrustRollback
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Suites
from ortoo_protocol.core.notices import TrustUpdate
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import held, quarantine
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import trust_documents


def load(conn: Connection, plane: Plane, suites: Suites) -> Trust | None:
    """The trust that was persisted; None before enrolment. Raises TrustError if tampered with."""
    query = select(trust_documents.c.raw).order_by(trust_documents.c.place)
    documents = list(conn.execute(query).scalars())
    return Trust.restore(documents, plane=plane, suites=suites) if documents else None


def save(conn: Connection, trust: Trust) -> None:
    rows = [{"place": place, "raw": raw} for place, raw in enumerate(trust.documents())]
    conn.execute(delete(trust_documents))
    conn.execute(insert(trust_documents), rows)


def take(tx: Tx, documents: Iterable[bytes]) -> None:
    """Take each document that is newer than what is held. One refused document is quarantined and
    does not keep the others out. What waited for trust is tried again."""
    before = tx.trust
    for raw in documents:
        try:
            tx.parts.trust.current = tx.trust.with_document(raw, tx.now_ms)
        except TrustRollback:
            continue  # an older one than is held: nothing to take, and nothing wrong in relaying it
        except TrustError as error:
            quarantine.keep(tx, raw, error)
            tx.journal_unreadable(raw, error.code)
    if tx.trust is not before:
        save(tx.conn, tx.trust)
        tx.after_commit(tx.parts.signals.gaps.set)
        held.mark_ready(tx, "trust")


def update(tx: Tx, opened: Opened[Shape]) -> None:
    """An item of the hub's directory feed."""
    take(tx, as_body(opened, TrustUpdate).body.documents)
