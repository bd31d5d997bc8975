"""A suite that believes everything, so that what a fuzzer makes reaches the parsers behind it.

Signatures and key commitments fit and nothing is encrypted. Only the suite is lenient: every
length, form and bound is checked by the code that stations run.
"""

from __future__ import annotations

from ortoo_protocol.core.keys import Suite1


class Lenient(Suite1):
    def kdf(self, key: bytes, context: bytes, length: int) -> bytes:
        return bytes(length)

    def verify(self, public: bytes, message: bytes, signature: bytes) -> None:
        return

    def unwrap(self, seed: bytes, wrapped: bytes) -> bytes:
        return bytes(self.key_bytes)

    def seal(self, key: bytes, nonce: bytes, aad: bytes, text: bytes) -> bytes:
        return text + bytes(self.tag_bytes)

    def open(self, key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
        return sealed[: -self.tag_bytes]

    seal_lean, open_lean = seal, open
