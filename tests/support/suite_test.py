"""A suite of other lengths than any real one: Ed448, X448, AES-256-GCM with two tags, SHA3-512.

Whatever passes with both suites knows no length of a key, a signature or a hash. Not for use: the
second tag is only there to make the tag longer.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey, Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ortoo_protocol.core.errors import KeysMalformed, KeysRefused
from ortoo_protocol.core.keys import Signer

_X448_BYTES = 56
_AES_BYTES = 32
_GCM_TAG_BYTES = 16


class _Ed448Signer:
    def __init__(self, seed: bytes) -> None:
        self._key = Ed448PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


class SuiteOfTests:
    number = 0x7F
    name = "Ed448-X448-AES256GCM-SHA3-512"
    hash_bytes = 64
    seed_bytes = 57
    signature_bytes = 114
    wrapped_bytes = _X448_BYTES + 48 + _GCM_TAG_BYTES
    nonce_bytes = 12
    key_bytes = 48
    tag_bytes = 24
    note_type = b"\xffortoo.test/ed448"

    def hash(self, data: bytes) -> bytes:
        return hashlib.sha3_512(data).digest()

    def hashes(self, datas: Iterable[bytes]) -> list[bytes]:
        return [self.hash(data) for data in datas]

    def xof(self, key: bytes, context: bytes, length: int) -> bytes:
        _need(key, self.key_bytes)
        return hashlib.shake_128(b"xof" + key + context).digest(length)

    def kdf(self, key: bytes, context: bytes, length: int) -> bytes:
        _need(key, self.key_bytes)
        return hmac.digest(key, context, "sha3_512")[:length]

    def signer(self, seed: bytes) -> Signer:
        _need(seed, self.seed_bytes)
        return _Ed448Signer(seed)

    def verify(self, public: bytes, message: bytes, signature: bytes) -> None:
        try:
            Ed448PublicKey.from_public_bytes(public).verify(signature, message)
        except (InvalidSignature, ValueError):
            raise KeysRefused() from None

    def check_signing_public(self, public: bytes) -> None:
        if len(public) != 57 or not any(public):
            raise KeysMalformed(detail="not an Ed448 key")

    def wrap_public(self, seed: bytes) -> bytes:
        _need(seed, self.seed_bytes)
        private = X448PrivateKey.from_private_bytes(seed[:_X448_BYTES])
        return private.public_key().public_bytes_raw()

    def wrap(self, public: bytes, key: bytes, seed: bytes) -> bytes:
        _need(key, self.key_bytes)
        once = self.wrap_public(seed)
        return once + AESGCM(_agree(seed, public, once + public)).encrypt(bytes(12), key, None)

    def unwrap(self, seed: bytes, wrapped: bytes) -> bytes:
        if len(wrapped) != self.wrapped_bytes:
            raise KeysRefused()
        once, sealed = wrapped[:_X448_BYTES], wrapped[_X448_BYTES:]
        key = _agree(seed, once, once + self.wrap_public(seed))
        try:
            return AESGCM(key).decrypt(bytes(12), sealed, None)
        except InvalidTag:
            raise KeysRefused() from None

    def seal(self, key: bytes, nonce: bytes, aad: bytes, text: bytes) -> bytes:
        _need(key, self.key_bytes)
        sealed = AESGCM(key[:_AES_BYTES]).encrypt(nonce, text, aad)
        return sealed + self._second_tag(key, sealed)

    def open(self, key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
        extra = self.tag_bytes - _GCM_TAG_BYTES
        inner, tag = sealed[:-extra], sealed[-extra:]
        if len(key) != self.key_bytes or len(nonce) != self.nonce_bytes:
            raise KeysRefused()
        if not hmac.compare_digest(tag, self._second_tag(key, inner)):
            raise KeysRefused()
        try:
            return AESGCM(key[:_AES_BYTES]).decrypt(nonce, inner, aad)
        except InvalidTag:
            raise KeysRefused() from None

    def seal_lean(self, key: bytes, nonce: bytes, aad: bytes, text: bytes) -> bytes:
        return self.seal(key, nonce, b"lean" + aad, text)

    def open_lean(self, key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
        return self.open(key, nonce, b"lean" + aad, sealed)

    def stretch(self, passphrase: bytes, salt: bytes) -> bytes:
        return hashlib.scrypt(passphrase, salt=salt, n=16, r=8, p=1, dklen=self.key_bytes)

    def _second_tag(self, key: bytes, sealed: bytes) -> bytes:
        mac = hmac.digest(key[_AES_BYTES:], sealed, "sha3_512")
        return mac[: self.tag_bytes - _GCM_TAG_BYTES]


def _agree(seed: bytes, public: bytes, context: bytes) -> bytes:
    private = X448PrivateKey.from_private_bytes(seed[:_X448_BYTES])
    try:
        shared = private.exchange(X448PublicKey.from_public_bytes(public))
    except ValueError:
        raise KeysRefused() from None
    return hmac.digest(shared, context, "sha3_512")[:_AES_BYTES]


def _need(value: bytes, length: int) -> None:
    if len(value) != length:
        raise KeysMalformed(detail=f"{len(value)} bytes, not {length}")
