"""Posts to gateways: Ortoo's own signed JSON, a 政务微信 robot, an SMS gateway.

A robot answers 200 also when it takes nothing; what it says counts (`errcode`).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec

from ortoo_protocol.core.errors import NoticeFailed, NoticeRefused
from ortoo_protocol.station.notify.channel import Outgoing
from ortoo_protocol.station.notify.settings import GatewayTable
from ortoo_protocol.station.signed_posts import read_secrets, signature, unfit

if TYPE_CHECKING:
    import httpx

MOST_ANSWER_BYTES = 64 << 10
WECOM_BYTES = 2_048  # of the content of a robot's text message
WECOM_BUSY = frozenset((-1, 45009, 45033))  # busy, too often, too many at once
_LATER = frozenset((408, 425, 429))


class WebhookChannel:
    def __init__(self, table: GatewayTable, clock: Callable[[], int]) -> None:
        self.name = table.name
        self._table = table
        self._clock = clock
        self._client: httpx.AsyncClient | None = None

    def reach(self, phone: str, mail: str, webhook: str) -> str | None:
        """An SMS needs a number; a robot mentions one if there is one; what is ours needs an
        address, of the gateway or of the person."""
        if self._table.shape == "sms":
            return phone or None
        if self._table.shape == "wecom":
            return phone
        return "" if self._table.url or self._table.url_file else webhook or None

    async def send(self, message: Outgoing) -> None:
        import httpx

        url = self._table.read_url() or message.address
        if detail := unfit(url, plain=self._table.plain):
            raise NoticeRefused(channel=self.name, detail=detail)
        body = msgspec.json.encode(shaped(self._table, message))
        try:
            client = self._opened()
            async with client.stream(
                "POST", url, content=body, headers=self._headers(message.id, body)
            ) as answer:
                said = await self._read(answer)
                status = answer.status_code
        except (httpx.TransportError, httpx.InvalidURL) as error:
            await self.close()
            detail = f"{type(error).__name__}: {error}"
            raise NoticeFailed(channel=self.name, detail=detail[:200]) from None
        self._judge(status, said)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _headers(self, name: str, body: bytes) -> dict[str, str]:
        headers = {"content-type": "application/json", "user-agent": "ortoo"}
        if self._table.secret_file is None:
            return headers
        timestamp = self._clock() // 1000
        signed = signature(read_secrets(self._table.secret_file), name, timestamp, body)
        return {
            **headers,
            "webhook-id": name,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signed,
        }

    async def _read(self, answer: httpx.Response) -> bytes:
        said = b""
        async for part in answer.aiter_raw():
            said += part
            if len(said) > MOST_ANSWER_BYTES:
                break
        return said

    def _judge(self, status: int, said: bytes) -> None:
        if status in _LATER or status >= 500:
            raise NoticeFailed(channel=self.name, detail=f"HTTP {status}")
        if not 200 <= status < 300:
            raise NoticeRefused(channel=self.name, detail=f"HTTP {status}")
        if self._table.shape != "wecom":
            return
        code, text = _wecom(said)
        if code in WECOM_BUSY:
            raise NoticeFailed(channel=self.name, detail=f"errcode {code} {text}")
        if code:
            raise NoticeRefused(channel=self.name, detail=f"errcode {code} {text}")

    def _opened(self) -> httpx.AsyncClient:
        import httpx

        if self._client is None:
            file = self._table.ca_file
            try:
                tls = ssl.create_default_context(cafile=None if file is None else str(file))
            except (OSError, ssl.SSLError) as error:
                raise NoticeFailed(channel=self.name, detail=f"ca_file {file}: {error}") from None
            self._client = httpx.AsyncClient(
                verify=tls,
                timeout=self._table.timeout_s,
                follow_redirects=False,
                trust_env=False,
            )
        return self._client


def shaped(table: GatewayTable, message: Outgoing) -> Mapping[str, Any]:
    """What is posted, by the shape of the gateway."""
    if table.shape == "wecom":
        text = _cut(f"{message.title}\n{message.text}", WECOM_BYTES)
        mentioned = [message.address] if message.address else []
        return {
            "msgtype": "text",
            "text": {"content": text, "mentioned_mobile_list": mentioned},
        }
    if table.shape == "sms":
        facts = {
            "{phone}": message.address,
            "{text}": f"{message.title}：{message.text}",
            "{title}": message.title,
            "{name}": message.person,
        }
        return {name: _filled(form, facts) for name, form in table.fields.items()}
    return asdict(message)


def _filled(form: str, facts: Mapping[str, str]) -> str:
    """Without str.format: a text with braces is a text."""
    for place, fact in facts.items():
        if form == place:
            return fact
    for place in ("{phone}", "{title}", "{name}", "{text}"):
        form = form.replace(place, facts[place])
    return form


def _cut(text: str, most_bytes: int) -> str:
    raw = text.encode()
    if len(raw) <= most_bytes:
        return text
    return raw[: most_bytes - 3].decode("utf-8", "ignore") + "…"


def _wecom(said: bytes) -> tuple[int, str]:
    """`errcode` and `errmsg`; -2 for an answer that no robot gives."""
    try:
        answer = msgspec.json.decode(said)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return -2, "no JSON"
    if not isinstance(answer, dict) or type(answer.get("errcode")) is not int:
        return -2, "no errcode"
    return answer["errcode"], str(answer.get("errmsg", ""))[:100]
