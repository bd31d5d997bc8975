"""Cryptographic suites and the strings they sign: the only place that knows which suite runs.

Every other module sees lengths as attributes of the suite it was handed and never as numbers.
One suite byte stands in each envelope; the root document of a plane lists which are allowed;
nothing is negotiated. All primitives fail with one error, KeysRefused: PyNaCl raises ValueError,
TypeError or CryptoError for the same thing, and a caller must not tell them apart.

Randomness is handed in as bytes, so that vectors can be made again and tests are repeatable.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import nacl.bindings as sodium
import nacl.exceptions
import nacl.pwhash.argon2id as argon2id

from ortoo_protocol.core.errors import KeysMalformed, KeysRefused, KeysSuiteUnknown
from ortoo_protocol.core.ids import Plane

KEY_ID_BYTES = 16
LONG_BYTES = 16 << 10  # from here on OpenSSL is the faster one (measured)
Random = Callable[[int], bytes]
_U32 = struct.Struct(">I").pack


def domain(label: str, plane: Plane, *parts: bytes) -> bytes:
    """The bytes that are signed or keyed: label, plane and parts, each with its length.

    ``"ORTOO1" ‖ u8 len(label) ‖ label ‖ u8 plane ‖ u16 count ‖ (u32 len ‖ part)*``, big-endian.
    No two different calls give the same bytes (no ambiguity between neighbouring parts).
    """
    return _domain_start(label, plane, len(parts)) + _domain_parts(parts)


def domains(labels: Iterable[str], plane: Plane, *parts: bytes) -> list[bytes]:
    """`domain` of each label and the same parts."""
    end = _domain_parts(parts)
    return [_domain_start(label, plane, len(parts)) + end for label in labels]


def _domain_parts(parts: Iterable[bytes]) -> bytes:
    return b"".join([piece for part in parts for piece in (_U32(len(part)), part)])


@lru_cache(maxsize=512)
def _domain_start(label: str, plane: Plane, count: int) -> bytes:
    name = label.encode("ascii")
    return b"".join(
        (b"ORTOO1", bytes((len(name),)), name, bytes((plane.byte,)), count.to_bytes(2, "big"))
    )


class Signer(Protocol):
    """Holds one private signing key; a crypto device can stand behind it."""

    @property
    def public(self) -> bytes: ...

    def sign(self, message: bytes) -> bytes: ...


class Suite(Protocol):
    """One set of algorithms. Lengths are in bytes. Failures raise KeysRefused."""

    @property
    def number(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def hash_bytes(self) -> int: ...
    @property
    def seed_bytes(self) -> int: ...
    @property
    def signature_bytes(self) -> int: ...
    @property
    def wrapped_bytes(self) -> int: ...
    @property
    def nonce_bytes(self) -> int: ...
    @property
    def key_bytes(self) -> int: ...
    @property
    def tag_bytes(self) -> int: ...
    @property
    def note_type(self) -> bytes:
        """Signature type for C2SP signed notes (0x01 is Ed25519)."""
        ...

    def hash(self, data: bytes) -> bytes: ...

    def hashes(self, datas: Iterable[bytes]) -> list[bytes]:
        """`hash` of each."""
        ...

    def xof(self, key: bytes, context: bytes, length: int) -> bytes:
        """As `kdf`, of any length: as long as many parts need it, and not for keys."""
        ...

    def kdf(self, key: bytes, context: bytes, length: int) -> bytes:
        """Up to 64 bytes bound to `key` and `context` (a `domain` string)."""
        ...

    def signer(self, seed: bytes) -> Signer: ...

    def verify(self, public: bytes, message: bytes, signature: bytes) -> None: ...

    def check_signing_public(self, public: bytes) -> None:
        """Refuse points that are not usable as a signing key (asked once, at enrolment)."""
        ...

    def wrap_public(self, seed: bytes) -> bytes:
        """The public encryption key of a private `seed`."""
        ...

    def wrap(self, public: bytes, key: bytes, seed: bytes) -> bytes:
        """Seal `key` to `public`; `seed` makes the one-time key and is never used again."""
        ...

    def unwrap(self, seed: bytes, wrapped: bytes) -> bytes: ...

    def seal(self, key: bytes, nonce: bytes, aad: bytes, text: bytes) -> bytes: ...

    def open(self, key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes: ...

    def seal_lean(self, key: bytes, nonce: bytes, aad: bytes, text: bytes) -> bytes:
        """As `seal`, for much at once; `key` serves for this one text."""
        ...

    def open_lean(self, key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes: ...

    def stretch(self, passphrase: bytes, salt: bytes) -> bytes:
        """A key of `key_bytes` from a passphrase (slow on purpose; salt of 16 bytes)."""
        ...


@dataclass(frozen=True)
class Suites:
    """The suites this program can run, handed in explicitly; tests add one of other lengths."""

    known: tuple[Suite, ...]

    def get(self, number: int) -> Suite:
        for suite in self.known:
            if suite.number == number:
                return suite
        raise KeysSuiteUnknown(suite=number)


class _Ed25519Signer:
    def __init__(self, seed: bytes) -> None:
        # From the seed only: crypto_sign accepts a secret key whose public half is another's.
        self.public, self._secret = sodium.crypto_sign_seed_keypair(seed)

    def sign(self, message: bytes) -> bytes:
        return sodium.crypto_sign(message, self._secret)[: sodium.crypto_sign_BYTES]

    def __repr__(self) -> str:
        return f"Ed25519Signer(public={self.public.hex()})"


class Suite1:
    """Ed25519, X25519 sealed boxes, XChaCha20-Poly1305, SHA-256, BLAKE2b as KDF (libsodium; what is
    long is sealed by OpenSSL, to the same bytes); SHAKE256 as XOF; lean bodies by AES-256-GCM
    (OpenSSL), which processors do in a fifth of the time."""

    number = 1
    name = "Ed25519-X25519-XChaCha20Poly1305-SHA256"
    hash_bytes = 32
    seed_bytes = 32
    signature_bytes = 64
    wrapped_bytes = 32 + 48
    nonce_bytes = 24
    key_bytes = 32
    tag_bytes = 16
    note_type = b"\x01"

    def hash(self, data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    def hashes(self, datas: Iterable[bytes]) -> list[bytes]:
        sha256 = hashlib.sha256
        return [sha256(data).digest() for data in datas]

    def xof(self, key: bytes, context: bytes, length: int) -> bytes:
        _need(key, self.key_bytes, "key")
        return hashlib.shake_256(key + context).digest(length)

    def kdf(self, key: bytes, context: bytes, length: int) -> bytes:
        _need(key, self.key_bytes, "key")
        return hashlib.blake2b(context, key=key, digest_size=length).digest()

    def signer(self, seed: bytes) -> Signer:
        _need(seed, self.seed_bytes, "signing seed")
        return _Ed25519Signer(seed)

    def verify(self, public: bytes, message: bytes, signature: bytes) -> None:
        if len(signature) != self.signature_bytes or len(public) != 32:
            raise KeysRefused()
        try:
            sodium.crypto_sign_open(signature + message, public)
        except (nacl.exceptions.CryptoError, ValueError, TypeError):
            raise KeysRefused() from None

    def check_signing_public(self, public: bytes) -> None:
        if len(public) != 32 or not sodium.crypto_core_ed25519_is_valid_point(public):
            raise KeysMalformed(detail="not a point of the main subgroup")

    def wrap_public(self, seed: bytes) -> bytes:
        _need(seed, self.seed_bytes, "encryption seed")
        return sodium.crypto_scalarmult_base(seed)

    def wrap(self, public: bytes, key: bytes, seed: bytes) -> bytes:
        """libsodium's crypto_box_seal with the one-time key pair made from `seed`."""
        _need(key, self.key_bytes, "key")
        once = self.wrap_public(seed)
        nonce = hashlib.blake2b(once + public, digest_size=24).digest()
        try:
            return once + sodium.crypto_box(key, nonce, public, seed)
        except (nacl.exceptions.CryptoError, ValueError, TypeError):
            raise KeysRefused() from None

    def unwrap(self, seed: bytes, wrapped: bytes) -> bytes:
        if len(wrapped) != self.wrapped_bytes:
            raise KeysRefused()
        public = _wrap_public(seed)
        try:
            return sodium.crypto_box_seal_open(wrapped, public, seed)
        except (nacl.exceptions.CryptoError, ValueError, TypeError):
            raise KeysRefused() from None

    def seal(self, key: bytes, nonce: bytes, aad: bytes, text: bytes) -> bytes:
        if len(text) >= LONG_BYTES:
            from ortoo_protocol.core import long_aead

            return long_aead.seal_xchacha(key, nonce, aad, text)
        return sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(text, aad, nonce, key)

    def open(self, key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
        if len(sealed) >= LONG_BYTES:
            from ortoo_protocol.core import long_aead

            return long_aead.open_xchacha(key, nonce, aad, sealed)
        try:
            return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, aad, nonce, key)
        except (nacl.exceptions.CryptoError, ValueError, TypeError):
            raise KeysRefused() from None

    def seal_lean(self, key: bytes, nonce: bytes, aad: bytes, text: bytes) -> bytes:
        from ortoo_protocol.core import long_aead

        _need(key, self.key_bytes, "key")
        return long_aead.seal_gcm(key, nonce, aad, text)

    def open_lean(self, key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
        from ortoo_protocol.core import long_aead

        _need(key, self.key_bytes, "key")
        return long_aead.open_gcm(key, nonce, aad, sealed)

    def stretch(self, passphrase: bytes, salt: bytes) -> bytes:
        return argon2id.kdf(
            self.key_bytes,
            passphrase,
            salt,
            opslimit=argon2id.OPSLIMIT_INTERACTIVE,
            memlimit=argon2id.MEMLIMIT_INTERACTIVE,
        )


@lru_cache(maxsize=16)
def _wrap_public(seed: bytes) -> bytes:
    """Of this party's own keys, which unwrap every letter: a third of the cost of unwrapping."""
    return sodium.crypto_scalarmult_base(seed)


def _need(value: bytes, length: int, what: str) -> None:
    if len(value) != length:
        raise KeysMalformed(detail=f"{what} of {len(value)} bytes, not {length}")


def builtin_suites(also: Iterable[Suite] = ()) -> Suites:
    """The suites of this version: 1 now; 2 and 3 are reserved (SPEC.md, chapter 3)."""
    return Suites((Suite1(), *also))


def key_id(suite: Suite, plane: Plane, usage: str, public: bytes) -> bytes:
    """16 bytes that name a public key. `usage` is "sign" or "wrap".

    The plane and the use stand in the hash: the same key on another plane has another name.
    """
    return suite.hash(domain("ortoo/key-id", plane, usage.encode("ascii"), public))[:KEY_ID_BYTES]


def fingerprint(suite: Suite, plane: Plane, public_or_document: bytes) -> str:
    """What two people compare by telephone: 20 bytes as hex in groups of four characters."""
    digest = suite.hash(domain("ortoo/fingerprint", plane, public_or_document))[:20].hex()
    return " ".join(digest[i : i + 4] for i in range(0, len(digest), 4))
