"""Trust in the store: load at start, take documents that anyone relays, persist what verified."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.directory import read_document
from ortoo_protocol.core.errors import (
    OrtooError,
    TrustClock,
    TrustError,
    TrustExpired,
    TrustFork,
    TrustRollback,
    TrustSkipped,
    TrustStale,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Suites
from ortoo_protocol.core.notices import TrustUpdate
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.core.verify import Message, Opened, as_body
from ortoo_protocol.station import held, quarantine, rekeying
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import insert_new
from ortoo_protocol.station.store.tables import directories_kept, trust_documents


def load(conn: Connection, plane: Plane, suites: Suites) -> Trust | None:
    """The trust that was persisted; None before enrolment. Raises TrustError if tampered with."""
    query = select(trust_documents.c.raw).order_by(trust_documents.c.place)
    documents = list(conn.execute(query).scalars())
    return Trust.restore(documents, plane=plane, suites=suites) if documents else None


def save(conn: Connection, trust: Trust) -> None:
    rows = [{"place": place, "raw": raw} for place, raw in enumerate(trust.documents())]
    conn.execute(delete(trust_documents))
    conn.execute(insert(trust_documents), rows)
    if trust.directory_version:
        directory = {"version": trust.directory_version, "hash": trust.directory_hash}
        insert_new(conn, directories_kept, [{**directory, "raw": trust.directory_raw}])


def take(tx: Tx, documents: Iterable[bytes]) -> None:
    """Take each document that is newer than what is held. One refused document is quarantined and
    does not keep the others out; one that only our own time or standing speaks against is held.
    What waited for trust is tried again."""
    before = tx.trust
    for raw in documents:
        try:
            tx.parts.trust.current = tx.trust.with_document(raw, tx.now_ms)
        except TrustRollback:
            continue  # an older one than is held: nothing to take, and nothing wrong in relaying it
        except TrustError as error:
            _heed_stamp(tx, raw, error)
            if isinstance(error, TrustFork):
                tx.parts.trust.forked = error
            if not_now(tx, error):
                held.hold(tx, raw, held.DOCUMENT)
                continue
            quarantine.keep(tx, raw, error)
            tx.journal_unreadable(raw, error.code)
    tx.parts.watch.heard(tx.trust.hub, tx.trust.timestamp_ms)
    if tx.trust is not before:
        save(tx.conn, tx.trust)
        rekeying.follow(tx, before)
        tx.after_commit(tx.parts.signals.gaps.set)
        held.mark_ready(tx, held.TRUST)


def _heed_stamp(tx: Tx, raw: bytes, error: TrustError) -> None:
    """A timestamp from our future, refused after its signature was verified."""
    if isinstance(error, TrustClock) and read_document(raw).type == "timestamp":
        ahead_s = error.facts.get("skew_s")
        if isinstance(ahead_s, int):
            tx.parts.watch.heard(tx.trust.hub, tx.now_ms + ahead_s * 1000)


def check_same_directory(tx: Tx, message: Message) -> None:
    """Two directories of one version: somebody was shown another region than we were. Raises
    TrustFork; the message is the evidence."""
    trust, header = tx.trust, message.header
    if header.directory_version != trust.directory_version or not header.directory_hash:
        return
    if header.directory_hash != trust.directory_hash:
        error = TrustFork(document="directory", version=trust.directory_version)
        tx.parts.trust.forked = error
        raise error


def key_is_over(tx: Tx, message: Message) -> bool:
    """Whether the key that signed `message` is retired or compromised by now."""
    record = tx.trust.signing_key(message.envelope.key_id)
    return record is None or record.over_at(tx.now_ms)


def not_now(tx: Tx, error: OrtooError) -> bool:
    """Whether `error` comes from our own state: a wrong clock, an expired directory, a stale
    timestamp. What met it is not at fault and waits until that has passed."""
    if tx.parts.watch.stops(tx.trust.hub):
        return isinstance(error, (TrustClock, TrustExpired, TrustStale, TrustSkipped))
    if not isinstance(error, (TrustExpired, TrustStale, TrustSkipped)):
        return False
    try:
        tx.trust.check_fresh(tx.now_ms)
    except (TrustExpired, TrustStale, TrustSkipped):
        return True
    return False


def retry_held(tx: Tx) -> None:
    """Try again what waited for our own time and standing, once they allow."""
    try:
        tx.check_clock()
        tx.trust.check_fresh(tx.now_ms)
    except TrustError:
        return
    held.mark_ready(tx, held.STANDING)
    if documents := held.take_documents(tx):
        take(tx, documents)


def update(tx: Tx, opened: Opened[Shape]) -> None:
    """An item of the hub's directory feed."""
    take(tx, as_body(opened, TrustUpdate).body.documents)
