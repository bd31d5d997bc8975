"""How many HTTP requests a listener answered, and how long it took."""

from __future__ import annotations

import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ortoo_protocol.station.correlation import about
from ortoo_protocol.station.figures.figure import Figure, counter

CORRELATION = "x-correlation-id"  # also request.state.correlation, and in the log's lines
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


@dataclass
class Requests:
    """Since the process began; all listeners of a process share one."""

    answered: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    seconds: defaultdict[tuple[str], float] = field(default_factory=lambda: defaultdict(float))

    def figures(self) -> Iterator[Figure]:
        labels = ("listener", "method", "status")
        help_ = "HTTP requests that were answered; status 0: the other side had gone."
        yield counter("ortoo_http_requests_total", help_, dict(self.answered), labels)
        help_ = "From the first line of a request to the last byte of its answer."
        yield counter("ortoo_http_seconds_total", help_, dict(self.seconds), ("listener",))


@dataclass(frozen=True)
class Counting:
    """`application` as it is, with each request noted under `listener` and given an id."""

    application: ASGIApp
    listener: str
    requests: Requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        began_s, status = time.monotonic(), "0"
        correlation = secrets.token_hex(8)
        scope.setdefault("state", {})["correlation"] = correlation

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = f"{message['status'] // 100}xx"
                headers = MutableHeaders(scope=message)
                headers.setdefault(CORRELATION, correlation)
            await send(message)

        try:
            with about(request=correlation):
                await self.application(scope, receive, noting)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "OTHER"
            self.requests.answered[self.listener, method, status] += 1
            self.requests.seconds[self.listener,] += time.monotonic() - began_s
