"""How a party comes in: its request, and the hub's answer to it.

The request proves that whoever made it holds the signing key it asks to enrol, on this plane, for
this party and with this token, and carries the first announcement, signed by the same key. Two
people compare its fingerprint by telephone; what they compare covers the encryption keys too. The
registrars then sign a directory with that key.

The welcome brings everything a first start needs. The new party believes the root because of a
fingerprint that it got apart from it, the directory because of the root, and the welcome because
the directory says who the hub is. The broker's password is sealed to the party's encryption key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ortoo_protocol.core.announcement import Announcement, read_announcement, signing_key_id
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.directory import (
    MAX_NAME_CHARACTERS,
    PublicKey,
    need,
    read_body,
    read_document,
    sign_document,
    valid_signatures,
)
from ortoo_protocol.core.envelope import Recipient
from ortoo_protocol.core.errors import (
    TrustAnnouncement,
    TrustMalformed,
    TrustProof,
    TrustSuite,
    TrustWelcome,
)
from ortoo_protocol.core.ids import Plane, check_party
from ortoo_protocol.core.keys import Random, Signer, Suite, Suites, domain, fingerprint
from ortoo_protocol.core.trust import Trust


class EnrolmentRequest(Shape, frozen=True, kw_only=True):
    """`announcement`: the signed document. `token`: one-time, from the region's people."""

    party: str
    name: str
    token: str
    suite: int
    signing_public: bytes
    announcement: bytes


def make_request(
    *,
    party: str,
    name: str,
    token: str,
    announcement: bytes,
    signer: Signer,
    suite: Suite,
    plane: Plane,
) -> bytes:
    """`announcement` is from make_announcement with the same signer."""
    request = EnrolmentRequest(
        party=party,
        name=name,
        token=token,
        suite=suite.number,
        signing_public=signer.public,
        announcement=announcement,
    )
    return sign_document("enrolment", request, suite=suite, plane=plane, signers=[signer])


def read_request(
    raw: bytes, *, plane: Plane, suites: Suites, allowed: Sequence[int]
) -> tuple[EnrolmentRequest, Announcement]:
    """A request whose maker holds its keys; whether the token is good is the hub's to say.

    1 form and suite, 2 the key, 3 the proof, 4 the announcement. Raises TrustMalformed, TrustSuite,
    KeysMalformed, TrustProof, CodecIdentifier.
    """
    # 1
    document = read_document(raw, "enrolment")
    request = read_body(document, EnrolmentRequest)
    if request.suite not in allowed or document.suite != request.suite:
        raise TrustSuite(document="enrolment", suite=document.suite)
    check_party(request.party)
    named = 0 < len(request.name) <= MAX_NAME_CHARACTERS
    need(named, "enrolment", "the name is missing or too long")
    # 2
    suite = suites.get(request.suite)
    suite.check_signing_public(request.signing_public)
    # 3
    key = PublicKey(request.suite, request.signing_public)
    if valid_signatures(document, [key], plane=plane, suites=suites) != 1:
        raise TrustProof(party=request.party)
    # 4
    try:
        announcement = read_announcement(
            request.announcement,
            request.signing_public,
            request.party,
            suite=suite,
            plane=plane,
        )
    except TrustAnnouncement as error:
        raise TrustProof(party=request.party) from error
    return request, announcement


def fingerprint_of(raw: bytes, *, plane: Plane, suites: Suites) -> str:
    """Of a request: covers party, name, token, signing key and announcement."""
    document = read_document(raw, "enrolment")
    return fingerprint(suites.get(document.suite), plane, document.body)


class Welcome(Shape, frozen=True, kw_only=True):
    """Root to announcements are signed documents; `port` is the broker's for AMQP over TLS."""

    party: str
    root: bytes
    directory: bytes
    timestamp: bytes
    announcements: tuple[bytes, ...]
    host: str
    port: int
    vhost: str
    user: str
    key_id: bytes
    password_key: bytes
    password: bytes
    ca_pem: str


