"""The directory in force: timestamps, new versions, announcements, and their way to the members.

Everything that changes trust at the hub goes through `adopt`: verified, stored, and published on
the hub's directory feed in one transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec.structs import replace
from sqlalchemy import delete, select

from ortoo_hub import roster
from ortoo_hub.store.tables import enrolments, pending
from ortoo_protocol.core.announcement import signing_key_id
from ortoo_protocol.core.codec import Shape, decode
from ortoo_protocol.core.directory import (
    Directory,
    PartyEntry,
    Timestamp,
    read_body,
    read_document,
    sign_document,
)
from ortoo_protocol.core.errors import TrustAnnouncement, TrustError, TrustExpired
from ortoo_protocol.core.frames import MAX_CONTENT_BYTES
from ortoo_protocol.core.ids import feed_id, is_hub
from ortoo_protocol.core.messages import kind_named
from ortoo_protocol.core.notices import Announce, TrustAsk, TrustUpdate
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import feed_reader, feed_writer, held, quarantine, trusting
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.keyfile import KeyFile
from ortoo_protocol.station.own_keys import own_announcement
from ortoo_protocol.station.sending import send

DIRECTORY, CATALOG = "directory", "catalog"
MAX_UPDATE_BYTES = MAX_CONTENT_BYTES - (64 << 10)
_log = logging.getLogger(__name__)


def directory_feed(hub: str) -> str:
    return feed_id(hub, DIRECTORY)


def catalog_feed(party: str) -> str:
    return feed_id(party, CATALOG)


def active_stations(trust: Trust) -> tuple[str, ...]:
    return tuple(
        entry.party
        for entry in trust.parties
        if entry.status == "active" and not is_hub(entry.party)
    )


def open_feeds(tx: Tx) -> None:
    """The hub's two feeds, and the catalog of every member: read from their first item."""
    for feed in (directory_feed(tx.party), catalog_feed(tx.party)):
        feed_writer.open_feed(tx, feed, sealed=False)
    for station in active_stations(tx.trust):
        feed_reader.join(tx, catalog_feed(station), feed_reader.HISTORY)


# --- what is in force ---------------------------------------------------------------------------


def documents(trust: Trust, *kinds: str) -> list[bytes]:
    """Raw documents of these kinds, in an order in which they can be taken."""
    return [raw for raw in trust.documents() if read_document(raw).type in kinds]


def adopt(tx: Tx, trust: Trust, news: Sequence[bytes]) -> None:
    """Put `trust` into force and tell every member `news`."""
    before = tx.trust
    tx.parts.trust.current = trust
    try:
        trusting.save(tx.conn, trust)
        held.mark_ready(tx, held.TRUST)
        for update in _updates(news):
            kind = kind_named("trust.update")
            feed_writer.publish(tx, directory_feed(tx.party), update, kind=kind)
    except BaseException:
        tx.parts.trust.current = before
        raise


def _updates(raws: Iterable[bytes]) -> Iterator[TrustUpdate]:
    """`raws` in their order, as many in each as a message holds: members' announcements alone may
    be more than one holds."""
    batch: list[bytes] = []
    for raw in raws:
        if batch and sum(map(len, batch)) + len(raw) > MAX_UPDATE_BYTES:
            yield TrustUpdate(documents=tuple(batch))
            batch = []
        batch.append(raw)
    if batch:
        yield TrustUpdate(documents=tuple(batch))


def sign_timestamp(tx: Tx, trust: Trust) -> bytes:
    """Raises TrustClock: every member goes by its time."""
    tx.check_clock()
    body = Timestamp(
        region=tx.party,
        version=trust.directory_version,
        hash=trust.directory_hash,
        time_ms=tx.now_ms,
    )
    signer = tx.parts.identity.signer
    return sign_document("timestamp", body, suite=tx.suite, plane=tx.plane, signers=[signer])


def stamp(tx: Tx) -> None:
    """Say which directory is the newest (every ten minutes). Raises TrustError."""
    raw = sign_timestamp(tx, tx.trust)
    adopt(tx, tx.trust.with_timestamp(raw, tx.now_ms), [raw])


def announce_own(tx: Tx, keys: KeyFile) -> None:
    """Announce the hub's own encryption keys unless that was done."""
    raw = own_announcement(tx, keys)
    if raw is None:
        return
    trust = tx.trust.with_announcement(raw, tx.now_ms)
    adopt(tx, trust, [*documents(trust, "timestamp"), raw])


