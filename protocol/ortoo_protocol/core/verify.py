"""Opening an envelope, step by step. Bytes in; a verified message or a named error out.

Verification (`verify`), in this order and no other:

1. lengths and magic           5. body hash
2. suite and plane             6. only now msgpack, exact types
3. signing key lookup          7. the sender owns the key, stands, and the key was valid
4. signature                   8. kind, class, sender's role, destination, size bucket
                               9. times

then the caller asks: authorised? not seen before? and opens (`open_content`):

10. content key    11. key commitment    12. AEAD    13. padding, bounded decompression, frames
14. plaintext commitment    15. the body has its kind's shape
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, cast

import msgspec

from ortoo_protocol.core import frames, messages
from ortoo_protocol.core.codec import Shape, decode, packed_decoder
from ortoo_protocol.core.commitment import commit
from ortoo_protocol.core.envelope import (
    CONTENT,
    FLAG_ZSTD,
    MAX_WRAPS,
    Envelope,
    Header,
    body_key,
    envelope_hash,
    split,
)
from ortoo_protocol.core.errors import (
    EnvelopeBodyHash,
    EnvelopeDestination,
    EnvelopeExpired,
    EnvelopeFuture,
    EnvelopeHeader,
    EnvelopeKeyCommitment,
    EnvelopeKeyRetired,
    EnvelopeKind,
    EnvelopeOpen,
    EnvelopePlaintextCommitment,
    EnvelopeRecipient,
    EnvelopeSender,
    EnvelopeSignature,
    EnvelopeSize,
    EnvelopeStanding,
    EnvelopeSuite,
    EnvelopeUnknownKey,
    FeedOwner,
    KeysRefused,
    KeysSuiteUnknown,
)
from ortoo_protocol.core.ids import (
    ENVELOPE_ID_BYTES,
    Plane,
    check_feed,
    check_hex_id,
    check_party,
    feed_owner,
    is_feed,
    is_hub,
)
from ortoo_protocol.core.keys import KEY_ID_BYTES, Suites
from ortoo_protocol.core.messages import Class, Kind, Route

FUTURE_MS = 3_600_000
decode_header = packed_decoder(Header, max_containers=8)
"""A header as it stands in an envelope or a journal row: its form alone, nothing is judged."""
_MAX_TEXT = 64
_MAX_INT = 1 << 53
B = TypeVar("B", bound=Shape)


class KeyRecord(Protocol):
    """What the directory says of a signing key (trust.KeyRecord)."""

    @property
    def party(self) -> str: ...
    @property
    def suite(self) -> int: ...
    @property
    def public(self) -> bytes: ...
    @property
    def from_ms(self) -> int: ...
    @property
    def until_ms(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def compromised_since_ms(self) -> int | None: ...


class Keys(Protocol):
    """Where signing keys are looked up: the verified directory."""

    @property
    def suites(self) -> tuple[int, ...]: ...

    def signing_key(self, key_id: bytes) -> KeyRecord | None: ...


class Message(msgspec.Struct, frozen=True):
    """A verified envelope: its signature, sender, kind and times hold; its body may be sealed."""

    envelope: Envelope
    header: Header
    kind: Kind
    hash: bytes


@dataclass(frozen=True)
class Opened(Generic[B]):
    """A message and its content: the body, and the further parts (rows) as bytes. `secret`: what
    the salts of its plaintext commitment are made from."""

    message: Message
    body: B
    body_bytes: bytes
    rows: tuple[bytes, ...]
    secret: bytes = field(default=b"", repr=False)

    @property
    def header(self) -> Header:
        return self.message.header


def verify(
    raw: bytes,
    *,
    suites: Suites,
    plane: Plane,
    keys: Keys,
    now_ms: int,
) -> Message:
    """Steps 1 to 9 of the module docstring. Raises the EnvelopeError of the first that fails."""
    try:
        envelope = split(raw, suites=suites, plane=plane)  # 1, 2
    except KeysSuiteUnknown as error:
        raise EnvelopeSuite(**error.facts) from None
    if envelope.suite.number not in keys.suites:
        raise EnvelopeSuite(suite=envelope.suite.number)
    record = keys.signing_key(envelope.key_id)  # 3
    if record is None:
        raise EnvelopeUnknownKey(key_id=envelope.key_id.hex())
    if record.suite != envelope.suite.number:  # a key serves the suite it was enrolled for
        raise EnvelopeSuite(suite=envelope.suite.number)
    try:
        envelope.suite.verify(record.public, envelope.signed, envelope.signature)  # 4
    except KeysRefused:
        raise EnvelopeSignature() from None
    if envelope.suite.hash(envelope.hashed) != envelope.body_hash:  # 5
        raise EnvelopeBodyHash()
    header = read_header(envelope)  # 6
    _check_sender(header, record)  # 7
    kind = _check_kind(header, envelope)  # 8
    if header.expires_ms and header.expires_ms < now_ms:  # 9
        raise EnvelopeExpired()
    if header.created_ms > now_ms + FUTURE_MS:
        raise EnvelopeFuture(ahead_s=(header.created_ms - now_ms) // 1000)
    return Message(envelope, header, kind, envelope_hash(envelope))


def read_header(envelope: Envelope) -> Header:
    """The header with every field in its range. Unverified unless `verify` called it."""
    header = decode_header(envelope.header)
    suite = envelope.suite
    if len(header.kind) > _MAX_TEXT:
        raise EnvelopeHeader(detail="the kind is too long")
    if header.content != CONTENT:
        raise EnvelopeHeader(detail="the content is in no known form")
    if len(header.id) != ENVELOPE_ID_BYTES:
        raise EnvelopeHeader(detail="id")
    if header.causation is not None and len(header.causation) != ENVELOPE_ID_BYTES:
        raise EnvelopeHeader(detail="causation")
    if header.case is not None:
        check_hex_id(header.case)
    if len(header.directory_hash) not in (0, suite.hash_bytes):
        raise EnvelopeHeader(detail="directory hash")
    check_party(header.sender)
    (check_feed if is_feed(header.destination) else check_party)(header.destination)
    numbers = [header.created_ms, header.expires_ms, header.directory_version, header.epoch or 0]
    if header.position is not None:
        numbers += [header.position.incarnation - 1, header.position.seq - 1]
        if len(header.position.previous) != suite.hash_bytes:
            raise EnvelopeHeader(detail="previous hash")
    if any(not 0 <= number < _MAX_INT for number in numbers):
        raise EnvelopeHeader(detail="a number is out of range")
    if header.flags not in (0, FLAG_ZSTD):
        raise EnvelopeHeader(detail="unknown flags")
    if len(header.wraps) > MAX_WRAPS or any(
        len(wrap.key_id) != KEY_ID_BYTES or len(wrap.wrapped) != suite.wrapped_bytes
        for wrap in header.wraps
    ):
        raise EnvelopeHeader(detail="wraps")
    if len({wrap.key_id for wrap in header.wraps}) != len(header.wraps):
        raise EnvelopeHeader(detail="two wraps for one key")
    for value in (header.key_commitment, header.plaintext_commitment):
        if value is not None and len(value) != suite.hash_bytes:
            raise EnvelopeHeader(detail="commitment")
    return header


def _check_sender(header: Header, record: KeyRecord) -> None:
    if header.sender != record.party:
        raise EnvelopeSender(sender=header.sender, owner=record.party)
    if record.status != "active":
        raise EnvelopeStanding(sender=header.sender, status=record.status)
    if not record.from_ms <= header.created_ms < record.until_ms:
        raise EnvelopeKeyRetired(sender=header.sender)
    if record.compromised_since_ms is not None and header.created_ms >= record.compromised_since_ms:
        raise EnvelopeKeyRetired(sender=header.sender)


def _check_kind(header: Header, envelope: Envelope) -> Kind:
    kind = messages.kind_named(header.kind)
    if header.sender[0] not in kind.senders:
        raise EnvelopeKind(kind=kind.name, detail=f"not for {header.sender} to send")
    on_feed = kind.route is Route.FEED
    if on_feed != is_feed(header.destination) or kind.item != (header.position is not None):
        raise EnvelopeKind(kind=kind.name, detail="feed and letter are mixed up")
    if on_feed and feed_owner(header.destination) != header.sender:
        raise FeedOwner(sender=header.sender, feed=header.destination)
    sealed = header.key_commitment is not None
    _check_form(header, kind, envelope)
    if sealed != (kind.cls is not Class.OPEN):
        raise EnvelopeKind(kind=kind.name, detail="sealed and open are mixed up")
    if len(header.wraps) != _wraps(kind, header):
        raise EnvelopeKind(kind=kind.name, detail=f"{len(header.wraps)} wraps")
    if (header.epoch is not None) != (sealed and on_feed):
        raise EnvelopeKind(kind=kind.name, detail="epoch")
    if header.wraps and frames.bucket(len(envelope.body)) != len(envelope.body):
        raise EnvelopeSize(size_bytes=len(envelope.body))
    if not sealed and any(envelope.nonce):
        raise EnvelopeHeader(detail="a nonce, and nothing is sealed")
    life_ms = header.expires_ms - header.created_ms
    if not on_feed and not 0 < life_ms <= messages.LETTER_LIFE_MS:
        # Ids are remembered as long as letters live: without an end each could be replayed once
        # its id was forgotten.
        raise EnvelopeHeader(detail="a letter lives 60 days at most")
    return kind


def _check_form(header: Header, kind: Kind, envelope: Envelope) -> None:
    """Only what is signed as a whole elsewhere may come lean: its sender could deny all else."""
    if envelope.lean != kind.lean:
        raise EnvelopeKind(kind=kind.name, detail="full and lean are mixed up")
    committed = header.key_commitment is not None and not envelope.lean
    if committed != (header.plaintext_commitment is not None):
        raise EnvelopeHeader(detail="one commitment without the other")


def _wraps(kind: Kind, header: Header) -> int:
    """How many keys the content key is sealed to. Notarised is to the peer and to the hub: a
    letter that only one of them could open would be a case without its authority."""
    if kind.cls is Class.OPEN or kind.route is Route.FEED:
        return 0
    by_hub = is_hub(header.sender) or is_hub(header.destination)
    alone = by_hub or header.destination == header.sender
    return 1 if kind.cls is Class.SEALED or alone else 2


def check_addressee(message: Message, party: str) -> None:
    """The letter is for `party`; the hub may also handle what it notarises or passes on."""
    destination = message.header.destination
    if is_feed(destination) or destination == party:
        return
    if is_hub(party) and message.kind.route is Route.HUB:
        return
    raise EnvelopeDestination(destination=destination)


def open_content(message: Message, content_key: Callable[[Header], bytes | None]) -> Opened[Shape]:
    """Steps 10 to 15. `content_key` finds the key that the header names, or None.

    Raises EnvelopeRecipient, EnvelopeKeyCommitment, EnvelopeOpen, EnvelopePadding, EnvelopeBomb,
    EnvelopeLengths, EnvelopePlaintextCommitment, CodecError.
    """
    envelope, header = message.envelope, message.header
    suite, plane = envelope.suite, envelope.plane
    secret, stored = b"", envelope.body
    if header.key_commitment is not None:
        try:
            key = content_key(header)  # 10
        except KeysRefused:
            raise EnvelopeOpen() from None
        if key is None:
            raise EnvelopeRecipient()
        keyed = body_key(suite, plane, header, (header.epoch, header.wraps), key)
        if keyed.commitment != header.key_commitment:  # 11
            raise EnvelopeKeyCommitment()
        try:  # 12
            text = (suite.open_lean if envelope.lean else suite.open)(
                keyed.key, envelope.nonce, envelope.associated, envelope.body
            )
        except KeysRefused:
            raise EnvelopeOpen() from None
        secret_bytes = 0 if envelope.lean else suite.key_bytes
        secret, stored = frames.unpad(text, secret_bytes=secret_bytes)  # 13
    content = frames.decompress(stored) if header.flags & FLAG_ZSTD else stored
    parts = frames.unframe(content)
    promised = header.plaintext_commitment
    if promised is not None and commit(suite, plane, secret, parts) != promised:  # 14
        raise EnvelopePlaintextCommitment()
    if not parts or (len(parts) > 1 and not message.kind.rows):  # 15
        raise EnvelopeHeader(detail=f"{len(parts)} parts in {message.kind.name}")
    body = decode(parts[0], message.kind.shape)
    return Opened(message, body, parts[0], parts[1:], secret)


def as_body(opened: Opened[Shape], shape: type[B]) -> Opened[B]:
    """The same message, typed by the shape that its kind's handler expects."""
    if not isinstance(opened.body, shape):
        raise EnvelopeKind(kind=opened.message.kind.name, detail=f"not a {shape.__name__}")
    return cast(Opened[B], opened)
