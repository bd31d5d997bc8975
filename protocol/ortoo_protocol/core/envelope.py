"""The envelope: what travels, byte for byte (SPEC.md, chapter 4).

::

    0   magic "ORTO"            4    u8  version (1)
    5   u8  suite               6    u8  plane          7   u8 zero
    8   u16 header length      10    u32 body length   14   signing key id (16)
    30  header (msgpack array) ‖ nonce ‖ body hash ‖ signature ‖ body

Signed is ``domain("ortoo/envelope", plane, everything before the signature)``. What is sent is
what was signed; what is received is verified as received and parsed afterwards, never encoded
again.

Encrypt then sign lets the hub verify without reading. Alone it would let an attacker strip the
signature and sign the ciphertext as his own, or make one ciphertext that opens differently under
two keys. So prefix and header (sender, destination, key ids) are the AEAD's associated data and
the KDF's context, and a commitment to the key and one to the plaintext stand in the signed header.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from ortoo_protocol.core import frames
from ortoo_protocol.core.codec import Packed, encode
from ortoo_protocol.core.errors import EnvelopeLengths, EnvelopeMagic, EnvelopePlane, EnvelopeSize
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import KEY_ID_BYTES, Random, Signer, Suite, Suites, domain

MAGIC = b"ORTO"
VERSION = 1
PREFIX_BYTES = 30
MAX_HEADER_BYTES = 4_096
MAX_BODY_BYTES = frames.MAX_CONTENT_BYTES + (64 << 10)
MAX_WRAPS = 2
FLAG_ZSTD = 1
CONTENT = "ortoo/1"  # how the body is framed; the only form there is


class Wrap(Packed, frozen=True):
    """The content key, sealed to one recipient key."""

    key_id: bytes
    wrapped: bytes


class Position(Packed, frozen=True):
    """Where an item stands in its feed; `previous` is the item hash before it."""

    incarnation: int
    seq: int
    previous: bytes


class Header(Packed, frozen=True):
    """What everyone on the way may read. Times in ms since 1970; expires_ms 0 is never."""

    id: bytes
    kind: str
    sender: str
    destination: str
    wraps: tuple[Wrap, ...]
    epoch: int | None
    position: Position | None
    created_ms: int
    expires_ms: int
    case: str | None
    causation: bytes | None
    directory_version: int
    directory_hash: bytes
    content: str
    flags: int
    key_commitment: bytes | None
    plaintext_commitment: bytes | None


@dataclass(frozen=True)
class Recipient:
    """A party's public encryption key of one epoch."""

    key_id: bytes
    public: bytes


@dataclass(frozen=True)
class ToAll:
    """Open: signed, readable by every member of the plane."""


@dataclass(frozen=True)
class ToParties:
    """Sealed to one party, or notarised: to the peer and the hub (two wraps of one key)."""

    recipients: tuple[Recipient, ...]


@dataclass(frozen=True)
class ContentKey:
    """A content key and what it is wrapped to, to be used for several letters to the same parties:
    each body has a key of its own all the same (`body_key`), and each header its commitment."""

    key: bytes = field(repr=False)
    wraps: tuple[Wrap, ...]


@dataclass(frozen=True)
class ToReaders:
    """Sealed once for every reader who holds the feed's key of `epoch`."""

    epoch: int
    key: bytes


Protection = ToAll | ToParties | ContentKey | ToReaders


def wrap_to(to: ToParties, suite: Suite, rand: Random) -> ContentKey:
    """A fresh content key for these recipients."""
    key = rand(suite.key_bytes)
    wraps = tuple(
        Wrap(each.key_id, suite.wrap(each.public, key, rand(suite.seed_bytes)))
        for each in to.recipients
    )
    return ContentKey(key, wraps)


@dataclass(frozen=True)
class Draft:
    """What the maker decides; the rest of the header follows from the protection."""

    id: bytes
    kind: str
    sender: str
    destination: str
    created_ms: int
    expires_ms: int
    directory_version: int
    directory_hash: bytes
    content: str
    case: str | None = None
    causation: bytes | None = None
    position: Position | None = None


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """An envelope taken apart by lengths only: nothing in it is verified yet."""

    raw: bytes
    suite: Suite
    plane: Plane
    key_id: bytes
    header: bytes
    nonce: bytes
    body_hash: bytes
    signature: bytes
    body: bytes
    signed_bytes: int

    @property
    def signed(self) -> bytes:
        """What the signature covers."""
        return domain("ortoo/envelope", self.plane, self.raw[: self.signed_bytes])

    @property
    def associated(self) -> bytes:
        """Prefix and header: the AEAD's associated data."""
        return self.raw[: PREFIX_BYTES + len(self.header)]


def envelope_hash(envelope: Envelope) -> bytes:
    """Names these very bytes: in receipts, chains and journals. The body counts by its hash, so a
    body can be erased and the chain still proves."""
    return envelope.suite.hash(
        domain("ortoo/envelope-hash", envelope.plane, envelope.raw[: envelope.signed_bytes])
    )


def _key_context(label: str, plane: Plane, header: Header) -> bytes:
    position = header.position
    return domain(
        label,
        plane,
        header.id,
        header.kind.encode(),
        header.sender.encode(),
        header.destination.encode(),
        b"" if header.epoch is None else header.epoch.to_bytes(8, "big"),
        b"" if position is None else position.incarnation.to_bytes(8, "big"),
        b"" if position is None else position.seq.to_bytes(8, "big"),
        *(wrap.key_id for wrap in header.wraps),
    )


