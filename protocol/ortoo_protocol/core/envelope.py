"""The envelope: what travels, byte for byte (SPEC.md, chapter 4).

::

    0   magic "ORTO"            4    u8  version (1)
    5   u8  suite               6    u8  plane          7   u8 form (0 full, 1 lean)
    8   u16 header length      10    u32 body length   14   signing key id (16)
    30  header (msgpack array) ‖ nonce ‖ body hash ‖ signature ‖ body

Signed is ``domain("ortoo/envelope", plane, everything before the signature)``. What is sent is
what was signed; what is received is verified as received and parsed afterwards, never encoded
again.

Encrypt then sign lets the hub verify without reading. Alone it would let an attacker strip the
signature and sign the ciphertext as his own, or make one ciphertext that opens differently under
two keys. So prefix and header (sender, destination, key ids) are the AEAD's associated data and
the KDF's context, and a commitment to the key and one to the plaintext stand in the signed header.

A **lean** body (`Kind.lean`) is hashed neither before nor after it is sealed: signed are the AEAD's
tag in its stead, and the commitment to the key under which that tag holds for one body only. So
nobody but who has the key could make another body of it, and he has no use for one: what all lean
bodies together have to be is signed elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from ortoo_protocol.core import frames
from ortoo_protocol.core.codec import Packed, encode
from ortoo_protocol.core.commitment import commit
from ortoo_protocol.core.errors import EnvelopeLengths, EnvelopeMagic, EnvelopePlane, EnvelopeSize
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import KEY_ID_BYTES, Random, Signer, Suite, Suites, domain, domains

MAGIC = b"ORTO"
VERSION = 1
PREFIX_BYTES = 30
MAX_HEADER_BYTES = 4_096
MAX_BODY_BYTES = frames.MAX_CONTENT_BYTES + (64 << 10)
MAX_WRAPS = 2
FLAG_ZSTD = 1
FULL, LEAN = 0, 1
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
Named = tuple[int | None, tuple[Wrap, ...]]
"""How a header names its content key: by the feed's epoch, or by whom it is wrapped to."""


def wrap_to(to: ToParties, suite: Suite, rand: Random) -> ContentKey:
    """A fresh content key for these recipients."""
    key = rand(suite.key_bytes)
    wraps = tuple(
        Wrap(each.key_id, suite.wrap(each.public, key, rand(suite.seed_bytes)))
        for each in to.recipients
    )
    return ContentKey(key, wraps)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What the maker decides; the rest of the header follows from the protection. `lean`: as its
    kind says."""

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
    lean: bool = False


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
    lean: bool

    @property
    def signed(self) -> bytes:
        """What the signature covers."""
        return domain("ortoo/envelope", self.plane, self.raw[: self.signed_bytes])

    @property
    def hashed(self) -> bytes:
        """What the body hash is of."""
        return self.body[-self.suite.tag_bytes :] if self.lean else self.body

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


class BodyKey(NamedTuple):
    """`key`: the AEAD key of this one body, from the wrapped key or the feed's key. `commitment`
    binds the header to one content key (XChaCha20-Poly1305 alone does not)."""

    key: bytes
    commitment: bytes


def _key_context(draft: Draft | Header, named: Named) -> tuple[bytes, ...]:
    """What the header says of itself and of the content key's name."""
    epoch, wraps = named
    position = draft.position
    return (
        draft.id,
        draft.kind.encode(),
        draft.sender.encode(),
        draft.destination.encode(),
        b"" if epoch is None else epoch.to_bytes(8, "big"),
        b"" if position is None else position.incarnation.to_bytes(8, "big"),
        b"" if position is None else position.seq.to_bytes(8, "big"),
        *(wrap.key_id for wrap in wraps),
    )


_KEYED = ("ortoo/body-key", "ortoo/key-commitment")


def body_key(
    suite: Suite, plane: Plane, draft: Draft | Header, named: Named, content_key: bytes
) -> BodyKey:
    key, commitment = domains(_KEYED, plane, *_key_context(draft, named))
    return BodyKey(
        suite.kdf(content_key, key, suite.key_bytes),
        suite.kdf(content_key, commitment, suite.hash_bytes),
    )


