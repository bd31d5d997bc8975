"""Settings of what departments' programs speak HTTP with: `[http]`, `[[webhooks]]`, `[[pulls]]`;
and how much waits for those who do not read.

[http]                        # the programming interface; without this table there is none
address = "127.0.0.1"
port = 8443

[[webhooks]]                  # a sink: what is applied is posted to a program of the department
name = "civil-affairs"
url = "https://10.1.2.3/ortoo"
secret_file = "keys/civil-affairs.secret"     # one line: whsec_ and base64

[[pulls]]                     # a sink: what is applied waits here until it is fetched
name = "fetched"
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from ortoo_protocol.core.errors import SettingsValue
from ortoo_protocol.station.settings import Port, Positive, Table
from ortoo_protocol.station.signed_posts import is_loopback, unfit

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class Http(Table, frozen=True):
    """Where departments' programs reach this station. Beyond this machine only with TLS.

    A token asks `calls_at_once` times, then `calls_a_minute`."""

    address: str = "127.0.0.1"
    port: Port = 8443
    cert_file: Path | None = None
    key_file: Path | None = None
    max_body_mb: Annotated[int, msgspec.Meta(ge=1, le=1_024)] = 64
    calls_a_minute: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1_200
    calls_at_once: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 120


class Webhook(Table, frozen=True):
    """`ca_file`: whose certificates are believed; the system's where it is left out. `plain`: http
    beyond this machine, on the department's own wire."""

    name: str
    url: str
    secret_file: Path
    timeout_s: Positive = 30.0
    ca_file: Path | None = None
    page_kb: Annotated[int, msgspec.Meta(ge=1, le=4_096)] = 256
    plain: bool = False


class Pull(Table, frozen=True):
    """How much may wait to be fetched; beyond any of these its subscription waits."""

    name: str
    max_mb: Annotated[int, msgspec.Meta(ge=1, le=1_048_576)] = 1_024
    max_items: Annotated[int, msgspec.Meta(ge=1, le=100_000_000)] = 1_000_000
    max_days: Annotated[int, msgspec.Meta(ge=1, le=3_650)] = 30
    page_kb: Annotated[int, msgspec.Meta(ge=1, le=4_096)] = 256


class ReadingTable(Table, frozen=True):
    """`held_mb`: how much of a feed is kept for subscriptions that are paused."""

    held_mb: Annotated[int, msgspec.Meta(ge=1, le=1_048_576)] = 1_024


def check_interfaces(
    place: str,
    http: Http | None,
    webhooks: Sequence[Webhook],
    pulls: Sequence[Pull],
    sinks: Collection[str],
) -> None:
    """`sinks`: names that are taken. Raises SettingsValue."""
    if http is not None:
        _check_http(place, http)
    names = [*sinks, *(each.name for each in webhooks), *(each.name for each in pulls)]
    tables: tuple[tuple[str, Sequence[Webhook | Pull]], ...] = (
        ("webhooks", webhooks),
        ("pulls", pulls),
    )
    for table, entries in tables:
        for index, each in enumerate(entries):
            if not _NAME.fullmatch(each.name) or names.count(each.name) > 1:
                detail = "lower-case letters, digits, _ and -, and each name once"
                raise SettingsValue(place=place, key=f"{table}[{index}].name", detail=detail)
    for index, webhook in enumerate(webhooks):
        detail = unfit(webhook.url, plain=webhook.plain)
        if detail:
            raise SettingsValue(place=place, key=f"webhooks[{index}].url", detail=detail)


def _check_http(place: str, http: Http) -> None:
    if (http.cert_file is None) != (http.key_file is None):
        detail = "needs both cert_file and key_file, or neither"
        raise SettingsValue(place=place, key="http", detail=detail)
    if http.cert_file is None and not is_loopback(http.address):
        detail = "beyond this machine it needs cert_file and key_file"
        raise SettingsValue(place=place, key="http.address", detail=detail)
