"""How every request of a department's program is taken: who asks first, then the body within its
bounds, then once only where an Idempotency-Key says so."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ortoo_node.api import answers
from ortoo_node.api.answers import Answer, Key
from ortoo_node.api.bodies import read_json
from ortoo_node.api.tokens import authenticate, desk_of
from ortoo_node.tokens import Bearer
from ortoo_protocol.core.errors import ApiBody, ApiBodyType, ApiTooLarge, OrtooError

JSON_BYTES = 16 << 20
KEPT_HEADERS = ("location", "etag", "link")
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Bounded(Request):
    """Its body is at most `JSON_BYTES`, and JSON of bounded depth in which no name stands twice."""

    async def body(self) -> bytes:
        """Raises ApiTooLarge, ApiBody."""
        if not hasattr(self, "_body"):
            parts, size = [], 0
            try:
                async for part in self.stream():
                    size += len(part)
                    if size > JSON_BYTES:
                        raise ApiTooLarge(detail=f"{JSON_BYTES >> 20} MB")
                    parts.append(part)
            except ClientDisconnect:
                raise ApiBody(detail="it breaks off") from None
            self._body = b"".join(parts)
        return self._body

    async def json(self) -> Any:
        """Raises what `body` does, and ApiBody."""
        if not hasattr(self, "_json"):
            self._json = read_json(await self.body())
        return self._json


class TokenRoute(APIRoute):
    """A route for whoever bears a token; what its endpoint reads of the body it reads itself."""

    def get_route_handler(self) -> _Handler:
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            await authenticate(request)
            return await handle(request)

        return answered


class JsonRoute(APIRoute):
    """A route whose body, if any, is one JSON value, and whose POST is done once for a key."""

    def get_route_handler(self) -> _Handler:
        handle = super().get_route_handler()
        takes_json = self.body_field is not None

        async def answered(request: Request) -> Response:
            bounded = Bounded(request.scope, request.receive)
            who = await authenticate(bounded)
            if takes_json:
                kind = bounded.headers.get("content-type", "").partition(";")[0].strip().lower()
                if kind != "application/json":
                    raise ApiBodyType()
                await bounded.json()
            key = bounded.headers.get("idempotency-key")
            if bounded.method != "POST" or key is None:
                return await handle(bounded)
            return await _once(bounded, who, key, handle)

        return answered


async def digest_of(request: Request) -> bytes:
    """Over method, path, query and body."""
    asked = f"{request.method} {request.url.path}?{request.url.query}\0".encode()
    return hashlib.sha256(asked + await request.body()).digest()


async def _once(
    request: Request, who: Bearer, given: str, handle: Callable[[Request], Awaitable[Response]]
) -> Response:
    app = (await desk_of(request)).app
    with app.answers.alone(who.family, given):
        key = Key(who.family, given, await digest_of(request))
        found = await app.station.write(partial(answers.begin, key=key))
        if found is not None:
            return replayed(found)
        try:
            response = await handle(request)
        except (OrtooError, HTTPException, RequestValidationError):
            await app.station.write(partial(answers.forget, key=key))
            raise
        await app.station.write(partial(answers.keep, key=key, answer=_answer_of(response)))
        return response


def _answer_of(response: Response) -> Answer:
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    return Answer(
        response.status_code,
        bytes(response.body),
        response.media_type or "application/json",
        headers,
    )


def replayed(answer: Answer) -> Response:
    headers = {**answer.headers, "idempotency-replayed": "true"}
    return Response(answer.body, answer.status, headers, media_type=answer.media_type)
