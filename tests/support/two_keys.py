"""One XChaCha20-Poly1305 ciphertext that opens under two keys: the AEAD alone does not prevent it.

Poly1305 is a polynomial in r over the blocks of the message, plus s. Someone who knows both keys
chooses one block freely and solves one linear equation, so that both give the same tag.
"""

from __future__ import annotations

import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from tests.support.forge import fixed

_P = (1 << 130) - 5
_CLAMP = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
_BLOCK = 16


def two_key_body(one: bytes, other: bytes, nonce: bytes, aad: bytes, text: bytes) -> bytes:
    """A body of suite 1 that opens under both keys; under `one` it begins with `text`."""
    streams = [_stream(key, nonce, len(text) + 2 * _BLOCK + 64) for key in (one, other)]
    start = bytes(a ^ b for a, b in zip(text, streams[0][64:], strict=False))
    start += fixed("fill", -len(start) % _BLOCK)
    (r1, s1), (r2, s2) = (_poly_key(stream[:32]) for stream in streams)
    for attempt in range(1_000):
        filler = fixed(f"filler/{attempt}", _BLOCK)
        body = start + filler + bytes(_BLOCK)
        blocks = _blocks(aad, body)
        free = -2  # the last block is that of the lengths
        exponent = -free
        blocks[free] = 0
        base = (_poly(blocks, r1) - _poly(blocks, r2)) % _P
        slope = pow((pow(r1, exponent, _P) - pow(r2, exponent, _P)) % _P, -1, _P)
        for wrap in range(-4, 5):
            value = (s2 - s1 + (wrap << 128) - base) * slope % _P
            if not 1 << 128 <= value < 1 << 129:
                continue
            blocks[free] = value
            tags = {(_poly(blocks, r) + s) % (1 << 128) for r, s in ((r1, s1), (r2, s2))}
            if len(tags) == 1:
                last = (value - (1 << 128)).to_bytes(_BLOCK, "little")
                return start + filler + last + tags.pop().to_bytes(_BLOCK, "little")
    raise AssertionError("no such ciphertext found")


def _blocks(aad: bytes, body: bytes) -> list[int]:
    padded = b"".join(part + bytes(-len(part) % _BLOCK) for part in (aad, body))
    padded += struct.pack("<QQ", len(aad), len(body))
    return [
        int.from_bytes(padded[at : at + _BLOCK] + b"\1", "little")
        for at in range(0, len(padded), _BLOCK)
    ]


def _poly(blocks: list[int], r: int) -> int:
    value = 0
    for block in blocks:
        value = (value + block) * r % _P
    return value


def _poly_key(key: bytes) -> tuple[int, int]:
    return int.from_bytes(key[:16], "little") & _CLAMP, int.from_bytes(key[16:], "little")


def _stream(key: bytes, nonce: bytes, length: int) -> bytes:
    """From block 0: the first 32 bytes are the Poly1305 key, the text begins at byte 64."""
    cipher = algorithms.ChaCha20(_hchacha20(key, nonce[:16]), bytes(8) + nonce[16:])
    return Cipher(cipher, mode=None).encryptor().update(bytes(length))


def _hchacha20(key: bytes, nonce: bytes) -> bytes:
    """draft-irtf-cfrg-xchacha-03, 2.2."""
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))
    columns = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15))
    diagonals = ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
    for _ in range(10):
        for a, b, c, d in (*columns, *diagonals):
            turns = ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7))
            for left, right, mixed, turn in turns:
                state[left] = (state[left] + state[right]) & 0xFFFFFFFF
                value = state[mixed] ^ state[left]
                state[mixed] = ((value << turn) | (value >> (32 - turn))) & 0xFFFFFFFF
    return struct.pack("<8I", *state[:4], *state[12:])