# --- the next directory -------------------------------------------------------------------------


def next_parties(tx: Tx) -> tuple[PartyEntry, ...]:
    """The members as the next directory has them."""
    parties: tuple[PartyEntry, ...] = tx.trust.parties
    for raw in tx.conn.execute(select(pending.c.entry)).scalars():
        parties = roster.with_entry(parties, decode(raw, PartyEntry))
    return parties


def propose(tx: Tx) -> bytes:
    """The next directory, unsigned. Without changes it renews the one in force."""
    trust = tx.trust
    return roster.draft_directory(
        documents(trust, "root")[-1],
        next_parties(tx),
        previous=documents(trust, "directory")[0],
        profile=trust.profile,
        suite=tx.suite,
        suites=tx.parts.suites,
        now_ms=tx.now_ms,
    )


def publish(tx: Tx, raw: bytes, wake: Callable[[], None]) -> tuple[roster.Change, ...]:
    """Put a directory into force that registrars signed, with a timestamp that names it and the
    announcements of those whose keys it brings; or the next root. Raises TrustError."""
    before = tx.trust
    after = before.with_document(raw, tx.now_ms)
    if after is before:
        return ()
    if read_document(raw).type == "root":
        adopt(tx, after, [raw])
        return ()
    read_document(raw, "directory")  # timestamps and announcements come by other ways
    held_raw = documents(before, "directory")
    after = after.with_timestamp(sign_timestamp(tx, after), tx.now_ms)
    after, taken = _with_enrolled(tx, after)
    adopt(tx, after, [*documents(after, "root", "directory", "timestamp"), *taken])
    _forget_done(tx, raw)
    open_feeds(tx)
    tx.after_commit(wake)
    previous = held_raw[0] if held_raw else None
    return roster.changes(previous, raw, suites=tx.parts.suites)


def _with_enrolled(tx: Tx, trust: Trust) -> tuple[Trust, list[bytes]]:
    """`trust` with the announcements of requests whose party stands in it now, and these."""
    taken: list[bytes] = []
    known = {entry.party for entry in trust.parties}
    for row in tx.conn.execute(select(enrolments)).all():
        if row.party not in known:
            continue
        try:
            after = trust.with_announcement(row.announcement, tx.now_ms)
        except TrustError as error:
            _log.error("%s: %s", row.party, error)
            quarantine.keep(tx, row.announcement, error, row.party)
        else:
            if after is not trust:
                taken.append(row.announcement)
            trust = after
        tx.conn.execute(delete(enrolments).where(enrolments.c.party == row.party))
    return trust, taken


def _forget_done(tx: Tx, raw: bytes) -> None:
    """Drop the proposals that this directory carries out."""
    parties = {e.party: e for e in read_body(read_document(raw, "directory"), Directory).parties}
    for row in tx.conn.execute(select(pending)).all():
        wanted, found = decode(row.entry, PartyEntry), parties.get(row.party)
        if found is not None and found == replace(wanted, since_ms=found.since_ms):
            tx.conn.execute(delete(pending).where(pending.c.party == row.party))


# --- letters ------------------------------------------------------------------------------------


def answer_ask(tx: Tx, opened: Opened[Shape]) -> None:
    """A member asks what it lacks: everything when its directory is older, else what changes
    between directories."""
    ask = as_body(opened, TrustAsk).body
    kinds = ["timestamp", "announcement"]
    if ask.version < tx.trust.directory_version:
        kinds += ["root", "directory"]
    for found in _updates(documents(tx.trust, *kinds)):
        send(
            tx,
            opened.header.sender,
            found,
            kind=kind_named("trust.answer"),
            causation=opened.header.id,
        )


def take_announcement(tx: Tx, opened: Opened[Shape]) -> None:
    """A member's own statement, for all. Raises TrustAnnouncement and other TrustErrors."""
    raw, sender = as_body(opened, Announce).body.document, opened.header.sender
    record = tx.trust.signing_key(signing_key_id(read_document(raw, "announcement")))
    if record is None or record.party != sender:
        raise TrustAnnouncement(party=sender, detail="another party signed it")
    after = tx.trust.with_announcement(raw, tx.now_ms)
    if after is not tx.trust:
        adopt(tx, after, [*documents(after, "timestamp"), raw])


def body_in_force(trust: Trust) -> Directory:
    body = trust.directory_body
    if body is None:
        raise TrustExpired(document="directory", expired="-")
    return body
