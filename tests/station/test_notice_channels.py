"""Each channel against a real server of this machine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ortoo_demo.pki import DemoAuthority
from ortoo_protocol.core.errors import NoticeFailed, NoticeRefused, SettingsSecret, SettingsValue
from ortoo_protocol.core.law.clock import CHINA_MIN
from ortoo_protocol.station.notify.channel import Outgoing
from ortoo_protocol.station.notify.file_channel import FileChannel
from ortoo_protocol.station.notify.mail_channel import MailChannel
from ortoo_protocol.station.notify.settings import (
    GatewayTable,
    MailTable,
    NotifyTable,
    check_notify,
)
from ortoo_protocol.station.notify.webhook_channel import WECOM_BYTES, WebhookChannel
from ortoo_protocol.station.settings import write_secret
from tests.support.gateways import hanging_server, http_gateway, mail_server
from tests.support.programs import SECRET, SECRET_TEXT
from tests.support.stations import until

NOW_MS = 1_790_000_000_000
MESSAGE = Outgoing(
    id="notice_s150700_7",
    time_ms=NOW_MS,
    party="s150700",
    department="11150700MB0000000G",
    person="甲",
    address="jia@example.cn",
    title="即将到期：答复",
    text="case:1 的答复将于 2026-10-09 到期。",
    templates=("clock.warn",),
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> DemoAuthority:
    return DemoAuthority.create(tmp_path_factory.mktemp("pki"), "tests")


@pytest.fixture(scope="module")
def certificate(authority: DemoAuthority) -> tuple[Path, Path]:
    return authority.issue_server("127.0.0.1")


# --- file ---------------------------------------------------------------------------------------


async def test_lines_of_a_folder(tmp_path: Path) -> None:
    channel = FileChannel(tmp_path / "notices", CHINA_MIN)
    await channel.send(MESSAGE)
    await channel.send(replace(MESSAGE, id="notice_s150700_8", text="两\n行"))
    (file,) = (tmp_path / "notices").iterdir()
    assert file.name == "notices-2026-09-21.jsonl"
    assert file.stat().st_mode & 0o777 == 0o600
    first, second = map(json.loads, file.read_text().splitlines())
    assert (first["id"], first["person"], first["title"]) == (MESSAGE.id, "甲", MESSAGE.title)
    assert second["text"] == "两\n行"


async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "notices").write_text("a file")
    with pytest.raises(NoticeFailed):
        await FileChannel(tmp_path / "notices", CHINA_MIN).send(MESSAGE)


# --- mail ---------------------------------------------------------------------------------------


def mail(box: Any, authority: DemoAuthority, **more: Any) -> MailChannel:
    table = MailTable(
        host="127.0.0.1",
        port=box.port,
        sender="ortoo@example.cn",
        ca_file=authority.ca_file,
        timeout_s=5,
        **more,
    )
    return MailChannel(table)


@pytest.mark.parametrize("tls", ["tls", "starttls"])
async def test_mail(authority: DemoAuthority, certificate: tuple[Path, Path], tls: str) -> None:
    with mail_server(certificate, starttls=tls == "starttls") as box:
        channel = mail(box, authority, tls=tls)
        await channel.send(MESSAGE)
        await channel.send(replace(MESSAGE, title="一\r\nBcc: x@y", person='甲"\n<a@b>'))
        await channel.close()
    first, second = box.mails
    assert (first["Subject"], first["From"]) == (MESSAGE.title, "ortoo@example.cn")
    assert first["To"].addresses[0].display_name == "甲"
    assert first["To"].addresses[0].addr_spec == "jia@example.cn"
    assert first["Message-ID"] == "<notice_s150700_7@s150700.ortoo>"
    assert first.get_content().strip() == MESSAGE.text
    assert second["Bcc"] is None
    assert [one.addr_spec for one in second["To"].addresses] == ["jia@example.cn"]


async def test_mail_with_a_login(
    authority: DemoAuthority, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    for secret in ("right", "wrong"):
        write_secret(tmp_path / secret, secret)
    with mail_server(certificate, starttls=True) as box:
        good = mail(box, authority, tls="starttls", user="ortoo", password_file=tmp_path / "right")
        await good.send(MESSAGE)
        bad = mail(box, authority, tls="starttls", user="ortoo", password_file=tmp_path / "wrong")
        with pytest.raises(NoticeFailed, match="login"):
            await bad.send(MESSAGE)
    assert box.logins[0] == ("ortoo", "right")
    assert len(box.mails) == 1


async def test_mail_that_is_not_taken(
    authority: DemoAuthority, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    other = DemoAuthority.create(tmp_path, "another")
    with mail_server(certificate, starttls=True) as box:
        channel = mail(box, authority, tls="starttls")
        box.refuse = "550 no such mailbox"
        with pytest.raises(NoticeRefused, match="550"):
            await channel.send(MESSAGE)
        box.refuse = "451 later"
        with pytest.raises(NoticeFailed, match="451"):
            await channel.send(MESSAGE)
        box.refuse = ""
        for wrong in ("no address", "a@b@c", "甲@例子.cn"):
            with pytest.raises((NoticeRefused, NoticeFailed)):
                await channel.send(replace(MESSAGE, address=wrong))
        with pytest.raises(NoticeFailed, match="certificate"):
            await mail(box, other, tls="starttls").send(MESSAGE)
    assert box.mails == []
    with pytest.raises(NoticeFailed):  # the server is gone
        await channel.send(MESSAGE)


async def test_mail_is_never_sent_in_the_clear(authority: DemoAuthority) -> None:
    """A server that offers no STARTTLS gets nothing."""
    with mail_server(None, starttls=False) as box:
        with pytest.raises(NoticeFailed, match="STARTTLS"):
            await mail(box, authority, tls="starttls").send(MESSAGE)
        with pytest.raises(NoticeFailed):
            await mail(box, authority, tls="tls").send(MESSAGE)
    assert box.mails == []


# --- gateways -----------------------------------------------------------------------------------


def gateway(tmp_path: Path, **more: Any) -> WebhookChannel:
    secret = tmp_path / "secret"
    if not secret.exists():
        write_secret(secret, SECRET_TEXT)
    values = {"name": "g", "secret_file": secret, "timeout_s": 5.0, **more}
    return WebhookChannel(GatewayTable(**values), lambda: NOW_MS)


async def test_signed_json_over_tls(
    authority: DemoAuthority, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    with http_gateway(certificate) as server:
        channel = gateway(tmp_path, url=server.url, ca_file=authority.ca_file)
        await channel.send(MESSAGE)
        await channel.close()
        with pytest.raises(NoticeFailed):  # the system's authorities do not know it
            await gateway(tmp_path, url=server.url).send(MESSAGE)
    ((_, headers, body),) = server.seen
    said = json.loads(body)
    assert (said["id"], said["title"], said["person"]) == (MESSAGE.id, MESSAGE.title, "甲")
    assert headers["webhook-id"] == MESSAGE.id
    signed = f"{MESSAGE.id}.{NOW_MS // 1000}.".encode() + body
    digest = hmac.new(SECRET, signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


async def test_to_the_persons_own_address(tmp_path: Path) -> None:
    with http_gateway() as server:
        channel = gateway(tmp_path)
        assert channel.reach("1234", "a@b", "") is None
        assert channel.reach("", "", server.url) == server.url
        await channel.send(replace(MESSAGE, address=server.url))
        await channel.close()
        assert len(server.seen) == 1
    for wrong in ("http://example.cn/x", "https://u:p@example.cn/x", "ftp://127.0.0.1/"):
        with pytest.raises(NoticeRefused):
            await channel.send(replace(MESSAGE, address=wrong))


async def test_a_wecom_robot(tmp_path: Path) -> None:
    with http_gateway() as server:
        url = tmp_path / "wecom.url"
        write_secret(url, server.url)
        channel = gateway(tmp_path, shape="wecom", url_file=url, secret_file=None)
        await channel.send(replace(MESSAGE, address="13900000001"))
        await channel.send(replace(MESSAGE, address="", text="长" * 2_000))
        server.answers = [(200, {"errcode": 45009, "errmsg": "too often"})]
        with pytest.raises(NoticeFailed, match="45009"):
            await channel.send(MESSAGE)
        server.answers = [(200, {"errcode": 93000, "errmsg": "no robot"}), (200, ["?"])]
        for _ in range(2):
            with pytest.raises(NoticeRefused):
                await channel.send(MESSAGE)
        await channel.close()
    first, second = server.bodies()[:2]
    assert first == {
        "msgtype": "text",
        "text": {
            "content": f"{MESSAGE.title}\n{MESSAGE.text}",
            "mentioned_mobile_list": ["13900000001"],
        },
    }
    assert second["text"]["mentioned_mobile_list"] == []
    assert WECOM_BYTES - 6 < len(second["text"]["content"].encode()) <= WECOM_BYTES
    assert server.seen[0][0] == "/send?key=abc"


async def test_an_sms_gateway(tmp_path: Path) -> None:
    with http_gateway() as server:
        fields = {"phones": "{phone}", "msg": "【共享平台】{text}", "to": "{name}", "sign": "7"}
        channel = gateway(tmp_path, shape="sms", url=server.url, fields=fields)
        assert channel.reach("", "a@b", "") is None
        await channel.send(replace(MESSAGE, address="13900000001", text="{phone} 是文字"))
        await channel.close()
    assert server.bodies() == [
        {
            "phones": "13900000001",
            "msg": f"【共享平台】{MESSAGE.title}：{{phone}} 是文字",
            "to": "甲",
            "sign": "7",
        }
    ]
    assert "webhook-signature" in server.seen[0][1]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, NoticeFailed),
        (503, NoticeFailed),
        (429, NoticeFailed),
        (404, NoticeRefused),
        (301, NoticeRefused),
    ],
)
async def test_what_a_gateway_may_answer(
    tmp_path: Path, status: int, error: type[Exception]
) -> None:
    with http_gateway() as server:
        server.answers = [(status, {})]
        channel = gateway(tmp_path, url=server.url)
        with pytest.raises(error, match=str(status)):
            await channel.send(MESSAGE)
        await channel.send(MESSAGE)
        await channel.close()


async def test_a_gateway_that_hangs(tmp_path: Path) -> None:
    with hanging_server() as (port, connections):
        channel = gateway(tmp_path, url=f"http://127.0.0.1:{port}/", timeout_s=0.3)
        with pytest.raises(NoticeFailed, match="Timeout"):
            await channel.send(MESSAGE)
        await channel.close()
        await until(connections)


async def test_a_secret_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not a secret\n")
    (tmp_path / "secret").chmod(0o600)
    with pytest.raises(SettingsSecret):
        await gateway(tmp_path, url="http://127.0.0.1:1/").send(MESSAGE)


# --- settings -----------------------------------------------------------------------------------

SIGNED = {"secret_file": Path("x")}


@pytest.mark.parametrize(
    "table",
    [
        NotifyTable(authority="nobody"),
        NotifyTable(mail=MailTable(host="h", sender="s", user="u")),
        NotifyTable(webhooks=(GatewayTable("file", url="https://x", **SIGNED),)),
        NotifyTable(webhooks=(GatewayTable("Ä", url="https://x", **SIGNED),)),
        NotifyTable(webhooks=(GatewayTable("g", url="https://x", **SIGNED),) * 2),
        NotifyTable(webhooks=(GatewayTable("g", url="https://x"),)),
        NotifyTable(webhooks=(GatewayTable("g", url="http://x.example", **SIGNED),)),
        NotifyTable(webhooks=(GatewayTable("g", "wecom"),)),
        NotifyTable(webhooks=(GatewayTable("g", "sms", "https://x", Path("y")),)),
    ],
)
def test_settings_that_cannot_be(table: NotifyTable) -> None:
    check_notify("station.toml", NotifyTable(webhooks=(GatewayTable("g", **SIGNED),)))
    with pytest.raises(SettingsValue):
        check_notify("station.toml", table)
