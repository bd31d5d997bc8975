"""Pages of lists: an opaque cursor says where the next begins, `Link` where it is (RFC 8288)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

import msgspec
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from ortoo_node.api.shapes.common import MOST_PAGE, USUAL_PAGE
from ortoo_protocol.core.errors import ApiQuery

T = TypeVar("T")
Key = tuple[int, str]
Limit = Annotated[int, Query(ge=1, le=MOST_PAGE, description="So many at most.")]
Cursor = Annotated[str, Query(max_length=400, description="`next` of the page before.")]
USUAL = USUAL_PAGE
MOST_OFFSET = 1_000_000  # as the search has it


def page(
    found: Sequence[T], key: Callable[[T], Key], cursor: str, limit: int
) -> tuple[list[T], str | None]:
    """The newest first by `key`, time and name. What comes in between moves no later page."""
    ordered = sorted(found, key=key, reverse=True)
    if cursor:
        after = _read(cursor, Key)
        ordered = [each for each in ordered if key(each) < after]
    here = ordered[:limit]
    return here, _text(key(here[-1])) if len(ordered) > limit else None


def offset_of(cursor: str) -> int:
    """For lists that are ordered elsewhere. Raises ApiQuery."""
    offset = _read(cursor, int) if cursor else 0
    if not 0 <= offset <= MOST_OFFSET:
        raise _wrong()
    return offset


def offset_text(offset: int) -> str:
    return _text(offset)


def link(request: Request, response: Response, following: str | None) -> None:
    if following is not None:
        kept = [pair for pair in request.query_params.multi_items() if pair[0] != "cursor"]
        query = urlencode([*kept, ("cursor", following)])
        path = request.scope.get("raw_path", request.url.path.encode()).decode("ascii", "replace")
        response.headers["link"] = f'<{path}?{query}>; rel="next"'


def _text(value: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(value)).rstrip(b"=").decode()


def _read(cursor: str, kind: type[T] | Any) -> Any:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(raw, type=kind)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise _wrong() from None


def _wrong() -> ApiQuery:
    return ApiQuery(name="cursor", expected="`next`")
