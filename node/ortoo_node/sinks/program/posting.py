"""Posting to a department's program, signed (`station/signed_posts.py`), until it has it."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from ortoo_node.interfaces import Webhook
from ortoo_protocol.core.errors import (
    SinkUnreachable,
    SinkWebhookFailed,
    SinkWebhookGone,
    SinkWebhookRefused,
)
from ortoo_protocol.core.keys import Random
from ortoo_protocol.station.signed_posts import read_secrets, signature

if TYPE_CHECKING:
    import httpx

FIRST_S, CAP_S = 1.0, 300.0
REFUSED_S = 300.0
MOST_RETRY_AFTER_S = 3_600.0
MOST_ANSWER_BYTES = 64 << 10
_LATER = frozenset((408, 425, 429))


class Poster:
    """One attempt a call. After one in vain nothing is sent before its time: full-jitter back-off,
    or what the program asks for by Retry-After."""

    def __init__(
        self,
        webhook: Webhook,
        clock: Callable[[], int],
        rand: Random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._webhook = webhook
        self._secrets = read_secrets(webhook.secret_file)
        self._clock = clock
        self._rand = rand
        self._monotonic = monotonic
        self._client: httpx.Client | None = None
        self._in_vain = 0
        self._not_before_s = 0.0
        self._last: tuple[type[SinkWebhookFailed] | type[SinkWebhookRefused], str] | None = None

    def post(self, name: str, body: bytes) -> None:
        """Returns when the program said 2xx.

        Raises SinkWebhookFailed, SinkWebhookRefused (both with `retry_s`), SinkWebhookGone.
        """
        left_s = self._not_before_s - self._monotonic()
        if left_s > 0 and self._last is not None:
            kind, detail = self._last
            raise kind(name=self._webhook.name, table="", detail=detail, retry_s=left_s)
        status, retry_after = self._attempt(name, body)
        if 200 <= status < 300:
            self._in_vain, self._last = 0, None
            return
        if status == 410:
            raise SinkWebhookGone(name=self._webhook.name, table="")
        if status in _LATER or status >= 500:
            raise self._later(f"HTTP {status}", _seconds(retry_after, self._clock()))
        moved = "; redirects are not followed" if 300 <= status < 400 else ""
        raise self._refused(f"HTTP {status}{moved}")

    def at_once(self) -> None:
        """People say that the program is mended: the next attempt waits no longer."""
        self._in_vain, self._not_before_s = 0, 0.0

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _attempt(self, name: str, body: bytes) -> tuple[int, str]:
        """Status and Retry-After of the answer, whose text is not looked at."""
        import httpx

        timestamp = self._clock() // 1000
        headers = {
            "content-type": "application/json",
            "user-agent": "ortoo-node",
            "webhook-id": name,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._secrets, name, timestamp, body),
        }
        end_s = self._monotonic() + self._webhook.timeout_s
        try:
            client = self._opened()
            with client.stream("POST", self._webhook.url, content=body, headers=headers) as answer:
                size = 0
                for part in answer.iter_raw():  # read out, so that the connection can be used again
                    size += len(part)
                    if size > MOST_ANSWER_BYTES or self._monotonic() > end_s:
                        break
                return answer.status_code, answer.headers.get("retry-after", "")
        except httpx.TransportError as error:
            self.close()
            raise self._later(f"{type(error).__name__}: {error}", 0.0) from error

    def _opened(self) -> httpx.Client:
        import httpx

        if self._client is None:
            self._client = httpx.Client(
                verify=self._tls(),
                timeout=self._webhook.timeout_s,
                follow_redirects=False,
                trust_env=False,  # what is posted goes where the settings say, by no proxy
            )
        return self._client

    def _tls(self) -> ssl.SSLContext:
        file = self._webhook.ca_file
        try:
            return ssl.create_default_context(cafile=None if file is None else str(file))
        except (OSError, ssl.SSLError) as error:
            detail = f"ca_file {file}: {error}"
            raise SinkUnreachable(name=self._webhook.name, table="", detail=detail) from error

    def _later(self, detail: str, least_s: float) -> SinkWebhookFailed:
        ceiling_s = min(CAP_S, FIRST_S * 2 ** min(self._in_vain, 16))
        self._in_vain += 1
        chance = int.from_bytes(self._rand(2), "big") / 65_536
        wait_s = max(ceiling_s * chance, min(least_s, MOST_RETRY_AFTER_S))
        self._not_before_s = self._monotonic() + wait_s
        self._last = (SinkWebhookFailed, detail)
        return SinkWebhookFailed(name=self._webhook.name, table="", detail=detail, retry_s=wait_s)

    def _refused(self, detail: str) -> SinkWebhookRefused:
        self._not_before_s = self._monotonic() + REFUSED_S
        self._last = (SinkWebhookRefused, detail)
        return SinkWebhookRefused(
            name=self._webhook.name, table="", detail=detail, retry_s=REFUSED_S
        )


def _seconds(retry_after: str, now_ms: int) -> float:
    """Retry-After as seconds or as a date (RFC 9110, 10.2.3); nonsense is none."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - now_ms / 1000)
    except (ValueError, OverflowError):
        return 0.0
