"""AEADs of suite 1 by OpenSSL, for much at once: it uses what processors have for them, libsodium
in its Python build does not. Loaded with the first long body: it takes some MiB, which an idle
station does without.

XChaCha20-Poly1305 is put together as its draft says (draft-irtf-cfrg-xchacha-03, section 2.3): the
same bytes as libsodium's. OpenSSL has no HChaCha20, but its ChaCha20 block is that permutation with
the input added to the output; what is known of the input is taken off again. The subkey is of one
body key, which serves for one text.
"""

from __future__ import annotations

import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from ortoo_protocol.core.errors import KeysRefused

_GCM_NONCE_BYTES = 12
_H_NONCE_BYTES = 16  # of the nonce, for the subkey; the rest is ChaCha20-Poly1305's
_BLOCK = bytes(64)
_WORDS = struct.Struct("<16I")
_KNOWN = struct.Struct("<4I")  # the constants before the key, or counter and nonce behind it
_SUBKEY = struct.Struct("<8I")
_CONSTANTS = _KNOWN.unpack(b"expand 32-byte k")


def subkey(key: bytes, nonce: bytes) -> bytes:
    """HChaCha20 of a key of 32 and a nonce of 16 bytes."""
    block = Cipher(ChaCha20(key, nonce), mode=None).encryptor().update(_BLOCK)
    words = _WORDS.unpack(block)
    known = (*_CONSTANTS, *_KNOWN.unpack(nonce))
    outer = (*words[:4], *words[12:])
    return _SUBKEY.pack(*((a - b) & 0xFFFFFFFF for a, b in zip(outer, known, strict=True)))


def seal_xchacha(key: bytes, nonce: bytes, aad: bytes, text: bytes) -> bytes:
    cipher, rest = _xchacha(key, nonce)
    return cipher.encrypt(rest, text, aad)


def open_xchacha(key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
    """Raises KeysRefused."""
    try:
        cipher, rest = _xchacha(key, nonce)
        return cipher.decrypt(rest, sealed, aad)
    except (InvalidTag, ValueError):
        raise KeysRefused() from None


def _xchacha(key: bytes, nonce: bytes) -> tuple[ChaCha20Poly1305, bytes]:
    own = subkey(key, nonce[:_H_NONCE_BYTES])
    return ChaCha20Poly1305(own), bytes(4) + nonce[_H_NONCE_BYTES:]


def seal_gcm(key: bytes, nonce: bytes, aad: bytes, text: bytes) -> bytes:
    return AESGCM(key).encrypt(nonce[:_GCM_NONCE_BYTES], text, aad)


def open_gcm(key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
    """Raises KeysRefused."""
    try:
        return AESGCM(key).decrypt(nonce[:_GCM_NONCE_BYTES], sealed, aad)
    except (InvalidTag, ValueError):
        raise KeysRefused() from None
