"""Posts that are signed as Standard Webhooks has it, and the files that hold their secrets.

``webhook-id`` names the message and never changes, ``webhook-timestamp`` is the second of this
attempt, ``webhook-signature`` is ``v1,`` and the base64 of HMAC-SHA256 over id, timestamp and body,
joined by full stops; one for each secret, with spaces between.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from ortoo_protocol.core.errors import SettingsSecret
from ortoo_protocol.station.settings import read_secret

_PREFIX = "whsec_"


def read_secrets(path: Path) -> tuple[bytes, ...]:
    """One or more ``whsec_`` and base64, with spaces between, so that a secret can be changed
    without a gap. Raises SettingsSecret."""
    found = []
    for word in read_secret(path).split():
        if not word.startswith(_PREFIX):
            raise SettingsSecret(path=path, detail=f"a webhook's secret begins with {_PREFIX}")
        try:
            secret = base64.b64decode(word.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            raise SettingsSecret(path=path, detail="not base64") from None
        if not 24 <= len(secret) <= 64:
            raise SettingsSecret(path=path, detail="not 24 to 64 bytes")
        found.append(secret)
    return tuple(found)


def signature(secrets: Sequence[bytes], name: str, timestamp: int, body: bytes) -> str:
    signed = b"%b.%d.%b" % (name.encode(), timestamp, body)
    digests = [hmac.new(secret, signed, hashlib.sha256).digest() for secret in secrets]
    return " ".join("v1," + base64.b64encode(digest).decode() for digest in digests)


def unfit(url: str, *, plain: bool) -> str:
    """Why nothing can be posted to `url`, if so. `plain`: http beyond this machine is meant."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        return "http://host/path or https://host/path"
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "without user, password and fragment: what is posted is signed"
    if parts.scheme == "http" and not plain and not is_loopback(host):
        return "beyond this machine https, unless plain = true"
    return ""


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