def body_key(suite: Suite, plane: Plane, header: Header, content_key: bytes) -> bytes:
    """The AEAD key of this one body, from the wrapped key or the feed's key."""
    return suite.kdf(content_key, _key_context("ortoo/body-key", plane, header), suite.key_bytes)


def key_commitment(suite: Suite, plane: Plane, header: Header, content_key: bytes) -> bytes:
    """Binds the header to one content key (XChaCha20-Poly1305 alone does not)."""
    context = _key_context("ortoo/key-commitment", plane, header)
    return suite.kdf(content_key, context, suite.hash_bytes)


def build(
    draft: Draft,
    parts: Sequence[bytes],
    protection: Protection,
    *,
    suite: Suite,
    plane: Plane,
    signer: Signer,
    signing_key_id: bytes,
    rand: Random,
) -> bytes:
    """Make the envelope of `draft` with `parts` as content. Raises EnvelopeSize."""
    stored, packed = frames.compress(frames.frame(parts))
    secret = key = b""
    wraps: tuple[Wrap, ...] = ()
    epoch = None
    if isinstance(protection, ToParties):
        protection = wrap_to(protection, suite, rand)
    if isinstance(protection, ContentKey):
        key, wraps = protection.key, protection.wraps
    elif isinstance(protection, ToReaders):
        key, epoch = protection.key, protection.epoch
    if key:
        secret = rand(suite.key_bytes)
    header = Header(
        draft.id,
        draft.kind,
        draft.sender,
        draft.destination,
        wraps,
        epoch,
        draft.position,
        draft.created_ms,
        draft.expires_ms,
        draft.case,
        draft.causation,
        draft.directory_version,
        draft.directory_hash,
        draft.content,
        FLAG_ZSTD if packed else 0,
        None,
        frames.commitment(suite, plane, secret, parts) if key else None,
    )
    if not key:
        nonce = bytes(suite.nonce_bytes)
        return _assemble(header, nonce, stored, None, suite, plane, signer, signing_key_id)
    text = frames.pad(secret, stored, tag_bytes=suite.tag_bytes, to_bucket=bool(wraps))
    nonce = rand(suite.nonce_bytes)
    return _assemble(header, nonce, text, key, suite, plane, signer, signing_key_id)


def _assemble(
    header: Header,
    nonce: bytes,
    text: bytes,
    key: bytes | None,
    suite: Suite,
    plane: Plane,
    signer: Signer,
    signing_key_id: bytes,
) -> bytes:
    if key is not None:
        commitment = key_commitment(suite, plane, header, key)
        header = msgspec.structs.replace(header, key_commitment=commitment)
    header_bytes = encode(header)
    body_bytes = len(text) + (suite.tag_bytes if key is not None else 0)
    if len(header_bytes) > MAX_HEADER_BYTES or body_bytes > MAX_BODY_BYTES:
        raise EnvelopeSize(size_bytes=body_bytes)
    associated = (
        MAGIC
        + bytes((VERSION, suite.number, plane.byte, 0))
        + len(header_bytes).to_bytes(2, "big")
        + body_bytes.to_bytes(4, "big")
        + signing_key_id
        + header_bytes
    )
    body = text
    if key is not None:
        body = suite.seal(body_key(suite, plane, header, key), nonce, associated, text)
    unsigned = associated + nonce + suite.hash(body)
    return unsigned + signer.sign(domain("ortoo/envelope", plane, unsigned)) + body


def split(raw: bytes, *, suites: Suites, plane: Plane) -> Envelope:
    """Take `raw` apart by its lengths. Verifies nothing (verify.py does).

    Raises EnvelopeMagic, EnvelopePlane, KeysSuiteUnknown, EnvelopeLengths, EnvelopeSize.
    """
    if len(raw) < PREFIX_BYTES:
        raise EnvelopeLengths(detail=f"{len(raw)} bytes are shorter than a prefix")
    if raw[:4] != MAGIC or raw[4] != VERSION or raw[7] != 0:
        raise EnvelopeMagic()
    if raw[6] != plane.byte:
        raise EnvelopePlane()
    suite = suites.get(raw[5])
    header_bytes = int.from_bytes(raw[8:10], "big")
    body_bytes = int.from_bytes(raw[10:14], "big")
    if header_bytes > MAX_HEADER_BYTES or body_bytes > MAX_BODY_BYTES:
        raise EnvelopeSize(size_bytes=body_bytes)
    header_end = PREFIX_BYTES + header_bytes
    nonce_end = header_end + suite.nonce_bytes
    signed_end = nonce_end + suite.hash_bytes
    signature_end = signed_end + suite.signature_bytes
    if signature_end + body_bytes != len(raw):
        raise EnvelopeLengths(detail=f"{len(raw)} bytes, {signature_end + body_bytes} announced")
    return Envelope(
        raw=raw,
        suite=suite,
        plane=plane,
        key_id=raw[14 : 14 + KEY_ID_BYTES],
        header=raw[PREFIX_BYTES:header_end],
        nonce=raw[header_end:nonce_end],
        body_hash=raw[nonce_end:signed_end],
        signature=raw[signed_end:signature_end],
        body=raw[signature_end:],
        signed_bytes=signed_end,
    )
