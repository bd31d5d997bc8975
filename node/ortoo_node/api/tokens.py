"""Who asks: the bearer of a request, and how often."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NoReturn

from fastapi import Depends
from starlette.requests import Request

from ortoo_node import tokens
from ortoo_node.api.rates import Rates
from ortoo_node.api.streams import Streams
from ortoo_node.app import NodeApp
from ortoo_node.interfaces import Http
from ortoo_node.tokens import Bearer
from ortoo_protocol.core.errors import ApiPath, ApiRate, ApiToken
from ortoo_protocol.station.common_methods import Method


@dataclass(frozen=True)
class Desk:
    """What every request needs: the station, what it can do, the settings, who asks how often."""

    app: NodeApp
    methods: Mapping[str, Method]
    http: Http
    rates: Rates
    streams: Streams = field(default_factory=Streams)
    readings: dict[str, str] = field(default_factory=dict)  # whose each answer is: a family

    async def call(self, method: str, **params: Any) -> Any:
        """One of the station's control methods, as its command line calls them."""
        return await self.methods[method](**params)

    async def whole(self, method: str, key: str, **params: Any) -> list[dict[str, Any]]:
        """All pages of a method that lists; `key`: under which its rows stand."""
        found: list[dict[str, Any]] = []
        while True:
            page = await self.call(method, offset=len(found), **params)
            found += page[key]
            if not page[key] or len(found) >= page["total"]:
                return found


async def desk_of(request: Request) -> Desk:
    desk = request.app.state.desk
    if not isinstance(desk, Desk):
        raise TypeError("the server has not been given its station")
    return desk


async def authenticate(request: Request) -> Bearer:
    """Raises ApiToken, ApiRate."""
    desk = await desk_of(request)
    who = await tokens.check(desk.app.station, request.headers.get("authorization", ""))
    after_s = desk.rates.take(who.family)
    if after_s:
        raise ApiRate(after_s=math.ceil(after_s))
    request.state.who = who
    return who


async def bearer_of(request: Request) -> Bearer:
    """After `authenticate`."""
    who = getattr(request.state, "who", None)
    if not isinstance(who, Bearer):
        raise ApiToken()
    return who


def absent(request: Request) -> NoReturn:
    """What does not exist and what is another department's look alike."""
    raise ApiPath(path=request.url.path[:200])


Who = Annotated[Bearer, Depends(bearer_of)]
At = Annotated[Desk, Depends(desk_of)]
