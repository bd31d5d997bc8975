"""pyas2lib in one process: sign, encrypt, decrypt, verify, signed receipt, verify the receipt."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from tests.bench.words import content

_ONE_DIGIT = r"\b(\d\.\d\.\d[a-z]*)\b"


@contextmanager
def _openssl_of_two_digits() -> Iterator[None]:
    """oscrypto 1.3 reads OpenSSL's version with one digit a place and refuses 3.0.19."""
    search = re.search

    def widened(pattern: Any, text: Any, *args: Any) -> Any:
        return search(
            pattern.replace(r"\d", r"\d+") if pattern == _ONE_DIGIT else pattern, text, *args
        )

    with mock.patch("re.search", widened):
        yield


class As2Role:
    async def open(self) -> None:
        with _openssl_of_two_digits():
            from pyas2lib import as2
        self.as2 = as2
        keys = {name: _key_and_certificate(name) for name in ("sender", "recipient")}
        self.sender = as2.Organization(
            as2_name="sender", sign_key=keys["sender"][0], sign_key_pass="p",
            decrypt_key=keys["sender"][0], decrypt_key_pass="p",
        )  # fmt: skip
        self.recipient = as2.Organization(
            as2_name="recipient", sign_key=keys["recipient"][0], sign_key_pass="p",
            decrypt_key=keys["recipient"][0], decrypt_key_pass="p",
        )  # fmt: skip
        self.to = self._partner("recipient", keys["recipient"][1])
        self.by = self._partner("sender", keys["sender"][1])

    def _partner(self, name: str, certificate: bytes) -> Any:
        return self.as2.Partner(
            as2_name=name,
            verify_cert=certificate,
            encrypt_cert=certificate,
            validate_certs=False,
            sign=True,
            digest_alg="sha256",
            encrypt=True,
            enc_alg="aes_256_cbc",
            mdn_mode=self.as2.SYNCHRONOUS_MDN,
            mdn_digest_alg="sha256",
        )

    async def close(self) -> None: ...

    async def exchange(self, count: int, size: int) -> float:
        begun = time.perf_counter()
        for number in range(count):
            self._one(content(size, number))
        return time.perf_counter() - begun

    def _one(self, body: bytes) -> None:
        sent = self.as2.Message(self.sender, self.to)
        sent.build(body, filename="data.bin", content_type="application/octet-stream")
        raw = sent.headers_str + b"\r\n" + sent.content
        came = self.as2.Message()
        status, error, receipt = came.parse(
            raw, lambda _name: self.recipient, lambda _name: self.by, lambda *_: False
        )
        if status != "processed":
            raise AssertionError(f"AS2: {status} {error}")
        answer = self.as2.Mdn()
        status, detail = answer.parse(
            receipt.headers_str + b"\r\n" + receipt.content, lambda *_: sent
        )
        if status != "processed":
            raise AssertionError(f"AS2 receipt: {status} {detail}")


def _key_and_certificate(name: str) -> tuple[bytes, bytes]:
    """PKCS#12 and certificate of 2,048 bits, as pyas2lib takes them."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    bundle = pkcs12.serialize_key_and_certificates(
        name.encode(), key, made, None, serialization.BestAvailableEncryption(b"p")
    )
    return bundle, made.public_bytes(serialization.Encoding.PEM)
