"""Settings of notices: `[notify]`, `[notify.mail]`, `[[notify.webhooks]]`.

[notify]
folder = "notices"            # the file channel: one JSON line a notice
authority = "11150700MB…"     # whose people hear what is overdue
digest_hour = 8

[notify.mail]
host = "mail.example.gov.cn"
tls = "starttls"              # or "tls" from the first byte; never without
sender = "ortoo@example.gov.cn"

[[notify.webhooks]]
name = "wecom"
shape = "wecom"               # 政务微信 robot; "sms" for a gateway; "ortoo": signed JSON
url_file = "keys/wecom.url"   # its address holds its key
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from ortoo_protocol.core.errors import CodecIdentifier, SettingsValue
from ortoo_protocol.core.ids import check_department
from ortoo_protocol.station.settings import Port, Positive, Table, Text, read_secret
from ortoo_protocol.station.signed_posts import unfit

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
FILE, MAIL = "file", "mail"
SMS_FIELDS: Mapping[str, str] = {"mobile": "{phone}", "content": "{text}"}


class MailTable(Table, frozen=True, kw_only=True):
    """`user` with `password_file` where the server wants a login; `ca_file`: whose certificates are
    believed, the system's where it is left out."""

    host: Text
    sender: Text
    port: Port = 465
    tls: Literal["tls", "starttls"] = "tls"
    user: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    timeout_s: Positive = 20.0


class GatewayTable(Table, frozen=True):
    """Without `url` and `url_file` what is posted goes to the person's own address. `fields`: of
    the shape sms, what its JSON holds, with {phone}, {text}, {title}, {name}. `plain`: http beyond
    this machine is meant."""

    name: str
    shape: Literal["ortoo", "wecom", "sms"] = "ortoo"
    url: str = ""
    url_file: Path | None = None
    secret_file: Path | None = None
    fields: dict[str, str] = msgspec.field(default_factory=lambda: dict(SMS_FIELDS))
    ca_file: Path | None = None
    timeout_s: Positive = 20.0
    plain: bool = False

    def read_url(self) -> str:
        """Empty: the person's own. Raises SettingsSecret."""
        return self.url if self.url_file is None else read_secret(self.url_file)


class NotifyTable(Table, frozen=True):
    """`authority`: the department, by credit code, whose people hear what is overdue; `keep_days`:
    how long a notice is tried, and one that was sent is kept; `waiting`: how many may wait on a
    channel; `retry_first_s`: after the first attempt in vain, doubling to an hour."""

    folder: Path | None = None
    authority: str = ""
    digest_hour: Annotated[int, msgspec.Meta(ge=0, le=23)] = 8
    keep_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 7
    retry_first_s: Positive = 30.0
    waiting: Annotated[int, msgspec.Meta(ge=10, le=1_000_000)] = 10_000
    mail: MailTable | None = None
    webhooks: tuple[GatewayTable, ...] = ()


def check_notify(place: str, table: NotifyTable) -> None:
    """Raises SettingsValue."""
    if table.authority:
        try:
            check_department(table.authority)
        except CodecIdentifier:
            raise SettingsValue(
                place=place, key="notify.authority", detail="a unified social credit code"
            ) from None
    mail = table.mail
    if mail is not None and bool(mail.user) != (mail.password_file is not None):
        detail = "user and password_file go together"
        raise SettingsValue(place=place, key="notify.mail", detail=detail)
    names = [FILE, MAIL, *(each.name for each in table.webhooks)]
    for index, each in enumerate(table.webhooks):
        if detail := _wrong(each, names):
            raise SettingsValue(place=place, key=f"notify.webhooks[{index}]", detail=detail)


def _wrong(gateway: GatewayTable, names: list[str]) -> str:
    if not _NAME.fullmatch(gateway.name) or names.count(gateway.name) > 1:
        return "lower-case letters, digits, _ and -, and each name once"
    if gateway.url and gateway.url_file is not None:
        return "either url or url_file"
    if gateway.url and (found := unfit(gateway.url, plain=gateway.plain)):
        return found
    if gateway.shape == "ortoo" and gateway.secret_file is None:
        return "needs secret_file: what is posted is signed"
    if gateway.shape != "ortoo" and not gateway.url and gateway.url_file is None:
        return "needs url or url_file"
    return ""
