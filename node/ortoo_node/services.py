"""`[[services]]` of station.toml: HTTP services of departments that queries may call.

    [[services]]
    name = "household"
    base_url = "https://10.15.7.20:8443/share"
    headers_file = "household.headers"     # mode 0600, one line of JSON: {"Authorization": "…"}
    ca_file = "household-ca.pem"
    timeout_s = 10

They stay what they were: private to the department. The plane sees declared queries and their
answers, never an address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from ortoo_protocol.core.errors import SettingsSecret, SettingsValue
from ortoo_protocol.station import settings as common
from ortoo_protocol.station.settings import Table

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_SET_HERE = frozenset(("host", "content-length", "transfer-encoding", "connection"))


class Service(Table, frozen=True):
    name: str
    base_url: str
    headers_file: Path | None = None
    ca_file: Path | None = None
    timeout_s: float = 10.0

    def read_headers(self) -> dict[str, str]:
        """Raises SettingsSecret."""
        if self.headers_file is None:
            return {}
        try:
            headers = msgspec.json.decode(
                common.read_secret(self.headers_file), type=dict[str, str]
            )
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise SettingsSecret(
                path=self.headers_file, detail="not one line of JSON, names and texts"
            ) from None
        for name, value in headers.items():
            if (
                not _HEADER.fullmatch(name)
                or name.lower() in _SET_HERE
                or not value.isascii()
                or not value.isprintable()
            ):
                raise SettingsSecret(path=self.headers_file, detail=f"header {name[:40]!r}")
        return headers


def check_services(place: str, services: Sequence[Service]) -> None:
    """Raises SettingsValue."""
    names = [service.name for service in services]
    for index, service in enumerate(services):
        key = f"services[{index}]"
        if not _NAME.fullmatch(service.name) or names.count(service.name) > 1:
            detail = "lower-case letters, digits, _ and -, and each name once"
            raise SettingsValue(place=place, key=f"{key}.name", detail=detail)
        _check_url(place, f"{key}.base_url", service.base_url)
        if not 0.1 <= service.timeout_s <= 120:
            raise SettingsValue(place=place, key=f"{key}.timeout_s", detail="0.1 to 120")


def _check_url(place: str, key: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # it raises ValueError for one out of range
    except ValueError:
        raise SettingsValue(place=place, key=key, detail="it is no URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsValue(place=place, key=key, detail="http:// or https:// and a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        detail = "neither user, password, query nor fragment: secrets stand in headers_file"
        raise SettingsValue(place=place, key=key, detail=detail)
