"""Members: tokens, admission, suspension, welcome. What is decided here waits for the registrars:
nobody is in, out or back before a directory that they signed says so.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace
from sqlalchemy import delete, select, update

from ortoo_hub import directory, roster
from ortoo_hub.store.tables import enrolments, members, pending, tokens
from ortoo_protocol.core import enrolment
from ortoo_protocol.core.announcement import Announcement
from ortoo_protocol.core.codec import decode, encode
from ortoo_protocol.core.directory import DAY_MS, PartyEntry, PublicKey, Status, document_hash
from ortoo_protocol.core.directory import read_document as read_signed
from ortoo_protocol.core.enrolment import Broker, EnrolmentRequest
from ortoo_protocol.core.errors import (
    CodecIdentifier,
    TrustAnnouncement,
    TrustMalformed,
    TrustRequestPin,
    TrustToken,
    TrustUnknownParty,
)
from ortoo_protocol.core.ids import check_party, is_hub
from ortoo_protocol.core.topology import rabbit_password_hash
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import upsert

TOKEN_BYTES = 18
PASSWORD_BYTES = 32
SALT_BYTES = 4


def make_token(tx: Tx, party: str, days: int) -> tuple[str, int]:
    """A one-time token, and when it ends. Only its hash is kept."""
    if is_hub(check_party(party)):
        raise CodecIdentifier(value=party, expected="station's party id")
    token = _secret(tx, TOKEN_BYTES)
    expires_ms = tx.now_ms + days * DAY_MS
    row = {
        "hash": tx.suite.hash(token.encode()),
        "party": party,
        "expires_ms": expires_ms,
        "used_by": None,
    }
    tx.conn.execute(delete(tokens).where(tokens.c.expires_ms < tx.now_ms))
    upsert(tx.conn, tokens, [row])
    return token, expires_ms


# --- admission ----------------------------------------------------------------------------------


def admit(tx: Tx, raw: bytes, compared: str) -> tuple[PartyEntry, Announcement]:
    """Take a request into the next directory: 1 the fingerprint that two people compared, 2 the
    proofs of possession, 3 the token, 4 the departments.

    Raises TrustRequestPin, TrustProof, TrustToken, TrustAnnouncement. The same request may come
    twice.
    """
    suites, trust = tx.parts.suites, tx.trust
    # 1
    found = enrolment.fingerprint_of(raw, plane=tx.plane, suites=suites)
    if found.replace(" ", "") != "".join(compared.split()).lower():
        raise TrustRequestPin(found=found, expected=compared)
    # 2
    request, announcement = enrolment.read_request(
        raw, plane=tx.plane, suites=suites, allowed=trust.suites
    )
    # 3
    signed = read_signed(raw, "enrolment")
    named = document_hash(suites.get(signed.suite), tx.plane, "enrolment", signed.body)
    _use_token(tx, request, named)
    # 4
    if len(request.announcement) > directory.MAX_UPDATE_BYTES:
        detail = f"{len(request.announcement)} bytes, which no message holds"
        raise TrustAnnouncement(party=request.party, detail=detail)
    _check_departments(tx, announcement)
    entry = _entry_of(tx, request)
    _propose(tx, entry)
    row = {
        "party": request.party,
        "announcement": request.announcement,
        "admitted_ms": tx.now_ms,
    }
    upsert(tx.conn, enrolments, [row])
    return entry, announcement


def _use_token(tx: Tx, request: EnrolmentRequest, named: bytes) -> None:
    here = tokens.c.hash == tx.suite.hash(request.token.encode())
    row = tx.conn.execute(select(tokens).where(here)).first()
    if row is None or row.party != request.party or row.expires_ms < tx.now_ms:
        raise TrustToken()
    if row.used_by is not None and row.used_by != named:
        raise TrustToken()
    tx.conn.execute(update(tokens).where(here).values(used_by=named))


def _check_departments(tx: Tx, announcement: Announcement) -> None:
    codes = {department.code for department in announcement.departments}
    for entry in tx.trust.parties:
        if entry.party != announcement.party and codes & set(tx.trust.departments(entry.party)):
            detail = f"{entry.party} announced a department of it already"
            raise TrustAnnouncement(party=announcement.party, detail=detail)


def _entry_of(tx: Tx, request: EnrolmentRequest) -> PartyEntry:
    """A new member; or one that lost its keys and is known: the new key stands beside the old
    without its signature, so that providers' people look at it."""
    entry = roster.new_entry(request, parent=tx.trust.hub, now_ms=tx.now_ms)
    try:
        known = tx.trust.party(request.party)
    except TrustUnknownParty:
        return entry
    if known.status == "revoked":
        return entry
    active = replace(known, name=request.name, status="active", reason="")
    if request.signing_public in {key.public for key in known.keys}:
        return active
    key = PublicKey(request.suite, request.signing_public)
    return roster.with_next_key([active], request.party, key, b"", now_ms=tx.now_ms)[0]


