"""Around every request: bodies that come too slowly are given up, and every answer has the headers
that keep a browser from making more of it than it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ortoo_protocol.core.errors import ApiSlow

WAIT_S = 15.0  # for the next part of a body
GRACE_S, LEAST_BYTES_A_S = 30.0, 16 << 10  # after so long the whole must have come so quickly
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }
)
STRICT = {"strict-transport-security": "max-age=31536000"}


class Guard:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        usual = {**HEADERS, **(STRICT if scope["scheme"] == "https" else {})}

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in usual.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, _Body(receive), answer)


class _Body:
    """`receive` that raises ApiSlow while a body is on its way."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._came_bytes = 0
        self._ended = False
        self._began_s = 0.0

    async def __call__(self) -> Message:
        if self._ended:  # what is waited for now is the client's going away
            return await self._receive()
        now_s = asyncio.get_running_loop().time
        self._began_s = self._began_s or now_s()
        try:
            async with asyncio.timeout(WAIT_S):
                message = await self._receive()
        except TimeoutError:
            raise ApiSlow() from None
        self._came_bytes += len(message.get("body", b""))
        self._ended = not message.get("more_body", False)
        took_s = now_s() - self._began_s
        if not self._ended and took_s > GRACE_S and self._came_bytes < took_s * LEAST_BYTES_A_S:
            raise ApiSlow()
        return message
