"""`/healthz` and `/metrics`: what watches a daemon asks over HTTP, on whichever listener it has.

Anybody who reaches the listener may ask for health, and learns yes or no and the codes of what
stops exchange. What each problem is and what to do, and all figures, are for this machine and for
whoever bears the token of `[watch]`. A request that a proxy passed on comes from elsewhere, though
the proxy be here.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ortoo_protocol.core.errors import ApiToken
from ortoo_protocol.i18n import DEFAULT, ENGLISH, Translator, translator
from ortoo_protocol.station.health import Check, Health

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PASSED_ON = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


@dataclass(frozen=True)
class Watch:
    """`token`: empty, nobody beyond this machine learns more. `figures`: the page of `/metrics`."""

    health: Health
    figures: Callable[[], Awaitable[bytes]]
    token: str = ""

    async def healthz(self, request: Request) -> Response:
        """200, or 503 when exchange would fail."""
        problems = self.health.problems()
        well = not any(each.stops for each in problems)
        if self.knows(request):
            say = translator(_language(request))
            body: dict[str, Any] = {"ok": well, "problems": [_told(say, one) for one in problems]}
        else:
            codes = {one.error.code for one in problems if one.stops and one.error is not None}
            body = {"ok": well, "codes": sorted(codes)}
        return _json(body, 200 if well else 503)

    async def metrics(self, request: Request) -> Response:
        if not self.knows(request):
            error = ApiToken()
            return _json({"code": error.code}, 401, {"www-authenticate": 'Bearer realm="ortoo"'})
        headers = {"cache-control": "no-store"}
        return Response(await self.figures(), 200, headers, media_type=METRICS_TYPE)

    def knows(self, request: Request) -> bool:
        """Whether the asker is on this machine or bears the token."""
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.token:
            return hmac.compare_digest(text.strip().encode(), self.token.encode())
        return _from_here(request)


def watch_routes(watch: Watch) -> list[BaseRoute]:
    """For an application that knows nothing of them otherwise."""
    return [
        Route("/healthz", watch.healthz, methods=["GET"]),
        Route("/metrics", watch.metrics, methods=["GET"]),
    ]


def _from_here(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in _PASSED_ON):
        return False
    try:
        address = ipaddress.ip_address(request.client.host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _told(say: Translator, check: Check) -> dict[str, Any]:
    if check.error is None:
        raise ValueError("nothing is wrong")
    what, cure = say.error(check.error)
    return {
        "check": check.check,
        "subject": check.subject,
        "level": check.level,
        "stops": check.stops,
        "code": check.error.code,
        "what": what,
        "cure": cure,
    }


def _language(request: Request) -> str:
    asked = request.headers.get("accept-language", "").strip().lower()
    return ENGLISH if asked.startswith("en") else DEFAULT


def _json(body: object, status: int, more: dict[str, str] | None = None) -> Response:
    headers = {"cache-control": "no-store", **(more or {})}
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")