@dataclass(frozen=True)
class Broker:
    """How to reach the plane's broker. `password` never shows in a repr."""

    host: str
    port: int
    vhost: str
    user: str
    password: str = field(repr=False)
    ca_pem: str = field(repr=False)


def make_welcome(
    *,
    party: str,
    to: Recipient,
    trust: Trust,
    broker: Broker,
    signer: Signer,
    suite: Suite,
    rand: Random,
) -> bytes:
    """The hub's answer. `trust` holds directory and timestamp; `to` is the party's key in it."""
    kinds: dict[str, list[bytes]] = {}
    for raw in trust.documents():
        kinds.setdefault(read_document(raw).type, []).append(raw)
    need("timestamp" in kinds, "welcome", "a directory or a timestamp is missing")
    key = rand(suite.key_bytes)
    nonce = rand(suite.nonce_bytes)
    context = _context(trust.plane, party, to.key_id)
    sealed = suite.seal(
        _password_key(suite, key, context), nonce, context, broker.password.encode()
    )
    welcome = Welcome(
        party=party,
        root=kinds["root"][-1],
        directory=kinds["directory"][0],
        timestamp=kinds["timestamp"][0],
        announcements=tuple(kinds.get("announcement", ())),
        host=broker.host,
        port=broker.port,
        vhost=broker.vhost,
        user=broker.user,
        key_id=to.key_id,
        password_key=suite.wrap(to.public, key, rand(suite.seed_bytes)),
        password=nonce + sealed,
        ca_pem=broker.ca_pem,
    )
    return sign_document("welcome", welcome, suite=suite, plane=trust.plane, signers=[signer])


def open_welcome(
    raw: bytes,
    *,
    party: str,
    wrap_seed: bytes,
    fingerprint: str,
    plane: Plane,
    suites: Suites,
    now_ms: int,
) -> tuple[Trust, Broker]:
    """What the hub sent to `party`, believed from the root's `fingerprint` on.

    1 root and directory, 2 the hub's signature, 3 addressed to us and we stand in the directory,
    4 the rest, as of the day it was made, 5 the password. Raises what Trust raises, TrustProof
    (not signed by the hub, not for us), KeysRefused.
    """
    document = read_document(raw, "welcome")
    welcome = read_body(document, Welcome)
    # 1
    trust = Trust.pin(
        welcome.root, fingerprint=fingerprint, plane=plane, suites=suites, now_ms=now_ms
    ).with_directory(welcome.directory, now_ms)
    # 2
    record = trust.signing_key(signing_key_id(document))
    if record is None or record.party != trust.hub or not record.valid_at(now_ms):
        raise TrustProof(party=trust.hub)
    key = PublicKey(record.suite, record.public)
    if valid_signatures(document, [key], plane=plane, suites=suites) != 1:
        raise TrustProof(party=trust.hub)
    # 3
    if welcome.party != party:
        raise TrustWelcome(found=welcome.party, party=party)
    trust.party(party)
    # 4
    rest = (welcome.timestamp, *welcome.announcements)
    trust = Trust.restore((*trust.documents(), *rest), plane=plane, suites=suites)
    # 5
    suite = suites.get(document.suite)
    context = _context(plane, party, welcome.key_id)
    wrapped = suite.unwrap(wrap_seed, welcome.password_key)
    nonce, sealed = welcome.password[: suite.nonce_bytes], welcome.password[suite.nonce_bytes :]
    opened = suite.open(_password_key(suite, wrapped, context), nonce, context, sealed)
    try:
        password = opened.decode()
    except UnicodeDecodeError:
        raise TrustMalformed(document="welcome", detail="the password is no text") from None
    broker = Broker(
        welcome.host, welcome.port, welcome.vhost, welcome.user, password, welcome.ca_pem
    )
    return trust, broker


def _context(plane: Plane, party: str, key_id: bytes) -> bytes:
    return domain("ortoo/welcome-password", plane, party.encode("ascii"), key_id)


def _password_key(suite: Suite, key: bytes, context: bytes) -> bytes:
    return suite.kdf(key, context, suite.key_bytes)
