"""ETags: what was read is named by what it says, and a change names what it was made to (RFC 9110,
13)."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from ortoo_protocol.core.errors import ApiMatch, ApiMatchLacking

READ_AGAIN = "private, no-cache"


def answer(request: Request, shape: type, value: Any, tag: str = "") -> Response:
    """`value` as `shape` has it, with its ETag: `tag`, else one over everything it says; 304 to
    whoever has it already."""
    adapter = _adapter(shape)
    body = adapter.dump_json(adapter.validate_python(value))
    tag = tag or f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": READ_AGAIN}
    if unchanged(request, tag):
        return Response(None, 304, headers)
    return Response(body, 200, headers, media_type="application/json")


@cache
def _adapter(shape: type) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def unchanged(request: Request, tag: str) -> bool:
    """Whether whoever asks has it already (If-None-Match)."""
    return _names(request.headers.get("if-none-match", ""), tag, weak=True)


def need(request: Request) -> str:
    """If-Match of a change. Raises ApiMatchLacking."""
    given = request.headers.get("if-match", "").strip()
    if not given:
        raise ApiMatchLacking()
    return given


def check(given: str, tag: str) -> None:
    """Raises ApiMatch."""
    if not _names(given, tag, weak=False):
        raise ApiMatch()


def _names(given: str, tag: str, *, weak: bool) -> bool:
    if given.strip() == "*":
        return True
    tags = [each.strip() for each in given.split(",")]
    return tag in tags or (weak and f"W/{tag}" in tags)
