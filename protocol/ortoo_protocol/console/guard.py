"""What stands before every page: the name it was asked for under, where a form comes from, how much
may be sent and how slowly, and what browsers may do with the answer."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# No script, style, font or picture from elsewhere, and none that stands in a page itself.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
SAFE = frozenset(("GET", "HEAD"))
SILENCE_S = 20.0
LEAST_BYTES_PER_S = 4_096


@dataclass
class Guard:
    """ASGI middleware. `hosts`: names that browsers may use, without ports; an address of this
    machine's loopback always may."""

    app: ASGIApp
    hosts: Collection[str]
    most_bytes: int
    secure: bool
    clock_s: Callable[[], float]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            status, text = refusal
            response = PlainTextResponse(text, status_code=status, headers={"connection": "close"})
            await response(scope, receive, self._answering(send, scope))
            return
        limited = _Limited(receive, self.most_bytes, self.clock_s)
        answer = self._answering(send, scope)

        async def unless_refused(message: Message) -> None:
            if not limited.refused:
                await answer(message)

        try:
            await self.app(scope, limited, unless_refused)
        finally:
            if limited.refused:
                response = PlainTextResponse(
                    "too much, or too slow", limited.refused, headers={"connection": "close"}
                )
                await response(scope, receive, answer)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if not self._known(host):
            return 421, "not a name of this console ([console] hosts)"
        if scope["method"] in SAFE:
            return None
        if scope["method"] != "POST":
            return 405, "GET and POST alone"
        if not _from_here(headers, host):
            return 403, "a form of another site"
        if _length(headers) > self.most_bytes:
            return 413, f"more than {self.most_bytes} bytes"
        return None

    def _known(self, host: str) -> bool:
        name = urlsplit(f"//{host}").hostname or ""
        if name in self.hosts or name == "localhost":
            return True
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False

    def _answering(self, send: Send, scope: Scope) -> Send:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self.secure:
                    headers.setdefault("strict-transport-security", "max-age=31536000")
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        return answer


@dataclass
class _Limited:
    """A request's body, counted and timed: a slow one would hold a connection for ever. `refused`:
    the status for one that is too large or too slow; the application sees its sender gone."""

    receive: Receive
    most_bytes: int
    clock_s: Callable[[], float]
    refused: int = 0
    _bytes: int = 0
    _begun_s: float | None = None
    _ended: bool = False

    async def __call__(self) -> Message:
        if self._ended:
            return await self.receive()  # for the end of the connection, as long as it lasts
        if self._begun_s is None:
            self._begun_s = self.clock_s()
        try:
            async with asyncio.timeout(SILENCE_S):
                message = await self.receive()
        except TimeoutError:
            return self._refuse(408)
        self._bytes += len(message.get("body", b""))
        self._ended = message["type"] != "http.request" or not message.get("more_body", False)
        if self._bytes > self.most_bytes:
            return self._refuse(413)
        took_s = self.clock_s() - self._begun_s
        if not self._ended and took_s > SILENCE_S + self._bytes / LEAST_BYTES_PER_S:
            return self._refuse(408)
        return message

    def _refuse(self, status: int) -> Message:
        self.refused, self._ended = status, True
        return {"type": "http.disconnect"}


def _from_here(headers: Headers, host: str) -> bool:
    """A browser says where a form comes from; what says nothing is no browser, or an old one that
    sends Origin at least (Fetch Metadata Request Headers, W3C)."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    if origin is not None and origin != "null":
        return urlsplit(origin).netloc == host
    return site is not None


def _length(headers: Headers) -> int:
    said = headers.get("content-length", "0")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else 1 << 62