def _propose(tx: Tx, entry: PartyEntry) -> None:
    upsert(tx.conn, pending, [{"party": entry.party, "entry": encode(entry)}])


def set_status(tx: Tx, party: str, status: Status, reason: str) -> PartyEntry:
    """Suspend, restore or revoke `party` in the next directory. Raises TrustUnknownParty,
    TrustMalformed (no reason, or it is revoked, or it is the hub)."""
    if party == tx.party:
        raise TrustMalformed(document="directory", detail="the hub cannot be suspended")
    if not reason.strip():
        raise TrustMalformed(document="directory", detail=f"no reason is given for {party}")
    changed = roster.with_status(directory.next_parties(tx), party, status, reason, tx.now_ms)
    entry = next(each for each in changed if each.party == party)
    _propose(tx, entry)
    return entry


def compromise(tx: Tx, party: str, since_ms: int) -> PartyEntry:
    """The next directory says that others may have had the signing keys of `party` since then: all
    that were in force at that time or later. It enrols anew, and gets a key beside them.

    Raises TrustUnknownParty, TrustMalformed (in our future, before all its keys, or the hub: whose
    keys are replaced by the root's holders).
    """
    if party == tx.party:
        raise TrustMalformed(document="directory", detail="the hub's keys are the root's affair")
    if since_ms > tx.now_ms:
        raise TrustMalformed(document="directory", detail="the time lies ahead")
    entries = directory.next_parties(tx)
    known = next((each for each in entries if each.party == party), None)
    if known is None:
        raise TrustUnknownParty(party=party)
    touched = [key.public for key in known.keys if key.until_ms > since_ms]
    if not touched:
        raise TrustMalformed(document="directory", detail=f"{party} had no key then or later")
    for public in touched:
        entries = roster.with_compromised_key(entries, party, public, since_ms)
    entry = next(each for each in entries if each.party == party)
    _propose(tx, entry)
    return entry


def pending_entries(tx: Tx) -> dict[str, PartyEntry]:
    rows = tx.conn.execute(select(pending)).all()
    return {row.party: decode(row.entry, PartyEntry) for row in rows}


# --- users of the broker ------------------------------------------------------------------------


@dataclass(frozen=True)
class Road:
    """How members reach the plane's broker."""

    host: str
    port: int
    vhost: str
    ca_pem: str


def welcome(tx: Tx, party: str, road: Road, wake: Callable[[], None]) -> bytes:
    """The welcome of an admitted member, with a new password for the broker. An earlier one stops
    working. Raises TrustUnknownParty, TrustAnnouncement."""
    if party == tx.party:
        raise TrustUnknownParty(party=party)
    to = tx.trust.recipient(party, tx.now_ms)
    password = _secret(tx, PASSWORD_BYTES)
    keep_user(tx, party, password)
    tx.after_commit(wake)
    identity = tx.parts.identity
    return enrolment.make_welcome(
        party=party,
        to=to,
        trust=tx.trust,
        broker=Broker(road.host, road.port, road.vhost, party, password, road.ca_pem),
        signer=identity.signer,
        suite=identity.suite,
        rand=tx.parts.rand,
    )


def keep_own_user(tx: Tx, password: str) -> None:
    """The hub's own user has the password that its settings name."""
    row = tx.conn.execute(
        select(members.c.password_hash).where(members.c.party == tx.party)
    ).scalar()
    if row is None or row != rabbit_password_hash(password, _salt_of(row)):
        keep_user(tx, tx.party, password)


def keep_user(tx: Tx, party: str, password: str) -> None:
    """From the router's next pass on `party` comes in with `password`."""
    hashed = rabbit_password_hash(password, tx.parts.rand(SALT_BYTES))
    row = {"party": party, "password_hash": hashed, "since_ms": tx.now_ms}
    upsert(tx.conn, members, [row])


def _secret(tx: Tx, size_bytes: int) -> str:
    return base64.urlsafe_b64encode(tx.parts.rand(size_bytes)).decode().rstrip("=")


def _salt_of(password_hash: str) -> bytes:
    return base64.b64decode(password_hash)[:SALT_BYTES]