def key_commitment(suite: Suite, plane: Plane, header: Header, content_key: bytes) -> bytes:
    """What the header has to hold if its key is `content_key`."""
    return body_key(suite, plane, header, (header.epoch, header.wraps), content_key).commitment


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
    made, _ = make(
        draft,
        parts,
        protection,
        suite=suite,
        plane=plane,
        signer=signer,
        signing_key_id=signing_key_id,
        rand=rand,
    )
    return made.raw


def make(
    draft: Draft,
    parts: Sequence[bytes],
    protection: Protection,
    *,
    suite: Suite,
    plane: Plane,
    signer: Signer,
    signing_key_id: bytes,
    rand: Random,
) -> tuple[Envelope, Header]:
    """As `build`; what `split` and a look at the header would give."""
    stored, packed = frames.compress(frames.frame(parts))
    flags = FLAG_ZSTD if packed else 0
    if isinstance(protection, ToParties):
        protection = wrap_to(protection, suite, rand)
    if isinstance(protection, ToAll):
        header = _header(draft, (None, ()), flags, None, None)
        body, nonce = stored, bytes(suite.nonce_bytes)
        unsigned = _prefixed(encode(header), len(body), draft, suite, plane, signing_key_id) + nonce
    else:
        named: Named = (None, ())
        if isinstance(protection, ToReaders):
            named = protection.epoch, ()
        else:
            named = None, protection.wraps
        keyed = body_key(suite, plane, draft, named, protection.key)
        secret = b"" if draft.lean else rand(suite.key_bytes)
        nonce = rand(suite.nonce_bytes)
        promise = None if draft.lean else commit(suite, plane, secret, parts)
        header = _header(draft, named, flags, keyed.commitment, promise)
        to_bucket = bool(header.wraps)
        text = frames.pad(secret, stored, tag_bytes=suite.tag_bytes, to_bucket=to_bucket)
        body_bytes = len(text) + suite.tag_bytes
        associated = _prefixed(encode(header), body_bytes, draft, suite, plane, signing_key_id)
        seal = suite.seal_lean if draft.lean else suite.seal
        body = seal(keyed.key, nonce, associated, text)
        unsigned = associated + nonce
    body_hash = suite.hash(body[-suite.tag_bytes :] if draft.lean else body)
    unsigned += body_hash
    signature = signer.sign(domain("ortoo/envelope", plane, unsigned))
    envelope = Envelope(
        raw=b"".join((unsigned, signature, body)),
        suite=suite,
        plane=plane,
        key_id=signing_key_id,
        header=unsigned[PREFIX_BYTES : len(unsigned) - len(body_hash) - len(nonce)],
        nonce=nonce,
        body_hash=body_hash,
        signature=signature,
        body=body,
        signed_bytes=len(unsigned),
        lean=draft.lean,
    )
    return envelope, header


def _header(
    draft: Draft, named: Named, flags: int, commitment: bytes | None, promise: bytes | None
) -> Header:
    epoch, wraps = named
    return Header(
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
        flags,
        commitment,
        promise,
    )


def _prefixed(
    header: bytes, body_bytes: int, draft: Draft, suite: Suite, plane: Plane, signing_key_id: bytes
) -> bytes:
    if len(header) > MAX_HEADER_BYTES or body_bytes > MAX_BODY_BYTES:
        raise EnvelopeSize(size_bytes=body_bytes)
    return b"".join(
        (
            MAGIC,
            bytes((VERSION, suite.number, plane.byte, LEAN if draft.lean else FULL)),
            len(header).to_bytes(2, "big"),
            body_bytes.to_bytes(4, "big"),
            signing_key_id,
            header,
        )
    )


def split(raw: bytes, *, suites: Suites, plane: Plane) -> Envelope:
    """Take `raw` apart by its lengths. Verifies nothing (verify.py does).

    Raises EnvelopeMagic, EnvelopePlane, KeysSuiteUnknown, EnvelopeLengths, EnvelopeSize.
    """
    if len(raw) < PREFIX_BYTES:
        raise EnvelopeLengths(detail=f"{len(raw)} bytes are shorter than a prefix")
    if raw[:4] != MAGIC or raw[4] != VERSION or raw[7] not in (FULL, LEAN):
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
        lean=raw[7] == LEAN,
    )
